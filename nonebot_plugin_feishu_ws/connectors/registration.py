"""Scan-to-create: a person scans a code and confirms, Feishu makes the app and hands out its credentials.

OAuth 2.0 device flow (RFC 8628): feishu-facts.md, "Registration"; Feishu "一键创建应用"
(mcp_open_tools/integrating-agents-with-feishu). Spoken here over our own HTTP session and not through
lark_oapi's `aregister_app`, because that (1.7.5, as tried) sends even loopback requests, so the sandbox's, to the
environment's proxy and takes none of ours; ends at the first poll that fails, though the person may be about
to confirm; and builds an HTTP client, certificates included, on the loop for every poll.

Neither the app secret nor the device code (who has it gets the secret) is in any error, log or repr. The
errors are in `registration_errors`.
"""

import asyncio
import base64
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

import aiohttp
from pydantic import SecretStr
from yarl import URL

from ..gateway import normalise_base_url
from .registration_errors import (
    RegistrationExpired,
    RegistrationRefused,
    RegistrationUnreachable,
    RegistrationUnsupported,
)
from .registration_wire import Answer, Desk

_FEISHU, _LARK = "https://accounts.feishu.cn", "https://accounts.larksuite.com"
_HOSTS = {"open.feishu.cn": _FEISHU, "open.larksuite.com": _LARK}
_LARK_PLATFORM = "https://open.larksuite.com"
_MAX_INTERVAL = 60.0

# What the plugin lives on beyond Feishu's template for agents; the same as docs/feishu-app.md asks for.
ADDONS: Mapping[str, object] = {
    "scopes": {
        "tenant": [
            "im:message",
            "im:message.p2p_msg:readonly",
            "im:message.group_at_msg:readonly",
            "im:resource",
            "cardkit:card:write",
        ]
    },
    "events": {"items": {"tenant": ["im.message.receive_v1"]}},
    "callbacks": {"items": ["card.action.trigger"]},
}


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where to register: `url`, and `lark` when the person turns out to belong to Lark (scheme and host)."""

    url: str
    lark: str = _LARK

    @classmethod
    def of(cls, base_url: str) -> Self:
        """The accounts host of a platform (`FEISHU_WS__URL`); the sandbox is its own.

        Raises:
            ValueError: not a platform URL.
            RegistrationUnsupported: no accounts host is known for it.
        """
        url = URL(normalise_base_url(base_url))
        if known := _HOSTS.get(url.host or ""):
            return cls(known)
        if url.scheme == "http":  # only ever the loopback, see normalise_base_url
            return cls(str(url.origin()), str(url.origin()))
        raise RegistrationUnsupported(url.host or "", _HOSTS)


@dataclass(frozen=True, slots=True)
class Scan:
    """The link a person has to open, within `expires_in` seconds; `qr_png` and `qr_rows` draw it.
    Whoever confirms there first makes the app theirs, so show it to nobody but the one who asked.
    """

    link: str = field(repr=False)
    expires_in: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A poll brought no end. `state`: not confirmed yet; we ask too often; no usable answer (`reason`);
    the person belongs to Lark and is asked for there.

    `pause` and `left`: seconds until the next poll, and until the link expires.
    """

    state: Literal["pending", "slow_down", "unreachable", "switched"]
    pause: float
    left: float
    reason: str = ""


RegistrationProgress = Scan | Waiting


@dataclass(frozen=True, slots=True)
class Registered:
    """The new app. `owner_open_id`: who made it, as this app sees them. `domain`: the platform it lives on."""

    app_id: str
    app_secret: SecretStr
    owner_open_id: str | None
    brand: Literal["feishu", "lark"]
    domain: str


