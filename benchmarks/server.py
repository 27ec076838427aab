"""The platform, in a process of its own: `python -m benchmarks.server`.

It has what a client needs to connect, sends events over what is connected, and takes the time until each is acked. Told
what to do as `children.py` says.
"""

import asyncio
import json
import struct
import sys
import time
from collections import Counter
from typing import Any

from aiohttp import WSMsgType, web

from feishu_sandbox.longconn.frames import DATA, pong
from feishu_sandbox.longconn.frames_pb2 import Frame

from .children import say
from .frames import BOT, Frames
from .report import percentile

_CONFIG = {"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": 120}


class Connection:
    """One long connection. What is sent in one turn of the loop is one write."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._out: list[tuple[int, bytes]] = []
        self._sent: dict[int, float] = {}

    def send(self, number: int, frame: bytes, sent: dict[int, float]) -> None:
        """Send an event; `sent` is told when."""
        self._sent = sent
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append((number, frame))

    def _flush(self) -> None:
        parts: list[bytes] = []
        for _, frame in self._out:  # binary messages, which a server does not mask (RFC 6455, 5.2)
            size = len(frame)
            parts += (struct.pack("!BBH", 0x82, 126, size), frame)
        now = time.perf_counter()
        self._sent.update((number, now) for number, _ in self._out)
        self._out.clear()
        self._transport.write(b"".join(parts))


class Run:
    """Events that are sent, and their acks.

    Args:
        count: how many; None: as many as are acked in `seconds`.
        window: how many are under way on each connection; 0: `rate` decides.
        rate: events a second, whatever is acked.
    """

    def __init__(
        self, first: int, *, count: int | None = None, seconds: float = 0, window: int = 0, rate: float = 0
    ) -> None:
        self.next, self._last = first, None if count is None else first + count
        self.window, self.rate = window, rate
        self._until = time.perf_counter() + seconds
        self.sent: dict[int, float] = {}
        self.under_way = 0
        self.times: list[float] = []
        self.codes: Counter[str] = Counter()
        self.per_second: Counter[int] = Counter()
        self.began = self.ended = time.perf_counter()
        self.done = asyncio.Event()

    @property
    def more(self) -> bool:
        """Whether another is to be sent."""
        return self.next < self._last if self._last is not None else time.perf_counter() < self._until

    def take(self) -> int:
        number, self.next = self.next, self.next + 1
        self.under_way += 1
        return number

    def acked(self, since: float, code: str) -> None:
        self.ended = time.perf_counter()
        self.times.append((self.ended - since) * 1000)
        self.codes[code] += 1
        self.per_second[int(self.ended - self.began)] += 1
        self.under_way -= 1

    def told(self) -> dict[str, Any]:
        self.times.sort()
        took = self.ended - self.began
        return {
            "acked": len(self.times),
            "refused": len(self.times) - self.codes["200"],
            "took": took,
            "per_second": len(self.times) / took,
            "seconds": [self.per_second[second] for second in range(int(took))],
            "p50": percentile(self.times, 0.5),
            "p99": percentile(self.times, 0.99),
            "longest": self.times[-1],
        }


class Server:
    """The platform."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._connections: list[Connection] = []
        self._came = asyncio.Condition()
        self._next = 0
        self._strays = 0
        self._run = Run(0, count=0)
        self.url = ""

    async def serve(self) -> None:
        app = web.Application()
        app.add_routes(
            [
                web.post("/callback/ws/endpoint", self._endpoint),
                web.post("/open-apis/auth/v3/tenant_access_token/internal", self._token),
                web.get("/open-apis/bot/v3/info", self._info),
                web.get("/open-apis/event/v1/connection", self._online),
                web.get("/ws", self._connected),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def connected(self, count: int) -> int:
        """Wait for so many connections."""
        async with self._came:
            await self._came.wait_for(lambda: len(self._connections) >= count)
        return len(self._connections)

    async def run(self, **what: Any) -> dict[str, Any]:
        """Send events and wait until all are acked; what was seen. Arguments as `Run`'s."""
        run = self._run = Run(self._next, **what)
        if run.rate:
            await self._pace(run)
        else:
            for connection in self._connections:
                for _ in range(run.window):
                    self._send(connection, run)
        await run.done.wait()
        self._next = run.next
        return run.told()

    def strays(self) -> int:
        """Acks so far of what was not sent, or was acked before."""
        return self._strays

    async def _pace(self, run: Run) -> None:
        began, sent = time.perf_counter(), 0
        while run.more:
            await asyncio.sleep(began + sent / run.rate - time.perf_counter())
            self._send(self._connections[sent % len(self._connections)], run)
            sent += 1

    def _send(self, connection: Connection, run: Run) -> None:
        if run.more:
            number = run.take()
            connection.send(number, self._frames.of(number), run.sent)

    def _acked(self, connection: Connection, frame: Frame) -> None:
        run = self._run
        name = next(header.value for header in frame.headers if header.key == "message_id")
        since = run.sent.pop(Frames.number(name), None)
        if since is None:
            self._strays += 1
            return
        run.acked(since, _code(frame.payload))
        if run.window:
            self._send(connection, run)
        if not run.under_way and not run.more:
            run.done.set()

    async def _connected(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=0, compress=False)
        await ws.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        connection = Connection(request.transport)
        async with self._came:
            self._connections.append(connection)
            self._came.notify_all()
        async for received in ws:
            if received.type is WSMsgType.BINARY:
                frame = Frame.FromString(received.data)
                if frame.method == DATA:
                    self._acked(connection, frame)
                else:
                    await ws.send_bytes(pong(1, b"").SerializeToString())
        self._connections.remove(connection)
        return ws

    async def _endpoint(self, request: web.Request) -> web.Response:
        url = f"ws://{request.host}/ws?device_id=1&service_id=1"
        return _ok(data={"URL": url, "ClientConfig": _CONFIG})

    async def _token(self, _: web.Request) -> web.Response:
        return _ok(tenant_access_token="t-bench", expire=7200)

    async def _info(self, _: web.Request) -> web.Response:
        whitelist: list[str] = []
        bot = {"app_name": "Bench", "avatar_url": "http://127.0.0.1/", "ip_white_list": whitelist}
        return _ok(bot=bot | {"open_id": BOT, "activate_status": 2})

    async def _online(self, _: web.Request) -> web.Response:
        return _ok(data={"online_instance_cnt": 1})


def _ok(**more: object) -> web.Response:
    return web.json_response({"code": 0, "msg": "ok", **more})


def _code(payload: bytes, known: dict[bytes, str] = {}) -> str:  # noqa: B006 - a cache: they are all alike
    code = known.get(payload)
    if code is None:
        code = known[payload] = str(json.loads(payload)["code"])
    return code


async def main() -> None:
    server = Server()
    await server.serve()
    say({"url": server.url})
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        match json.loads(line):
            case {"run": what}:
                say(await server.run(**what))
            case {"connected": int() as count}:
                say(await server.connected(count))
            case _:
                say(server.strays())


if __name__ == "__main__":
    asyncio.run(main())
