"""Every check in every outcome, against a sandbox; and nothing a platform answers makes the doctor raise."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from feishu_sandbox import ApiFault, App, BootstrapFault, Rules, Sandbox
from nonebot_plugin_feishu_ws.connectors import (
    Check,
    CheckName,
    CheckOutcome,
    Connector,
    ConnectorSpec,
    Reported,
    Source,
    diagnose,
)
from nonebot_plugin_feishu_ws.connectors.scopes import grant_link, granted_scopes
from nonebot_plugin_feishu_ws.gateway import Reason
from nonebot_plugin_feishu_ws.storage import SealBroken
from nonebot_plugin_feishu_ws.texts.doctor import DoctorTexts
from nonebot_plugin_feishu_ws.texts.doctor.words import REASONS

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
CANARY = "canary-app-secret-4711"
CONNECTED = Reported(
    state="connected",
    connections=1,
    wanted=1,
    connected_at=NOW - timedelta(hours=3),
    last_heartbeat=NOW - timedelta(seconds=20),
    last_event_at=NOW - timedelta(minutes=5),
    updated_at=NOW - timedelta(seconds=5),
)
Diagnosis = dict[CheckName, Check]


class Patient:
    """An app of a sandbox, and the connector that is examined."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session
        self.app: App = sandbox.world.add_app("Butler", app_secret=CANARY)
        self.base_url = sandbox.url

    def connector(self, *, locked: bool = False, verified: bool = True, **fields: Any) -> Connector:
        values = {"name": "butler", "app_id": self.app.app_id, "app_secret": SecretStr(CANARY), **fields}
        return Connector(
            "id",
            ConnectorSpec(**values),
            Source.STORED,
            NOW if verified else None,
            SealBroken("feishu_ws_connector") if locked else None,
        )

    async def examined(
        self, connector: Connector | None = None, reported: Reported = CONNECTED, **how: Any
    ) -> Diagnosis:
        """The diagnosis; by the way, that it has texts and no secrets."""
        checks = await diagnose(
            connector or self.connector(),
            base_url=self.base_url,
            session=self.session,
            reported=reported,
            **{"now": lambda: NOW, "within": 5.0, **how},
        )
        assert [check.name for check in checks] == list(CheckName)
        told(checks)
        return {check.name: check for check in checks}

    async def open_socket(self) -> aiohttp.ClientWebSocketResponse:
        """A long connection of somebody's."""
        body = {"AppID": self.app.app_id, "AppSecret": CANARY}
        async with self.session.post(f"{self.base_url}/callback/ws/endpoint", json=body) as response:
            url = (await response.json())["data"]["URL"]
        socket = await self.session.ws_connect(url)
        await self.sandbox.hub.wait_connected(self.app)
        return socket


def told(checks: list[Check]) -> str:
    """The diagnosis in both languages; each says something of its own, and no secret."""
    said = json.dumps([dict(check.facts) for check in checks])
    for locale in ("zh_CN", "en_US"):
        texts = DoctorTexts(locale)
        for check in checks:
            headline, todo = texts.check(check)
            assert headline
            reason = check.facts.get("reason")
            assert locale == "en_US" or headline != reason, f"no words for {check}"
            said += f"{texts.outcome(check.outcome)} {texts.title(check.name)}: {headline}\n{todo}\n"
    assert CANARY not in said
    return said


def english(check: Check) -> str:
    return "\n".join(DoctorTexts("en_US").check(check))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def patient(session: aiohttp.ClientSession) -> AsyncIterator[Patient]:
    async with Sandbox(
        rules=Rules(clock=NOW.timestamp, api_per_second=10**6, api_per_minute=10**6)
    ) as sandbox:
        yield Patient(sandbox, session)


async def test_a_healthy_connector(patient: Patient) -> None:
    socket = await patient.open_socket()
    found = await patient.examined()
    assert {check.outcome for check in found.values()} == {CheckOutcome.OK}, found
    assert found[CheckName.BOT].facts["name"] == "Butler"
    assert found[CheckName.CONNECTION].facts["connected_for"] == 3 * 3600
    assert "5 min ago" in english(found[CheckName.EVENTS])
    # Asking for an endpoint opened no connection.
    assert len(patient.sandbox.hub.opened(patient.app)) == 1
    await socket.close()


