"""One HTTP exchange: addressed, bounded in time and size, its failures named."""

import ipaddress
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import unquote

import aiohttp
from yarl import URL

from .answers import Answer
from .errors import AnswerTooLarge, RequestTimeout, TransportError
from .tokens import Token

log = logging.getLogger("nonebot_plugin_feishu_ws.openapi")

QueryValue = str | int | float | bool | None
Params = Mapping[str, QueryValue | Sequence[QueryValue]]
Form = Callable[[], aiohttp.FormData]

CONNECT_TIMEOUT = 10.0
"""Seconds for name, TCP and TLS, proxy included."""

_SEGMENT = re.compile(r"(?:[\w\-.~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to send. Query and body stay out of the repr: one of them carries the app secret.

    Parameters:
        path: relative to `/open-apis/`, or absolute on the same host; no query.
        timeout: seconds for all of it.
        limit: bytes of (decompressed) answer to accept.
        body: JSON, encoded; or `form`, called for each try (a form can be sent only once).
        json: what `body` encodes.
        secrets: what is in the body and may show in no error.
    """

    method: str
    path: str
    timeout: float
    limit: int
    params: Params | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    json: object = field(default=None, repr=False)
    form: Form | None = field(default=None, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)


class Transport:
    """Sends requests to one Feishu host; redirects are never followed (they would carry the token elsewhere).

    Parameters:
        session: shared, not owned.
        base_url: scheme and host; plain http only to loopback.
        proxy: http(s) proxy URL, credentials allowed.

    Raises:
        ValueError: base_url or proxy is not of that kind.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, proxy: str | None) -> None:
        self._session = session
        self.base_url = _origin(base_url)
        self._proxy = _proxy(proxy)

    async def exchange(self, request: Request, token: Token | None) -> Answer:
        """Send and read the whole answer.

        Raises:
            ValueError: the path is not a plain path.
            RequestTimeout, TransportError: no (whole) answer.
            AnswerTooLarge: more than `request.limit`.
        """
        path = absolute_path(request.path)
        name = f"{request.method} {path}"
        started = time.monotonic()
        try:
            answer = await self._send(request, path, token)
        except TimeoutError as error:
            waited = time.monotonic() - started
            failure, cause = RequestTimeout(f"{name}: no answer after {waited:.1f} s"), error
            failure.unsent = isinstance(error, aiohttp.ConnectionTimeoutError)
        except (aiohttp.ClientError, OSError) as error:
            failure, cause = TransportError(f"{name}: {_describe(error)}"), error
            failure.unsent = isinstance(error, aiohttp.ClientConnectorError)
        except RuntimeError as error:
            if not self._session.closed:
                raise
            failure, cause = TransportError(f"{name}: the HTTP session is closed"), error
        else:
            spent = (time.monotonic() - started) * 1000
            log.debug("%s -> HTTP %d, %d bytes, %.0f ms", name, answer.status, len(answer.body), spent)
            return answer
        # Outside the except blocks, so that nothing but the bare cause hangs on our error.
        raise failure from _bare(cause)

    async def _send(self, request: Request, path: str, token: Token | None) -> Answer:
        async with self._session.request(
            request.method,
            self.base_url.with_path(path, encoded=True).with_query(_query(request.params)),
            data=_body(request),
            headers=_headers(request, token),
            proxy=self._proxy,
            timeout=aiohttp.ClientTimeout(total=request.timeout, connect=CONNECT_TIMEOUT),
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await _read(response, request.limit))


def absolute_path(path: str) -> str:
    """`im/v1/messages` -> `/open-apis/im/v1/messages`; absolute paths stay.

    Raises:
        ValueError: a scheme, a host, a query, an empty or dot segment, or a character no path has.
    """
    absolute = path if path.startswith("/") else f"/open-apis/{path}"
    for segment in absolute[1:].split("/"):
        if not _SEGMENT.fullmatch(segment) or unquote(segment) in {".", ".."}:
            raise ValueError(
                f"not an API path: {path.partition('?')[0]!r}; wanted is one like 'im/v1/messages' or "
                "'/open-apis/im/v1/messages', percent-encoded, the query in `params`"
            )
    return absolute


def _headers(request: Request, token: Token | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    if token is not None:
        headers["Authorization"] = token.bearer()
    if request.body is not None:
        headers["Content-Type"] = "application/json; charset=utf-8"
    return headers


def _body(request: Request) -> aiohttp.FormData | BytesIO | None:
    if request.form is not None:
        return request.form()
    # A stream, because aiohttp warns of large bytes.
    return None if request.body is None else BytesIO(request.body)


def _query(params: Params | None) -> list[tuple[str, str]]:
    def text(value: QueryValue) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    pairs: list[tuple[str, str]] = []
    for key, value in (params or {}).items():
        values = [value] if value is None or isinstance(value, str | int | float) else value
        pairs += [(key, text(item)) for item in values if item is not None]
    return pairs


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > limit:
            response.close()
            raise AnswerTooLarge(limit)
    return bytes(content)


def _bare(error: Exception) -> Exception | None:
    """The error without frames: some loggers print locals, and those frames hold the request's headers.

    A proxy's refusal is left out altogether, because its text quotes the proxy's password.
    """
    if isinstance(error, aiohttp.ClientResponseError):
        return None
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _describe(error: Exception) -> str:
    """The kind of failure and the system's words; never the text of the exception, which may quote a URL."""
    reason = error.strerror if isinstance(error, OSError) else None
    if isinstance(error, aiohttp.ClientResponseError):
        reason = f"HTTP {error.status}"
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def _origin(base_url: str) -> URL:
    url = URL(base_url)
    if (
        url.scheme not in {"http", "https"}
        or not url.host
        or url.user
        or url.password
        or url.query
        or url.fragment
    ):
        raise ValueError("base_url must be an http(s) URL of a host, such as https://open.feishu.cn")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise ValueError(f"plain http only to loopback, not to {url.host}: tokens would travel in the clear")
    return url.origin()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy(value: str | None) -> URL | None:
    if not value:
        return None
    url = URL(value)
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("proxy must be an http(s) URL, such as http://proxy.example:3128")
    return url
