"""What is wrong with a connector? Asks the platform, the network and the last report; changes nothing."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from http import HTTPStatus

import aiohttp

from ..gateway import BootstrapError, Credentials, Reason, ServerConfig, State, fetch_endpoint
from ..openapi import ApiError, FeishuClient, FeishuError
from ..storage import utc_now
from .checks import Check, CheckName, CheckOutcome, Fact, Finding, facts_of
from .headcount import Headcount
from .network import check_clock, check_proxy
from .record import Connector, Source
from .rest import rest_client
from .scopes import console_link, grant_link, granted_scopes, needs_of
from .statuses import Reported

logger = logging.getLogger("nonebot_plugin_feishu_ws.connectors")

_OK, _WARNING, _PROBLEM, _SKIPPED = CheckOutcome

_QUIET = timedelta(days=7)  # without an event for longer it is worth a look
_ENABLED = 2  # bot/v3/info, activate_status
_NO_BOT = (11205, 230006)  # app do not have bot; bot ability is not activated
_NOT_INSTALLED = 212100
_ASIDE = (CheckName.STRANGERS, CheckName.SCOPES, CheckName.CLOCK)  # no answer to these is no fault
_BUSY = (Reason.BUSY, Reason.UNAVAILABLE)


async def diagnose(
    connector: Connector,
    *,
    base_url: str,
    session: aiohttp.ClientSession,
    reported: Reported,
    within: float = 10.0,
    now: Callable[[], datetime] = utc_now,
    found: Callable[[Check], None] = lambda _: None,
) -> list[Check]:
    """Examine a connector, whether it runs here, elsewhere or not at all.

    It asks for a token of its own, so that the credentials are really tried, and for an endpoint it does not connect
    to: no connection of the app is used up, and none is disturbed.

    Args:
        connector: Whose credentials and policy are examined.
        base_url: Its platform, see `normalise_base_url`.
        session: For HTTP; not owned.
        reported: What the processes that run it last said.
        within: Seconds for each check.
        now: The time, aware.
        found: Told each check as soon as it is done.

    Returns:
        One check for each `CheckName`, in that order; whatever the platform answers, nothing is raised.
    """
    examination = _Examination(connector, base_url, session, reported, within, now, found)
    groups = await asyncio.gather(
        examination.as_the_app(),
        examination.each(
            (CheckName.BOOTSTRAP, examination.bootstrap),
            (CheckName.CONNECTION, examination.connection),
            (CheckName.EVENTS, examination.events),
            (CheckName.CLOCK, examination.clock),
            (CheckName.PROXY, examination.proxy),
        ),
    )
    checks = {check.name: check for group in groups for check in group}
    return [checks[name] for name in CheckName]


class _Examination:
    def __init__(
        self,
        connector: Connector,
        base_url: str,
        session: aiohttp.ClientSession,
        reported: Reported,
        within: float,
        now: Callable[[], datetime],
        found: Callable[[Check], None],
    ) -> None:
        self._spec = connector.spec
        self._connector = connector
        self._base_url = base_url
        self._session = session
        self._reported = reported
        self._within = within
        self._now = now
        self._found = found
        self._connected = reported.state == State.CONNECTED
        self._asked_proxy = self._spec.proxy.get_secret_value() if self._spec.proxy else None

    # --- how ------------------------------------------------------------------------------------------------

    async def each(self, *checks: tuple[CheckName, Callable[[], Awaitable[Finding]]]) -> list[Check]:
        return await asyncio.gather(*(self._examined(name, examine) for name, examine in checks))

    async def as_the_app(self) -> list[Check]:
        """What can only be asked with a token: in vain without one."""
        try:
            client = rest_client(
                self._spec, base_url=self._base_url, session=self._session, timeout=self._within
            )
        except ValueError:
            credentials = self._told(Check(CheckName.CREDENTIALS, _SKIPPED, {"reason": "proxy"}))
        else:
            credentials = await self._examined(CheckName.CREDENTIALS, lambda: self.credentials(client))
            if credentials.outcome is _OK:
                rest = await self.each(
                    (CheckName.BOT, lambda: self.bot(client)),
                    (CheckName.STRANGERS, lambda: self.strangers(client)),
                    (CheckName.SCOPES, lambda: self.scopes(client)),
                )
                return [credentials, *rest]
        in_vain = (CheckName.BOT, CheckName.STRANGERS, CheckName.SCOPES)
        skipped = [self._told(Check(name, _SKIPPED, {"reason": "credentials"})) for name in in_vain]
        return [credentials, *skipped]

    def _told(self, check: Check) -> Check:
        self._found(check)
        return check

    async def _examined(self, name: CheckName, examine: Callable[[], Awaitable[Finding]]) -> Check:
        lost = _SKIPPED if name in _ASIDE else _PROBLEM
        try:
            async with asyncio.timeout(self._within):
                outcome, facts = await examine()
        except TimeoutError:
            outcome, facts = lost, {"reason": "timeout", "msg": f"no answer within {self._within:g} s"}
        except FeishuError as error:
            outcome, facts = lost, facts_of(error)
            if name in _ASIDE and facts.get("status") == HTTPStatus.NOT_FOUND:
                facts["reason"] = "unsupported"
        except Exception as error:  # a defect of ours is no reason to withhold the other findings
            # Frames alone: some loggers print the values of names, and a proxy's URL holds its password.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error("%s: check %s: %s\n%s", self._spec.name, name, type(error).__name__, frames)
            outcome, facts = _SKIPPED, {"reason": "internal", "msg": type(error).__name__}
        return self._told(Check(name, outcome, facts))

    def _ago(self, moment: datetime | None) -> float | None:
        return None if moment is None else max(0.0, (self._now() - moment).total_seconds())

    # --- as the app -----------------------------------------------------------------------------------------

    async def credentials(self, client: FeishuClient) -> Finding:
        if self._connector.locked is not None:
            return _PROBLEM, {"reason": "locked", "msg": str(self._connector.locked)}
        try:
            await client.tenant_access_token()
        except ApiError as error:
            facts = facts_of(error)
            outcome = _WARNING if facts["reason"] in ("rate_limited", "platform") else _PROBLEM
            return outcome, {"link": self._console, **facts}
        return _OK, {}

    @property
    def _console(self) -> str:
        return console_link(self._base_url, self._spec.app_id)

    async def bot(self, client: FeishuClient) -> Finding:
        try:
            info = await client.bot_info()
        except ApiError as error:
            if error.code not in _NO_BOT:
                raise
            return _PROBLEM, {**facts_of(error), "reason": "no_bot", "link": self._console}
        facts: dict[str, Fact] = {"name": info.app_name, "open_id": info.open_id}
        if info.activate_status not in (None, _ENABLED):
            inactive = {"reason": "inactive", "status": info.activate_status, "link": self._console}
            return _PROBLEM, {**facts, **inactive}
        return _OK, facts

    async def strangers(self, client: FeishuClient) -> Finding:
        if self._address is not None:
            return _SKIPPED, {"reason": "webhook"}
        count = Headcount(await client.online_instance_count(), self._reported.connections)
        facts: dict[str, Fact] = {"online": count.online, "own": count.own}
        if count.strangers:
            return _PROBLEM, {"reason": "strangers", **facts}
        if count.unseen:
            return _WARNING, {"reason": "unseen", **facts}
        return _OK, facts

    async def scopes(self, client: FeishuClient) -> Finding:
        try:
            granted = granted_scopes(await client.request("GET", "application/v6/scopes"))
        except ApiError as error:
            if error.code != _NOT_INSTALLED:
                raise
            return _PROBLEM, {**facts_of(error), "reason": "not_installed", "link": self._console}
        if granted is None:
            return _SKIPPED, {"reason": "unsupported"}
        missing = [need for need in needs_of(self._spec) if granted.isdisjoint(need.any_of)]
        if not missing:
            return _OK, {"granted": len(granted)}
        names = list(dict.fromkeys(need.any_of[0] for need in missing))
        return _PROBLEM if any(need.essential for need in missing) else _WARNING, {
            "reason": "missing",
            "missing": names,
            "purposes": [need.purpose.value for need in missing],
            "essential": [need.purpose.value for need in missing if need.essential],
            "link": grant_link(self._base_url, self._spec.app_id, names),
        }

    # --- the way in -----------------------------------------------------------------------------------------

    @property
    def _address(self) -> str | None:
        """Where a webhook is; None of a long connection."""
        return f"/feishu/{self._spec.app_id}" if self._spec.transport == "webhook" else None

    async def bootstrap(self) -> Finding:
        if self._address is not None:
            return _SKIPPED, {"reason": "webhook"}
        if self._connector.locked is not None:
            return _SKIPPED, {"reason": "locked"}
        credentials = Credentials(self._spec.app_id, self._spec.app_secret.get_secret_value())
        try:
            endpoint = await fetch_endpoint(
                credentials,
                self._base_url,
                self._session,
                proxy=self._asked_proxy,
                within=self._within,
                known=ServerConfig(),
            )
        except BootstrapError as error:
            facts: dict[str, Fact] = {"reason": error.reason.value, "msg": error.msg, "code": error.code}
            return _WARNING if error.reason in _BUSY else _PROBLEM, facts
        return _OK, {"host": endpoint.url.host}

    async def connection(self) -> Finding:
        reported = self._reported
        facts: dict[str, Fact] = {
            "state": reported.state,
            "connected_for": self._ago(reported.connected_at),
            "heartbeat_ago": self._ago(reported.last_heartbeat),
            "attempt": reported.attempt,
            "error": reported.error,
            "gateway_reason": reported.reason,
            "reported_ago": self._ago(reported.updated_at),
        }
        if self._address is not None:
            facts["address"] = self._address
        if (idle := self._why_idle()) is not None:
            return _SKIPPED, {"reason": idle, **facts}
        if reported.held:
            return _WARNING, {"reason": "held", **facts}
        if reported.updated_at is None:
            return _PROBLEM, {"reason": "not_running", **facts}
        if self._connected:
            facts |= {"open": reported.connections, "wanted": reported.wanted}
            if reported.reason == Reason.REFUSED:
                return _WARNING, {"reason": "request_refused", **facts}
            if reported.connections < reported.wanted:
                return _WARNING, {"reason": "partial", **facts}
            return _OK, facts
        moving = reported.state in (State.CONNECTING, State.RECONNECTING)
        return _WARNING if moving else _PROBLEM, {"reason": reported.state, **facts}

    def _why_idle(self) -> str | None:
        if self._connector.runnable:
            return None
        if self._connector.locked is not None:
            return "locked"
        unverified = self._connector.source is Source.STORED and self._connector.verified_at is None
        return "not_verified" if unverified else "disabled"

    async def events(self) -> Finding:
        ago = self._ago(self._reported.last_event_at)
        facts: dict[str, Fact] = {"last_event_ago": ago, "link": self._console}
        if self._address is not None:
            facts["address"] = self._address
        if not self._connected:
            return _SKIPPED, {"reason": "not_connected", **facts}
        if ago is None:
            return _WARNING, {"reason": "never", **facts}
        if ago > _QUIET.total_seconds():
            return _WARNING, {"reason": "old", **facts}
        return _OK, facts

    # --- the network ----------------------------------------------------------------------------------------

    async def clock(self) -> Finding:
        return await check_clock(self._session, self._base_url, self._asked_proxy, self._now)

    async def proxy(self) -> Finding:
        return await check_proxy(self._session, self._base_url, self._asked_proxy)