# --- credentials --------------------------------------------------------------------------------------------


async def test_wrong_credentials(patient: Patient) -> None:
    found = await patient.examined(patient.connector(app_secret=SecretStr("wrong")))
    credentials = found[CheckName.CREDENTIALS]
    assert (credentials.outcome, credentials.facts["reason"]) == (CheckOutcome.PROBLEM, "bad_credentials")
    assert credentials.facts["code"] == 10014
    assert f"{patient.base_url}/app/{patient.app.app_id}" in english(credentials)
    assert (found[CheckName.BOOTSTRAP].outcome, found[CheckName.BOOTSTRAP].facts["reason"]) == (
        CheckOutcome.PROBLEM,
        "bad_credentials",
    )
    for name in (CheckName.BOT, CheckName.STRANGERS, CheckName.SCOPES):
        assert (found[name].outcome, found[name].facts) == (CheckOutcome.SKIPPED, {"reason": "credentials"})
    assert found[CheckName.CLOCK].outcome is CheckOutcome.OK


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (ApiFault(path="tenant_access_token", status=503), CheckOutcome.WARNING, "platform"),
        (
            ApiFault(path="tenant_access_token", status=429, code=99991400),
            CheckOutcome.WARNING,
            "rate_limited",
        ),
        (ApiFault(path="tenant_access_token", code=10005), CheckOutcome.PROBLEM, "app_unavailable"),
        (ApiFault(path="tenant_access_token", code=12345), CheckOutcome.PROBLEM, "refused"),
        (ApiFault(path="tenant_access_token", drop=True), CheckOutcome.PROBLEM, "unreachable"),
        (ApiFault(path="tenant_access_token", delay=30), CheckOutcome.PROBLEM, "timeout"),
    ],
)
async def test_credentials_that_cannot_be_tried(
    patient: Patient, fault: ApiFault, outcome: CheckOutcome, reason: str
) -> None:
    patient.sandbox.faults.add(fault)
    found = await patient.examined(within=0.3)
    check = found[CheckName.CREDENTIALS]
    assert (check.outcome, check.facts["reason"]) == (outcome, reason)
    assert found[CheckName.BOT].facts == {"reason": "credentials"}


async def test_a_platform_that_is_not_there(patient: Patient) -> None:
    await patient.sandbox.stop()
    found = await patient.examined()
    for name in (CheckName.CREDENTIALS, CheckName.BOOTSTRAP):
        assert found[name].outcome is CheckOutcome.PROBLEM
        assert found[name].facts["reason"] in ("unreachable", "network")
    assert found[CheckName.CLOCK].facts["reason"] == "no_date"


async def test_locked_secrets_are_not_tried(patient: Patient) -> None:
    with patient.sandbox.world.subscribe() as changes:
        found = await patient.examined(patient.connector(locked=True))
        await patient.session.get(f"{patient.base_url}/open-apis/end")
        paths: list[str] = []
        async with asyncio.timeout(20):
            async for change in changes:
                paths.append(str(change.data.get("path")))
                if paths[-1] == "/open-apis/end":
                    break
    assert set(paths) == {"/open-apis/bot/v3/info", "/open-apis/end"}  # only the clock was asked for
    assert (found[CheckName.CREDENTIALS].outcome, found[CheckName.CREDENTIALS].facts["reason"]) == (
        CheckOutcome.PROBLEM,
        "locked",
    )
    assert found[CheckName.BOOTSTRAP].facts == {"reason": "locked"}
    assert found[CheckName.CONNECTION].facts["reason"] == "locked"


# --- bot ----------------------------------------------------------------------------------------------------


async def test_an_app_without_a_bot(patient: Patient) -> None:
    patient.app.bot = False
    check = (await patient.examined())[CheckName.BOT]
    assert (check.outcome, check.facts["reason"], check.facts["code"]) == (
        CheckOutcome.PROBLEM,
        "no_bot",
        11205,
    )
    assert f"/app/{patient.app.app_id}" in english(check)


