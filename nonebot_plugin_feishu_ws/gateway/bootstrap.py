"""Asking the platform for a WebSocket URL (feishu-facts.md, Bootstrap). Each connection needs a fresh one."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import aiohttp
from yarl import URL

from .errors import BootstrapError, GatewayError, Reason
from .policy import ServerConfig
from .settings import Credentials
from .urls import is_private, proxy_for

_PATH = "/callback/ws/endpoint"
_MAX_BODY = 64 * 1024
_MAX_MSG = 200

# feishu-facts.md, Bootstrap. 403 and 514 are the official clients' constants, 10014 is the token endpoint's
# word for a bad secret. Reported by users, not documented: 1000040345 "system busy" (op7418/CodePilot#323),
# 1000040346 "app_id is invalid" (chenhg5/cc-connect#312).
_CODES = {
    1: Reason.BUSY,
    1000040343: Reason.BUSY,
    1000040345: Reason.BUSY,
    403: Reason.FORBIDDEN,
    514: Reason.BAD_CREDENTIALS,
    10014: Reason.BAD_CREDENTIALS,
    1000040344: Reason.BAD_CREDENTIALS,
    1000040346: Reason.BAD_CREDENTIALS,
    1000040350: Reason.CONNECTION_LIMIT,
    1000040351: Reason.WRONG_DOMAIN,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect now. The URL's query is a ticket: never log it."""

    url: URL = field(repr=False)
    service_id: int
    config: ServerConfig


class BootstrapPacer:
    """Caps how often the connections of a process ask for an endpoint together. Share one between them.

    Args:
        per_second: requests started per second. Waiting is in order of arrival; a request which hangs holds
            up no one. 50 lets the 33 a second through with which 1,000 dropped at once come back in Feishu's
            30 s (`ReconnectNonce`), and costs less than half a core (benchmarks/README.md).
    """

    def __init__(self, per_second: float = 50.0) -> None:
        if not per_second > 0:
            raise ValueError("BootstrapPacer.per_second must be above 0")
        self._gap = 1 / per_second
        self._queue = asyncio.Lock()
        self._free_at = 0.0

    async def turn(self) -> None:
        """Wait until one more request may be sent."""
        async with self._queue:
            loop = asyncio.get_running_loop()
            if (wait := self._free_at - loop.time()) > 0:
                await asyncio.sleep(wait)
            self._free_at = loop.time() + self._gap


def summary(error: BaseException) -> str:
    """What a foreign error says, less whatever may quote a URL, a header or a password."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ClientResponseError):  # of a proxy
        return f"{type(error).__name__}: HTTP {error.status}"
    detail = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__


def platform_text(text: str, *secrets: str) -> str:
    """What the platform said, in one printable line of bounded length, less the secrets it may quote."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return "".join(char if char.isprintable() else " " for char in text[:_MAX_MSG])


async def fetch_endpoint(
    credentials: Credentials,
    base_url: str,
    session: aiohttp.ClientSession,
    *,
    proxy: str | None,
    within: float,
    known: ServerConfig,
) -> Endpoint:
    """One endpoint request.

    Args:
        base_url: see `normalise_base_url`.
        proxy: see `proxy_for`.
        within: seconds for all of it, name lookup to last byte.
        known: what the server said before; what it does not repeat stays.

    Raises:
        BootstrapError: whatever happened.
    """
    failure: GatewayError
    url = URL(base_url + _PATH)
    try:
        via = proxy_for(url, proxy)
    except ValueError as error:
        raise BootstrapError(Reason.NETWORK, str(error)) from None
    try:
        async with asyncio.timeout(within):
            status, body = await _post(credentials, url, session, via)
    except TimeoutError:
        failure = BootstrapError(Reason.TIMEOUT, f"the endpoint did not answer within {within:g} s")
    except Exception as error:  # the boundary: aiohttp, ssl, yarl, a closed session ...
        failure = BootstrapError(Reason.NETWORK, summary(error))
    else:
        return _read(status, body, credentials, known)
    raise failure


async def _post(
    credentials: Credentials, url: URL, session: aiohttp.ClientSession, proxy: str | None
) -> tuple[int, bytes]:
    # Redirects would carry the secret elsewhere; a kept-alive connection would outlive stop().
    async with session.post(
        url,
        json={"AppID": credentials.app_id, "AppSecret": credentials.app_secret},
        headers={"locale": "zh", "Connection": "close", "Accept-Encoding": "identity"},
        allow_redirects=False,
        proxy=proxy,
    ) as response:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _MAX_BODY:  # cut short it is no JSON, which is what it will be called
                break
        return response.status, bytes(body)


def _read(status: int, body: bytes, credentials: Credentials, known: ServerConfig) -> Endpoint:
    answer = _mapping(_json(body))
    code, msg = answer.get("code"), platform_text(str(answer.get("msg", "")), credentials.app_secret)
    if isinstance(code, int) and code in _CODES:
        raise BootstrapError(_CODES[code], msg or "refused", code=code)
    if status != 200:
        raise BootstrapError(
            Reason.UNAVAILABLE, msg or "the endpoint answered with an error page", code=status
        )
    if not isinstance(code, int):
        raise BootstrapError(Reason.PROTOCOL, "the endpoint's answer is not the JSON it should be")
    if code != 0:
        raise BootstrapError(Reason.REJECTED, msg or "refused", code=code)
    data = _mapping(answer.get("data"))
    return _endpoint(data.get("URL"), known.updated(data.get("ClientConfig")))


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def _endpoint(value: object, config: ServerConfig) -> Endpoint:
    try:
        url = URL(value) if isinstance(value, str) else URL()
        service_id = int(url.query.get("service_id", ""))
    except ValueError:
        url, service_id = URL(), 0
    if url.scheme not in ("ws", "wss") or not url.host or not -(2**31) <= service_id < 2**31:
        raise BootstrapError(Reason.PROTOCOL, "the endpoint named no WebSocket URL with a service_id")
    if not is_private(url):
        raise BootstrapError(Reason.PROTOCOL, "the endpoint named a plain ws:// URL to a remote host")
    return Endpoint(url, service_id, config)
