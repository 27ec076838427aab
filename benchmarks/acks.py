"""How fast events are acknowledged, side by side with others: `python benchmarks/acks.py [--rounds 3] [--events 5000]`.

A small platform in a process of its own (pinned to one core, where the system allows it) sends text messages to one
client at a time (pinned to another) and measures, per event, the time until its ack. Each client runs one handler that
does nothing: a NoneBot matcher where the client is NoneBot's, a callback where it is Feishu's own.

Ours acks when the event is committed to the database; the others ack what a crash then loses. What is printed belongs
into `benchmarks/README.md`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from aiohttp import WSMsgType, web

from feishu_sandbox.longconn.frames import DATA, event_frames, headers_of, pong
from feishu_sandbox.longconn.frames_pb2 import Frame

APP_ID = "cli_bench"
HERE = Path(__file__).resolve()
CLIENTS = ("ours-sqlite", "ours-postgresql", "stock-websockets", "lark-oapi")
PHASES = {
    "at rest": {"count": 300, "rate": 50},
    "one by one": {"count": 1000, "window": 1},
    "under load": {"count": 5000, "window": 256},
}
"""`rate`: events a second, whatever is acked; `window`: events that are on their way at the same time."""


# --- the platform's process -------------------------------------------------------------------------------------


def message(number: int) -> bytes:
    """An event as Feishu sends it, unlike any other."""
    return json.dumps(
        {
            "schema": "2.0",
            "header": {
                "event_id": f"ev_{os.getpid()}_{number:08}",
                "event_type": "im.message.receive_v1",
                "create_time": str(round(time.time() * 1000)),
                "token": "",
                "app_id": APP_ID,
                "tenant_key": "tenant",
            },
            "event": {
                "sender": {
                    "sender_id": {"open_id": "ou_alice", "union_id": "on_alice", "user_id": "alice"},
                    "sender_type": "user",
                    "tenant_key": "tenant",
                },
                "message": {
                    "message_id": f"om_{os.getpid()}_{number:08}",
                    "create_time": str(round(time.time() * 1000)),
                    "update_time": str(round(time.time() * 1000)),
                    "chat_id": f"oc_{number % 50}",
                    "chat_type": "group",
                    "message_type": "text",
                    "content": json.dumps({"text": "how is the weather today? " * 10}),
                },
            },
        },
        separators=(",", ":"),
    ).encode()


class Platform:
    """Bootstrap, token, bot info, and one long connection that counts."""

    def __init__(self) -> None:
        self.ws: web.WebSocketResponse | None = None
        self.here = asyncio.Event()
        self.acked: asyncio.Queue[str] = asyncio.Queue()
        self._number = 0

    async def serve(self) -> str:
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
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self.port}"

    async def _endpoint(self, _: web.Request) -> web.Response:
        config = {"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": 120}
        url = f"ws://127.0.0.1:{self.port}/ws?device_id=1&service_id=1"
        return web.json_response({"code": 0, "msg": "ok", "data": {"URL": url, "ClientConfig": config}})

    async def _token(self, _: web.Request) -> web.Response:
        return web.json_response({"code": 0, "msg": "ok", "tenant_access_token": "t-bench", "expire": 7200})

    async def _info(self, _: web.Request) -> web.Response:
        bot = {
            "activate_status": 2,
            "app_name": "Bench",
            "avatar_url": "http://127.0.0.1/bench.png",
            "ip_white_list": [],
            "open_id": "ou_bot",
        }
        return web.json_response({"code": 0, "msg": "ok", "bot": bot})

    async def _online(self, _: web.Request) -> web.Response:
        return web.json_response({"code": 0, "msg": "ok", "data": {"online_instance_cnt": 1}})

    async def _connected(self, request: web.Request) -> web.WebSocketResponse:
        self.ws = ws = web.WebSocketResponse(max_msg_size=0)
        await ws.prepare(request)
        self.here.set()
        async for received in ws:
            if received.type is not WSMsgType.BINARY:
                continue
            frame = Frame.FromString(received.data)
            if frame.method == DATA:
                assert json.loads(frame.payload)["code"] == 200, frame.payload
                self.acked.put_nowait(headers_of(frame)["message_id"])
            else:
                await ws.send_bytes(pong(1, b"").SerializeToString())
        return ws

    async def measure(self, count: int, window: int = 0, rate: float = 0) -> dict[str, Any]:
        """Send `count` events; the time until each was acked, in ms."""
        ws = self.ws
        assert ws is not None
        ready: list[tuple[str, bytes]] = []
        for number in range(self._number, self._number + count):
            name = f"m{number}"
            (frame,) = event_frames(
                message(number), service=1, message_id=name, trace_id=name, frame_type="event", parts=1
            )
            ready.append((name, frame.SerializeToString()))
        self._number += count
        sent: dict[str, float] = {}
        took: list[float] = []
        began = time.perf_counter()
        if rate:
            pacer = asyncio.create_task(self._send_at(ready, sent, rate, began))
        else:
            for name, raw in ready[:window]:
                sent[name] = time.perf_counter()
                await ws.send_bytes(raw)
        while len(took) < count:
            name = await self.acked.get()
            took.append((time.perf_counter() - sent[name]) * 1000)
            if not rate and len(sent) < count:
                name, raw = ready[len(sent)]
                sent[name] = time.perf_counter()
                await ws.send_bytes(raw)
        if rate:
            await pacer
        took.sort()
        return {
            "p50": took[count // 2],
            "p99": took[count * 99 // 100],
            "per_second": count / (time.perf_counter() - began),
        }

    async def _send_at(
        self, ready: list[tuple[str, bytes]], sent: dict[str, float], rate: float, began: float
    ) -> None:
        assert self.ws is not None
        for number, (name, raw) in enumerate(ready):
            await asyncio.sleep(began + number / rate - time.perf_counter())
            sent[name] = time.perf_counter()
            await self.ws.send_bytes(raw)


async def be_platform() -> None:
    """One JSON line in: a phase; one out: what was measured."""
    pin(0)
    here = Platform()
    print(await here.serve(), flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with asyncio.timeout(60):
        await here.here.wait()
    print("connected", flush=True)
    while line := await lines.readline():
        print(json.dumps(await here.measure(**json.loads(line))), flush=True)


# --- the clients' processes -------------------------------------------------------------------------------------


def be_client(kind: str, url: str, database: str) -> None:
    pin(1)
    if kind == "lark-oapi":
        import lark_oapi as lark

        handler = (
            lark.EventDispatcherHandler.builder("", "")
            .register_p2_im_message_receive_v1(lambda _: None)
            .build()
        )
        lark.ws.Client(
            APP_ID, "s" * 32, event_handler=handler, domain=url, log_level=lark.LogLevel.ERROR
        ).start()
        return
    import nonebot

    if kind.startswith("ours"):
        connector = {"name": "bench", "app_id": APP_ID, "app_secret": "s" * 32}
        settings = {"url": url, "connectors": [connector], "database_url": database}
        nonebot.init(
            driver="~none", log_level="ERROR", localstore_data_dir=str(Path.cwd()), feishu_ws=settings
        )
        nonebot.load_plugin("nonebot_plugin_feishu_ws")
    else:
        from nonebot.adapters.feishu import Adapter

        bots = [{"app_id": APP_ID, "app_secret": "s" * 32, "verification_token": "", "protocol": "ws"}]
        nonebot.init(
            driver="~fastapi+~httpx+~websockets",  # it asks for a web server, though it listens to nobody
            port=free_port(),
            log_level="ERROR",
            feishu_bots=bots,
            feishu_api_base=url,
        )
        nonebot.get_driver().register_adapter(Adapter)

    @nonebot.on_message(priority=10).handle()
    async def _() -> None:
        pass

    nonebot.run()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- the measurement ----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def process(*arguments: str, cwd: str | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE),
        *arguments,
        cwd=cwd,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()


async def line_of(running: asyncio.subprocess.Process) -> str:
    assert running.stdout is not None
    return (await running.stdout.readline()).decode().strip()


async def one_round(kind: str, scale: float, postgresql: str) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as data:
        database = postgresql if kind == "ours-postgresql" else f"sqlite+aiosqlite:///{data}/bench.sqlite3"
        async with process("--platform") as other:
            url = await line_of(other)
            async with process("--client", kind, "--url", url, "--database", database, cwd=data) as client:
                assert await line_of(other) == "connected", kind
                about = psutil.Process(client.pid)
                await quiet(about)
                results: dict[str, dict[str, float]] = {}
                for name, phase in PHASES.items():
                    count = max(100, round(phase["count"] * scale))
                    before = cpu(about)
                    assert other.stdin is not None
                    other.stdin.write(json.dumps({**phase, "count": count}).encode() + b"\n")
                    results[name] = json.loads(await line_of(other))
                    await quiet(about)  # what was acked before it was handled is handled now
                    results[name]["cpu"] = (cpu(about) - before) / count * 1e6
                results["memory"] = {"rss": about.memory_info().rss / 2**20}
                return results


def cpu(about: psutil.Process) -> float:
    times = about.cpu_times()
    return times.user + times.system


async def quiet(about: psutil.Process) -> None:
    while True:
        before = cpu(about)
        await asyncio.sleep(0.5)
        if cpu(about) - before < 0.03:
            return


def pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


async def compare(rounds: int, scale: float, postgresql: str) -> None:
    kinds = [kind for kind in CLIENTS if kind != "ours-postgresql" or postgresql]
    found: dict[str, list[dict[str, dict[str, float]]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):  # in turns, so that a busy minute meets everybody
        for kind in kinds:
            found[kind].append(await one_round(kind, scale, postgresql))
    names = ("nonebot2", "nonebot-adapter-feishu", "lark-oapi", "aiohttp", "sqlalchemy")
    print(f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))
    print(f"load {psutil.getloadavg()[0]:.1f}; medians of {rounds} rounds\n")
    for phase in PHASES:
        print(f"| {phase} | p50 ms | p99 ms | events/s | CPU us/event |\n|---|---|---|---|---|")
        for kind in kinds:
            middle = {
                key: statistics.median(one[phase][key] for one in found[kind])
                for key in ("p50", "p99", "per_second", "cpu")
            }
            print(
                f"| {kind} | {middle['p50']:.2f} | {middle['p99']:.2f} | {middle['per_second']:,.0f} "
                f"| {middle['cpu']:.0f} |"
            )
        print()
    for kind in kinds:
        print(
            f"{kind}: RSS {statistics.median(one['memory']['rss'] for one in found[kind]):.0f} MiB at the end"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of events")
    parser.add_argument("--postgresql", default="", help="an empty database's URL, to measure with that too")
    parser.add_argument("--platform", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--database", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.platform:
        asyncio.run(be_platform())
    elif arguments.client:
        be_client(arguments.client, arguments.url, arguments.database)
    else:
        asyncio.run(compare(arguments.rounds, arguments.scale, arguments.postgresql))


if __name__ == "__main__":
    main()