async def test_a_bot_that_is_not_active(patient: Patient) -> None:
    patient.app.active = False
    check = (await patient.examined())[CheckName.BOT]
    assert (check.outcome, check.facts["reason"], check.facts["status"]) == (
        CheckOutcome.PROBLEM,
        "inactive",
        0,
    )
    assert "not installed yet" in english(check)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (ApiFault(path="bot/v3/info", body='{"code": 0, "bot": null}'), "platform"),
        (ApiFault(path="bot/v3/info", code=99991672), "permission"),
        (ApiFault(path="bot/v3/info", status=404, body="404 page not found"), "refused"),
    ],
)
async def test_a_bot_that_cannot_be_asked_for(patient: Patient, fault: ApiFault, reason: str) -> None:
    patient.sandbox.faults.add(fault)
    check = (await patient.examined())[CheckName.BOT]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.PROBLEM, reason)


# --- bootstrap ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (BootstrapFault(code=1), CheckOutcome.WARNING, "busy"),
        (BootstrapFault(how="status", status=502, code=9), CheckOutcome.WARNING, "unavailable"),
        (BootstrapFault(code=1000040350), CheckOutcome.PROBLEM, "connection_limit"),
        (BootstrapFault(code=403), CheckOutcome.PROBLEM, "forbidden"),
        (BootstrapFault(code=1000040351), CheckOutcome.PROBLEM, "wrong_domain"),
        (BootstrapFault(code=77), CheckOutcome.PROBLEM, "rejected"),
        (BootstrapFault(how="no_data"), CheckOutcome.PROBLEM, "protocol"),
        (BootstrapFault(how="not_json"), CheckOutcome.PROBLEM, "protocol"),
        (BootstrapFault(how="hang"), CheckOutcome.PROBLEM, "timeout"),
    ],
)
async def test_no_endpoint(
    patient: Patient, fault: BootstrapFault, outcome: CheckOutcome, reason: str
) -> None:
    patient.sandbox.faults.add(fault)
    found = await patient.examined(within=0.5)
    check = found[CheckName.BOOTSTRAP]
    assert (check.outcome, check.facts["reason"]) == (outcome, reason)
    assert found[CheckName.CREDENTIALS].outcome is CheckOutcome.OK


# --- connection and events ----------------------------------------------------------------------------------


def reported(**changes: Any) -> Reported:
    return replace(CONNECTED, **changes)


@pytest.mark.parametrize(
    ("how", "report", "outcome", "reason"),
    [
        ({"enabled": False}, Reported(), CheckOutcome.SKIPPED, "disabled"),
        ({"verified": False}, Reported(), CheckOutcome.SKIPPED, "not_verified"),
        ({}, reported(state="disconnected", held=True), CheckOutcome.WARNING, "held"),
        ({}, Reported(), CheckOutcome.PROBLEM, "not_running"),
        ({}, reported(state="disconnected"), CheckOutcome.PROBLEM, "disconnected"),
        ({}, reported(state="connecting", error=None), CheckOutcome.WARNING, "connecting"),
        (
            {},
            reported(state="reconnecting", reason="network", error="network: x", attempt=3),
            CheckOutcome.WARNING,
            "reconnecting",
        ),
        (
            {},
            reported(state="blocked", reason="connection_limit", error="y", attempt=1),
            CheckOutcome.PROBLEM,
            "blocked",
        ),
    ],
)
async def test_connection(
    patient: Patient, how: dict[str, Any], report: Reported, outcome: CheckOutcome, reason: str
) -> None:
    found = await patient.examined(patient.connector(**how), report)
    check = found[CheckName.CONNECTION]
    assert (check.outcome, check.facts["reason"]) == (outcome, reason)
    assert found[CheckName.EVENTS].facts["reason"] == "not_connected"
    if report.reason:  # why it is down, and what helps against that
        assert DoctorTexts("en_US").reason(report.reason).headline in english(check)
        assert DoctorTexts("en_US").reason(report.reason).todo in english(check)
        assert f"attempt {report.attempt}" in english(check)


async def test_connections_that_are_missing_are_told_with_the_reason(patient: Patient) -> None:
    limit = Reason.CONNECTION_LIMIT.value
    report = reported(connections=2, wanted=3, reason=limit, error=f"{limit} (1000040350): x", attempt=2)
    check = (await patient.examined(reported=report))[CheckName.CONNECTION]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.WARNING, "partial")
    said = english(check)
    assert "2 of 3" in said
    assert DoctorTexts("en_US").reason(limit).todo in said