async def register(
    *,
    base_url: str,
    session: aiohttp.ClientSession,
    on_progress: Callable[[RegistrationProgress], Awaitable[None]],
    proxy: str | None = None,
    name: str | None = None,
    accounts: Accounts | None = None,
    slow_down: float = 5.0,
    timeout: float = 10.0,  # noqa: ASYNC109 - of one request
) -> Registered:
    """Have a person create an app by scanning a code. Cancel the task to give up: nothing stays behind.

    Args:
        base_url: the platform, as `FEISHU_WS__URL`.
        session: shared, not owned.
        on_progress: told a `Scan` first, then a `Waiting` after every poll without an end. Awaited; what it
            raises ends the registration.
        proxy: see `gateway.proxy_for`.
        name: suggested name of the app; the person can change it.
        accounts: where to register instead of the platform's accounts host.
        slow_down: seconds to add between polls when told to slow down (RFC 8628, 3.5).
        timeout: seconds for one request.

    Raises:
        ValueError: `base_url` or the environment's proxy cannot be used.
        RegistrationError: see `registration_errors`.
    """
    platform = normalise_base_url(base_url)
    accounts = accounts or Accounts.of(platform)
    desk = Desk(session, proxy, timeout)
    if "client_secret" not in _accepted(await desk.ask(accounts.url, "init")).supported_auth_methods:
        raise RegistrationRefused("unsupported_auth_method", "no app secrets are handed out")
    begun = _accepted(
        await desk.ask(
            accounts.url,
            "begin",
            archetype="PersonalAgent",
            auth_method="client_secret",
            request_user_info="open_id tenant_brand",  # as Lark's own CLI asks
        )
    )
    scan = _scan(begun, name)
    if scan is None:
        raise RegistrationUnreachable(URL(accounts.url).host or "", "an answer without a link")
    deadline = asyncio.get_running_loop().time() + begun.expires_in
    await on_progress(scan)
    done = await _poll(desk, accounts, begun, deadline, slow_down, on_progress)
    home = "lark" if accounts.url == _LARK else "feishu"
    brand = "lark" if (done.user_info.tenant_brand or home) == "lark" else "feishu"
    moved = brand == "lark" and accounts.url != accounts.lark
    return Registered(
        app_id=done.client_id,
        app_secret=done.client_secret,
        owner_open_id=done.user_info.open_id,
        brand=brand,
        domain=_LARK_PLATFORM if moved else platform,
    )


async def _poll(
    desk: Desk,
    accounts: Accounts,
    begun: Answer,
    deadline: float,
    slow_down: float,
    on_progress: Callable[[RegistrationProgress], Awaitable[None]],
) -> Answer:
    """Ask until there is an app. A poll that fails is no end: the link stays valid without us."""
    now = asyncio.get_running_loop().time
    url, interval = accounts.url, min(begun.interval, _MAX_INTERVAL)
    pause, lost = interval, None
    while (left := deadline - now()) > 0:
        await asyncio.sleep(min(pause, left))
        pause, state, lost = interval, "pending", None
        try:
            answer = await desk.ask(url, "poll", begun.device_code)
        except RegistrationUnreachable as error:
            state, lost = "unreachable", error
        else:
            if answer.client_id and answer.client_secret.get_secret_value():
                return answer
            if answer.user_info.tenant_brand == "lark" and url != accounts.lark:
                url, state, pause = accounts.lark, "switched", 0.0
            elif refusal := answer.refusal(begun.device_code):
                raise refusal
            elif answer.error == "slow_down":
                state = "slow_down"
                pause = interval = min(interval + slow_down, _MAX_INTERVAL)
        await on_progress(Waiting(state, pause, max(0.0, deadline - now()), lost.reason if lost else ""))
    raise lost or RegistrationExpired("nobody confirmed in time")


def _accepted(answer: Answer) -> Answer:
    if refusal := answer.refusal():
        raise refusal
    return answer


def _scan(begun: Answer, name: str | None) -> Scan | None:
    """Feishu's link with what its page is to fill in (feishu-facts.md, "Registration"); None without one."""
    if not begun.device_code.get_secret_value():
        return None
    try:
        url = URL(begun.verification_uri_complete)
        normalise_base_url(f"{url.scheme}://{url.authority}")  # https, or the loopback
    except ValueError:
        return None
    if url.host == "open.larksuite.com" and url.path == "/page/launcher":
        # There that page says "link expired" of every code; Lark's own CLI uses this one (larksuite/cli,
        # internal/auth/app_registration.go; seen to work in openonion/connectonion#1541).
        url = url.with_path("/page/cli").with_query(url.query)
    asked = {"from": "sdk", "tp": "sdk", "source": "nonebot-plugin-feishu-ws", "createOnly": "true"}
    packed = gzip.compress(json.dumps(ADDONS, separators=(",", ":")).encode(), mtime=0)
    asked["addons"] = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return Scan(str(url.update_query(asked | ({"name": name} if name else {}))), begun.expires_in)
