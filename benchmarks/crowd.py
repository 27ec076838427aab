"""A platform with many apps, in a process of its own: it keeps their connections, pushes events over all of them, goes
silent, and drops everybody. `server.py` is the one that is fast; this one looks after each connection.

Asked in lines of JSON, see `Crowd.do`. Settings: `count` of apps, `nonce` (`ReconnectNonce`, s), `certificate` (a file)
for TLS.
"""

import asyncio
import contextlib
import json
import os
import ssl
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from feishu_sandbox.longconn.frames import DATA, headers_of, pong
from feishu_sandbox.longconn.frames_pb2 import Frame

from . import children
from .frames import APP_ID, BOT, Frames

_ACKED_WITHIN = 60.0  # seconds without any ack: somebody lost an event

_LOOK = 0.2  # seconds between two looks whether a client that was not answered has gone


def app_name(number: int) -> str:
    """An app_id, as long as that of the frames."""
    return f"cli_{number:0{len(APP_ID) - 4}}"


@dataclass(eq=False)
class Connection:
    """One of an app's."""

    app_id: str
    ws: web.WebSocketResponse
    request: web.Request
    opened_at: float
    silent_at: float | None = None
    """Since when nothing more is said on it."""
    left_at: float | None = None
    """When the client closed it."""


@dataclass
class Push:
    """Events on their way."""

    waiting: dict[int, float] = field(default_factory=dict[int, float])
    """When each was sent."""
    acked: Counter[int] = field(default_factory=Counter[int])
    refused: int = 0
    took: list[float] = field(default_factory=list[float])
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Crowd:
    """The platform."""

    def __init__(self, count: int, nonce: float = 30, certificate: str | None = None) -> None:
        self._nonce = nonce
        self._apps = {app_name(number) for number in range(count)}
        self._context: ssl.SSLContext | None = None
        if certificate:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.load_cert_chain(certificate)
        self._connections: list[Connection] = []
        self._changed = asyncio.Event()
        self._frames = Frames()
        self._push = Push()
        self._pushed = 0
        self._runner: web.AppRunner | None = None
        self._port = 0

    # What is asked of it

    async def do(self, what: dict[str, Any]) -> Any:
        """`{NAME: ARGUMENT}`."""
        ((name, argument),) = what.items()
        return await {
            "open": self._opened,
            "push": self._pushes,
            "silence": self._silence,
            "drop": self._drop,
        }[name](argument)

    async def _opened(self, count: int) -> dict[str, object]:
        """Wait until so many apps are connected; when each was, in seconds after the first."""
        while len({one.app_id for one in self._open()}) < count:
            await self._change()
        times = sorted(one.opened_at for one in self._open())
        return {"open": len(times), "times": [at - times[0] for at in times]}

    async def _pushes(self, wanted: dict[str, int]) -> dict[str, object]:
        """`count` events, `window` of them at the same time, over all connections in turn; until all are acked."""
        count, window = wanted["count"], wanted["window"]
        there, push = self._open(), Push()
        self._push = push
        ready: list[tuple[Connection, int, bytes]] = []
        for number in range(self._pushed, self._pushed + count):
            to = there[number % len(there)]
            raw = self._frames.of(number).replace(APP_ID.encode(), to.app_id.encode())
            ready.append((to, number, raw))
        self._pushed += count
        since = time.perf_counter()
        for to, number, raw in ready:
            while len(push.waiting) >= window:
                await self._ack(push)
            push.waiting[number] = time.perf_counter()
            await to.ws.send_bytes(raw)
        while push.waiting:
            await self._ack(push)
        return {
            "seconds": time.perf_counter() - since,
            "acked": len(push.acked),
            "twice": push.acked.total() - len(push.acked),
            "refused": push.refused,
            "connections": len(there),
            "took": push.took,
        }

    async def _ack(self, push: Push) -> None:
        push.news.clear()
        async with asyncio.timeout(_ACKED_WITHIN):
            await push.news.wait()

    async def _silence(self, how: dict[str, float]) -> dict[str, object]:
        """Fall silent on the connections there are, one every `apart` seconds; read on, and wait for what their
        clients make of it, `within` seconds.

        Returns:
            For each, in seconds of its silence: `left`, when the client closed it, and `back`, when it had another one.
        """
        there = self._open()
        back: dict[str, float] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(how["within"]):
                for one in there:
                    one.silent_at = time.monotonic()
                    await asyncio.sleep(how["apart"])
                while len(back) < len(there):
                    await self._change()
                    for one in there:
                        assert one.silent_at is not None
                        if (at := self._opened_after(one)) is not None:
                            back[one.app_id] = at - one.silent_at
        left = [one.left_at - one.silent_at for one in there if one.left_at and one.silent_at]
        return {"silent": len(there), "left": sorted(left), "back": sorted(back.values())}

    def _opened_after(self, former: Connection) -> float | None:
        """When the app of a connection had the next one, if it had."""
        times = (one.opened_at for one in self._connections if one.app_id == former.app_id)
        return min((at for at in times if at > former.opened_at), default=None)

    async def _drop(self, within: float) -> dict[str, object]:
        """End all connections at once, without a goodbye; when each app was back, in seconds."""
        there, since = self._open(), time.monotonic()
        for one in there:
            if one.request.transport is not None:
                one.request.transport.close()
        wanted, former = {one.app_id for one in there}, {id(one) for one in there}
        back: dict[str, float] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not wanted <= back.keys():
                    await self._change()
                    for one in self._connections:
                        if id(one) not in former:
                            back.setdefault(one.app_id, one.opened_at - since)
        return {"dropped": len(there), "back": sorted(back.values()), "open": len(self._open())}

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _open(self) -> list[Connection]:
        return [one for one in self._connections if one.left_at is None]

    # What clients see

    async def serve(self) -> str:
        """Begin.

        Returns:
            The base URL.
        """
        app = web.Application()
        app.add_routes(
            [
                web.post("/callback/ws/endpoint", self._endpoint),
                web.post("/open-apis/auth/v3/tenant_access_token/internal", self._token),
                web.get("/open-apis/bot/v3/info", self._info),
                web.get("/open-apis/event/v1/connection", self._online),
                web.get("/ws", self._connect),
            ]
        )
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._context, backlog=4096).start()
        self._runner, self._port = runner, runner.addresses[0][1]
        return f"http{'s' if self._context else ''}://127.0.0.1:{self._port}"

    async def close(self) -> None:
        """End."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _endpoint(self, request: web.Request) -> web.Response:
        app_id = (await request.json())["AppID"]
        if app_id not in self._apps:
            return web.json_response({"code": 1000040346, "msg": "app_id is invalid"})
        config = {
            "ReconnectCount": -1,
            "ReconnectInterval": 120,
            "ReconnectNonce": self._nonce,
            "PingInterval": 120,
        }
        scheme = "wss" if self._context else "ws"
        url = f"{scheme}://127.0.0.1:{self._port}/ws?app={app_id}&device_id=1&service_id=1"
        return web.json_response({"code": 0, "msg": "ok", "data": {"URL": url, "ClientConfig": config}})

    async def _token(self, request: web.Request) -> web.Response:
        app_id = (await request.json())["app_id"]
        return web.json_response(
            {"code": 0, "msg": "ok", "tenant_access_token": f"t-{app_id}", "expire": 7200}
        )

    async def _info(self, _: web.Request) -> web.Response:
        bot = {
            "activate_status": 2,
            "app_name": "Bench",
            "avatar_url": "http://127.0.0.1/bench.png",
            "ip_white_list": [],
            "open_id": BOT,
        }
        return web.json_response({"code": 0, "msg": "ok", "bot": bot})

    async def _online(self, request: web.Request) -> web.Response:
        app_id = request.headers["Authorization"].removeprefix("Bearer t-")
        count = sum(one.app_id == app_id for one in self._open())
        return web.json_response({"code": 0, "msg": "ok", "data": {"online_instance_cnt": count}})

    async def _connect(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(autoping=False, autoclose=False, compress=False, timeout=1.0)
        await ws.prepare(request)
        one = Connection(request.query["app"], ws, request, time.monotonic())
        self._connections.append(one)
        self._changed.set()
        answer = pong(1, b"").SerializeToString()
        try:
            while True:
                message = await ws.receive()
                if message.type is WSMsgType.BINARY:
                    received = Frame.FromString(message.data)
                    if received.method == DATA:
                        self._acked(received)
                    elif one.silent_at is None:
                        await ws.send_bytes(answer)
                elif message.type is WSMsgType.PING:
                    if one.silent_at is None:
                        await ws.pong(message.data)
                else:
                    break
        finally:
            one.left_at = time.monotonic()
            self._changed.set()
        if one.silent_at is None:
            await ws.close()
        else:  # a goodbye is not answered either
            while request.transport is not None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_LOOK)
        return ws

    def _acked(self, received: Frame) -> None:
        push, number = self._push, Frames.number(headers_of(received)["message_id"])
        push.acked[number] += 1
        if json.loads(received.payload)["code"] != 200:
            push.refused += 1
        if (sent := push.waiting.pop(number, None)) is not None:
            push.took.append((time.perf_counter() - sent) * 1000)
        push.news.set()


async def answering(do: Callable[[dict[str, Any]], Awaitable[object]]) -> None:
    """In a child: answer every line in the loop, until its input's end. What `do` raises ends the process."""
    loop, over = asyncio.get_running_loop(), asyncio.Event()

    def wait_for(what: dict[str, Any]) -> object:
        try:
            return asyncio.run_coroutine_threadsafe(do(what), loop).result()
        except BaseException:
            traceback.print_exc()
            os._exit(1)

    children.answer(wait_for, lambda: loop.call_soon_threadsafe(over.set))
    await over.wait()


async def main() -> None:
    crowd = Crowd(**children.settings())
    children.say(await crowd.serve())
    await answering(crowd.do)
    await crowd.close()


if __name__ == "__main__":
    asyncio.run(main())