@pytest.mark.parametrize(
    ("last", "outcome", "reason"),
    [
        (None, CheckOutcome.WARNING, "never"),
        (NOW - timedelta(days=8), CheckOutcome.WARNING, "old"),
        (NOW - timedelta(days=6), CheckOutcome.OK, None),
    ],
)
async def test_last_event(
    patient: Patient, last: datetime | None, outcome: CheckOutcome, reason: str | None
) -> None:
    check = (await patient.examined(reported=reported(last_event_at=last)))[CheckName.EVENTS]
    assert (check.outcome, check.facts.get("reason")) == (outcome, reason)
    if reason:
        assert "im.message.receive_v1" in english(check)
        assert f"/app/{patient.app.app_id}" in english(check)


# --- webhooks -----------------------------------------------------------------------------------------------

LISTENING = replace(CONNECTED, connections=0, wanted=0)


@pytest.mark.parametrize(
    ("report", "outcome", "said"),
    [
        (LISTENING, CheckOutcome.OK, "listening at /feishu/cli_"),
        (
            replace(LISTENING, reason="request_refused", error="request_refused: bad_token"),
            CheckOutcome.WARNING,
            "the last request was refused (bad_token)",
        ),
        (
            replace(LISTENING, state="blocked", reason="no_server", error="no_server: x"),
            CheckOutcome.PROBLEM,
            "DRIVER=~fastapi",
        ),
    ],
)
async def test_a_webhook(patient: Patient, report: Reported, outcome: CheckOutcome, said: str) -> None:
    connector = patient.connector(transport="webhook", encrypt_key=SecretStr(CANARY))
    found = await patient.examined(connector, report)
    assert found[CheckName.CONNECTION].outcome is outcome
    assert said in english(found[CheckName.CONNECTION])
    for name in (CheckName.BOOTSTRAP, CheckName.STRANGERS):
        assert found[name].facts == {"reason": "webhook"}


async def test_a_webhook_that_was_never_called_is_told_its_address(patient: Patient) -> None:
    connector = patient.connector(transport="webhook", encrypt_key=SecretStr(CANARY))
    check = (await patient.examined(connector, replace(LISTENING, last_event_at=None)))[CheckName.EVENTS]
    assert f"https://YOUR-HOST/feishu/{patient.app.app_id}" in english(check)
    assert "persistent connection" not in english(check)


# --- stranger connections -----------------------------------------------------------------------------------


async def test_a_strangers_connection_is_named(patient: Patient) -> None:
    sockets = [await patient.open_socket() for _ in range(2)]
    await patient.sandbox.hub.wait_opened(patient.app, 2)
    check = (await patient.examined())[CheckName.STRANGERS]
    assert (check.outcome, check.facts["online"], check.facts["own"]) == (CheckOutcome.PROBLEM, 2, 1)
    assert "somebody else's connection" in english(check)
    # One that does not run here: all are strangers. One that has both: none is.
    check = (await patient.examined(reported=Reported()))[CheckName.STRANGERS]
    assert (check.outcome, check.facts["own"]) == (CheckOutcome.PROBLEM, 0)
    check = (await patient.examined(reported=reported(connections=2, wanted=2)))[CheckName.STRANGERS]
    assert check.outcome is CheckOutcome.OK
    for socket in sockets:
        await socket.close()


async def test_the_platform_does_not_see_us(patient: Patient) -> None:
    check = (await patient.examined())[CheckName.STRANGERS]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.WARNING, "unseen")


PERMISSION = {
    "code": 99991672,
    "msg": "Access denied. One of the following scopes is required: [x:y]",
    "error": {"helps": [{"url": "https://open.feishu.cn/app/cli_x/auth?q=x:y"}]},
}


