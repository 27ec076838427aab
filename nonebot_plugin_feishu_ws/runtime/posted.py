"""What is posted to this process: webhooks, on the HTTP server of NoneBot's driver."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nonebot.drivers import URL, ASGIMixin, Driver, HTTPServerSetup, Request
from nonebot.drivers import Response as HTTPResponse

from ..gateway import LARGEST, TOO_LARGE, GatewayError, Reason, Response

Answer = Callable[[str, Mapping[str, str], bytes], Awaitable[Response]]
"""Of an app id, headers with names in lower case, and a body."""
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_PATH = re.compile(r"/feishu/[^/]+")
_READ_WITHIN = 3.0  # seconds: Feishu has given up by then
_JSON = "application/json"
_NO_SERVER = GatewayError(
    Reason.NO_SERVER,
    "a webhook needs a driver that serves HTTP: set DRIVER=~fastapi, or use transport=ws",
)


def serve(driver: Driver, answer: Answer) -> GatewayError | None:
    """Let what is posted to `/feishu/{app_id}` be answered.

    To be called when NoneBot starts, not before: NoneBot's own Feishu adapter adds the addresses of its bots then, and
    where both match FastAPI takes the first.

    Returns:
        Why nothing can be posted here, if the driver serves no HTTP.
    """

    async def handle(request: Request) -> HTTPResponse:
        content = request.content or b""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = content.encode() if isinstance(content, str) else content
        found = await answer(request.url.parts[-1], headers, body)
        return HTTPResponse(found.status, headers={"Content-Type": _JSON}, content=found.body)

    # NoneBot's Quart driver knows no addresses with something variable in them.
    if not isinstance(driver, ASGIMixin) or _kind(driver) == "quart":
        return _NO_SERVER
    path = URL("/feishu/{app_id}", encoded=True)
    try:
        driver.setup_http_server(HTTPServerSetup(path, "POST", "feishu_ws_webhook", handle))
    except NotImplementedError:  # such as the driver plugins are tried with
        return _NO_SERVER
    return None


def limit_bodies(driver: Driver) -> None:
    """Keep what is too large, or comes too slowly, out of memory: FastAPI itself takes a body of any size.

    To be called while the plugin is loaded.
    """
    if _kind(driver) != "fastapi":
        return
    from nonebot.drivers.fastapi import Driver as FastAPIDriver

    if isinstance(driver, FastAPIDriver):
        driver.server_app.add_middleware(Bounded)


def _kind(driver: Driver) -> str:
    """Of combined drivers the first one, which serves."""
    return driver.type.partition("+")[0]


class Bounded:
    """ASGI middleware: the body of what is posted to a webhook is read here, as far as it may go."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST" and _PATH.fullmatch(scope["path"])
        if not posted:
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(_READ_WITHIN):
                body = await _read(receive)
        except TimeoutError:
            await _say(send, Response(408))
            return
        if body is None:
            await _say(send, TOO_LARGE)
            return
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, again, send)


async def _read(receive: Receive) -> bytes | None:
    """None if it is too large; what a client that left has sent is enough to refuse it."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST:
            return None
    return bytes(body)


async def _say(send: Send, response: Response) -> None:
    headers = [(b"content-type", _JSON.encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