@pytest.mark.parametrize(
    ("name", "path"), [(CheckName.STRANGERS, "event/v1"), (CheckName.SCOPES, "v6/scopes")]
)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 404, "body": "404 page not found"}, "unsupported"),
        ({"status": 400, "body": json.dumps(PERMISSION)}, "permission"),
        ({"status": 500, "body": "<html>"}, "platform"),
        ({"drop": True}, "unreachable"),
        ({"delay": 30}, "timeout"),
    ],
)
async def test_what_cannot_be_asked_is_skipped_with_the_reason(
    patient: Patient, name: CheckName, path: str, fault: dict[str, Any], reason: str
) -> None:
    patient.sandbox.faults.add(ApiFault(path=path, **fault))
    check = (await patient.examined(within=0.5))[name]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.SKIPPED, reason)
    if reason == "permission":
        assert "https://open.feishu.cn/app/cli_x/auth?q=x:y" in english(check)


# --- scopes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "taken", "outcome", "missing"),
    [
        ({}, {"im:message.p2p_msg:readonly"}, CheckOutcome.PROBLEM, ["im:message.p2p_msg:readonly"]),
        ({"allow_dm": False}, {"im:message.p2p_msg:readonly"}, CheckOutcome.OK, None),
        # Whoever gets all messages gets those that mention the bot, too.
        ({}, {"im:message.group_at_msg:readonly"}, CheckOutcome.OK, None),
        (
            {},
            {"im:message.group_at_msg:readonly", "im:message.group_msg"},
            CheckOutcome.PROBLEM,
            ["im:message.group_at_msg:readonly"],
        ),
        (
            {"mention_required": False},
            {"im:message.group_msg"},
            CheckOutcome.WARNING,
            ["im:message.group_msg"],
        ),
        ({}, {"im:message.group_msg"}, CheckOutcome.OK, None),
        (
            {"ignore_bot_messages": False},
            {"im:message.group_at_msg.include_bot:readonly"},
            CheckOutcome.WARNING,
            ["im:message.group_at_msg.include_bot:readonly"],
        ),
        ({}, {"im:message:send_as_bot"}, CheckOutcome.OK, None),
        ({}, {"im:message"}, CheckOutcome.WARNING, ["im:message:readonly"]),
        (
            {},
            {"im:message", "im:message:send_as_bot"},
            CheckOutcome.PROBLEM,
            ["im:message:send_as_bot", "im:message:readonly"],
        ),
        ({}, {"im:resource"}, CheckOutcome.WARNING, ["im:resource"]),
    ],
)
async def test_scopes(
    patient: Patient,
    policy: dict[str, Any],
    taken: set[str],
    outcome: CheckOutcome,
    missing: list[str] | None,
) -> None:
    patient.app.scopes -= taken
    check = (await patient.examined(patient.connector(**policy)))[CheckName.SCOPES]
    assert (check.outcome, check.facts.get("missing")) == (outcome, missing)
    if missing:
        link = f"{patient.base_url}/app/{patient.app.app_id}/auth?q={','.join(missing)}"
        assert f"{link}&op_from=openapi&token_type=tenant" in english(check)


def test_the_grant_link_is_on_the_apps_own_platform() -> None:
    link = grant_link("https://open.larksuite.com", "cli_a/b", ["im:resource", "a b&c"])
    assert link == (
        "https://open.larksuite.com/app/cli_a%2Fb/auth?q=im:resource,a%20b%26c&op_from=openapi&token_type=tenant"
    )


def test_what_the_app_may_do_for_people_is_not_what_it_may_do_itself() -> None:
    scopes = [
        {"scope_name": "a", "grant_status": 1, "scope_type": "user"},
        {"scope_name": "b", "grant_status": 1, "scope_type": "tenant"},
        {"scope_name": "c", "grant_status": 1},
        {"scope_name": "d", "grant_status": 2},
    ]
    assert granted_scopes({"code": 0, "data": {"scopes": scopes}}) == {"b", "c"}


async def test_an_app_that_is_not_installed(patient: Patient) -> None:
    patient.sandbox.faults.add(ApiFault(path="v6/scopes", status=400, code=212100, msg="app not install"))
    check = (await patient.examined())[CheckName.SCOPES]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.PROBLEM, "not_installed")


@pytest.mark.parametrize("data", [None, [], {}, {"scopes": None}, {"scopes": []}])
async def test_a_platform_that_lists_no_scopes(patient: Patient, data: object) -> None:
    patient.sandbox.faults.add(ApiFault(path="v6/scopes", body=json.dumps({"code": 0, "data": data})))
    check = (await patient.examined())[CheckName.SCOPES]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.SKIPPED, "unsupported")


# --- clock --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [(0, CheckOutcome.OK), (55, CheckOutcome.OK), (310, CheckOutcome.WARNING), (-310, CheckOutcome.WARNING)],
)
async def test_clock(patient: Patient, ahead: int, outcome: CheckOutcome) -> None:
    check = (await patient.examined(now=lambda: NOW + timedelta(seconds=ahead)))[CheckName.CLOCK]
    assert check.outcome is outcome
    assert check.facts["ahead"] == pytest.approx(ahead, abs=1)
    if outcome is CheckOutcome.WARNING:
        assert f"5 min {'ahead of' if ahead > 0 else 'behind'} the platform" in english(check)


async def test_a_platform_that_hangs(patient: Patient) -> None:
    patient.sandbox.faults.add(ApiFault(path="bot/v3/info", delay=30))
    found = await patient.examined(within=0.3)
    assert (found[CheckName.CLOCK].outcome, found[CheckName.CLOCK].facts["reason"]) == (
        CheckOutcome.SKIPPED,
        "timeout",
    )
    assert (found[CheckName.BOT].outcome, found[CheckName.BOT].facts["reason"]) == (
        CheckOutcome.PROBLEM,
        "timeout",
    )


@pytest.mark.parametrize("date", ["", "yesterday", "Sun, 01 Jun 2025 12:00:00 -0000"])
async def test_a_platform_without_a_usable_date(patient: Patient, date: str) -> None:
    patient.sandbox.faults.add(ApiFault(path="bot/v3/info", status=400, code=1, headers={"Date": date}))
    check = (await patient.examined())[CheckName.CLOCK]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.SKIPPED, "no_date")


# --- proxy --------------------------------------------------------------------------------------------------


Proxies = Callable[[bytes], Awaitable[str]]


@pytest.fixture
async def proxies() -> AsyncIterator[Proxies]:
    """Makes proxies that give every request the same answer; their addresses."""
    servers: list[asyncio.Server] = []

    async def make(answer: bytes) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        servers.append(await asyncio.start_server(serve, "127.0.0.1", 0))
        return f"127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield make
    for server in servers:
        server.close()
        await server.wait_closed()


def through(patient: Patient, proxy: str) -> Connector:
    return patient.connector(proxy=SecretStr(proxy))


async def test_a_proxy_that_works_is_shown_without_its_password(patient: Patient, proxies: Proxies) -> None:
    address = await proxies(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    check = (await patient.examined(through(patient, f"http://user:{CANARY}@{address}")))[CheckName.PROXY]
    assert check.outcome is CheckOutcome.OK
    assert check.facts == {"proxy": f"http://{address}", "source": "connector"}
    assert "the connector's" in english(check)


@pytest.mark.parametrize(
    ("base_url", "answer", "reason"),
    [
        ("", b"HTTP/1.1 407 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "proxy_refuses"),
        ("https://feishu.test", b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", "proxy_refuses"),
        ("", b"", "platform_unreachable"),
    ],
)
async def test_a_proxy_that_leads_nowhere(
    patient: Patient, proxies: Proxies, base_url: str, answer: bytes, reason: str
) -> None:
    patient.base_url = base_url or patient.base_url
    address = await proxies(answer)
    found = await patient.examined(through(patient, f"http://user:{CANARY}@{address}"))
    check = found[CheckName.PROXY]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.PROBLEM, reason)
    assert check.facts["proxy"] == f"http://{address}"


async def test_a_proxy_that_is_not_there(patient: Patient, unused_tcp_port: int) -> None:
    check = (await patient.examined(through(patient, f"http://127.0.0.1:{unused_tcp_port}")))[CheckName.PROXY]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.PROBLEM, "proxy_unreachable")


async def test_a_proxy_whose_name_nobody_knows(patient: Patient) -> None:
    class Nobody(aiohttp.abc.AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> Any:
            raise OSError("unknown")

        async def close(self) -> None:
            pass

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Nobody())) as session:
        patient.session = session
        check = (await patient.examined(through(patient, "http://proxy.test:3128")))[CheckName.PROXY]
    assert (check.outcome, check.facts["reason"]) == (CheckOutcome.PROBLEM, "proxy_unreachable")


async def test_a_proxy_of_the_environment(
    patient: Patient, proxies: Proxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = await proxies(b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("https_proxy", f"http://user:{CANARY}@{address}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    patient.base_url = "https://feishu.test"
    check = (await patient.examined())[CheckName.PROXY]
    assert (check.outcome, check.facts["source"], check.facts["status"]) == (
        CheckOutcome.PROBLEM,
        "environment",
        502,
    )


async def test_a_proxy_we_cannot_speak_to(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"socks5://user:{CANARY}@127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    patient.base_url = "https://feishu.test"
    found = await patient.examined()
    assert (found[CheckName.PROXY].outcome, found[CheckName.PROXY].facts["reason"]) == (
        CheckOutcome.PROBLEM,
        "invalid",
    )
    assert (found[CheckName.CREDENTIALS].outcome, found[CheckName.CREDENTIALS].facts["reason"]) == (
        CheckOutcome.SKIPPED,
        "proxy",
    )


# --- whatever the platform answers --------------------------------------------------------------------------


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
bodies = st.one_of(
    st.text(max_size=20),
    json_values.map(json.dumps),
    st.builds(
        lambda code, key, value: json.dumps({"code": code, "msg": "m", key: value}),
        st.sampled_from([0, 1, 10014, 11205, 99991663, 99991672, 212100, 2**70]),
        st.sampled_from(["data", "bot", "error", "expire", "tenant_access_token"]),
        json_values
        | st.fixed_dictionaries({"scopes": json_values})
        | st.fixed_dictionaries({"open_id": st.just("ou_x"), "activate_status": st.integers(-1, 9)})
        | st.fixed_dictionaries({"online_instance_cnt": st.integers(-1, 99)}),
    ),
)
api_faults = st.builds(
    ApiFault,
    path=st.sampled_from(["tenant_access_token", "bot/v3/info", "event/v1", "v6/scopes", ".*"]),
    status=st.sampled_from([200, 204, 302, 400, 401, 403, 404, 407, 429, 500, 503]),
    body=st.none() | bodies,
    code=st.none() | st.integers(-1, 10**9),
    drop=st.booleans(),
    headers=st.sampled_from(
        [{}, {"Date": "x"}, {"Date": "Fri, 31 Dec 9999 23:59:59 -2359"}, {"Location": "http://127.0.0.1:1"}]
    ),
)
bootstrap_faults = st.builds(
    BootstrapFault,
    how=st.sampled_from(["status", "code", "no_data", "not_json"]),
    status=st.sampled_from([200, 400, 403, 500, 514]),
    code=st.integers(-1, 10**10),
    msg=st.text(max_size=10),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(faults=st.lists(api_faults | bootstrap_faults, max_size=4))
async def test_nothing_the_platform_answers_makes_it_raise(
    patient: Patient, caplog: pytest.LogCaptureFixture, faults: list[ApiFault | BootstrapFault]
) -> None:
    caplog.clear()
    patient.sandbox.faults.clear()
    for fault in faults:
        patient.sandbox.faults.add(fault)
    found = await patient.examined()
    assert "internal" not in {check.facts.get("reason") for check in found.values()}, found
    assert CANARY not in caplog.text


async def test_a_defect_of_ours_hides_no_other_finding(patient: Patient) -> None:
    naive = reported(last_event_at=NOW.replace(tzinfo=None))  # what no report holds
    found = await patient.examined(reported=naive)
    assert found[CheckName.EVENTS].facts["reason"] == "internal"
    assert found[CheckName.CONNECTION].outcome is found[CheckName.CREDENTIALS].outcome is CheckOutcome.OK


def test_every_reason_of_the_gateway_has_words() -> None:
    assert {reason.value for reason in Reason} <= {*REASONS}


def test_the_texts_of_a_span() -> None:
    texts = DoctorTexts("en_US")
    spans = (59, 119, 120, 7199, 7200, 172799, 172800)
    assert [texts.span(s) for s in spans] == ["59 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]
