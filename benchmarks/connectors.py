"""A thousand connectors in one process: `python benchmarks/connectors.py [--count 1000] [--nonce 30]`.

The local Feishu runs in a process of its own. The connectors are stored, verified and enabled before the bot starts,
as after a restart. Then everybody is dropped at once. What is printed belongs into `benchmarks/README.md`.
"""

import argparse
import asyncio
import contextlib
import json
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nonebot
import psutil
from pydantic import SecretStr

from feishu_sandbox import App, ClientConfig, Drop, Rules, Sandbox

BIN = 2.0
"""Seconds of one bar of the histogram."""


def app_id(number: int) -> str:
    return f"cli_bench{number:05}"


# --- the platform's process -------------------------------------------------------------------------------------


async def serve(count: int, nonce: int) -> None:
    """Be Feishu, and do what is asked for on standard input: one JSON line in, one out."""
    async with Sandbox(rules=Rules(client_config=ClientConfig(reconnect_nonce=nonce))) as sandbox:
        apps = [
            sandbox.world.add_app(f"Bot {number}", app_id=app_id(number), app_secret="s" * 32)
            for number in range(count)
        ]
        tell({"url": sandbox.url})
        lines = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
        )
        while line := await lines.readline():
            match json.loads(line):
                case "ask":
                    tell(await ask(sandbox))
                case "drop":
                    tell(await drop(sandbox, apps, nonce + 60))
                case _:
                    tell(len(sandbox.hub.online()))


def tell(answer: object) -> None:
    print(json.dumps(answer), flush=True)


async def ask(sandbox: Sandbox) -> dict[str, float]:
    """Write to the first bot that is there, as soon as it is, and wait for its answer."""
    world, hub = sandbox.world, sandbox.hub
    await hub.bell.until(lambda: bool(hub.connections), 60, "the first connection")
    app = hub.connections[0].app
    alice = world.add_user("Alice")
    since = time.monotonic()
    asked = await world.say(alice, world.direct_chat(alice, app), "whoami")
    await world.wait_for(lambda message: message.parent_id == asked.message_id, timeout=60)
    return {"took": time.monotonic() - since, "online": len(sandbox.hub.online())}


async def drop(sandbox: Sandbox, apps: list[App], within: float) -> list[float]:
    """Drop everybody; when each was back, in seconds."""
    before = {id(connection) for connection in sandbox.hub.connections}
    since = time.monotonic()
    sandbox.faults.add(Drop())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            for app in apps:
                await sandbox.hub.wait_opened(app, 2, timeout=within)
    back: dict[str, float] = {}
    for connection in sandbox.hub.connections:
        if id(connection) not in before:
            back.setdefault(connection.app.app_id, connection.opened_at - since)
    return sorted(back.values())


# --- the bot's process ------------------------------------------------------------------------------------------


class Platform:
    """The other process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def heard(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())

    async def do(self, what: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        return await self.heard()


@contextlib.asynccontextmanager
async def started(count: int, nonce: int) -> AsyncIterator[tuple[Platform, str]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--serve", "--count", str(count), "--nonce", str(nonce)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    other = Platform(process)
    try:
        yield other, (await other.heard())["url"]
    finally:
        process.kill()
        await process.wait()


async def fill(management: Any, count: int) -> None:
    """Connectors as they are after somebody verified and enabled them."""
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

    for number in range(count):
        spec = ConnectorSpec(name=f"bot-{number}", app_id=app_id(number), app_secret=SecretStr("s" * 32))
        made = await management.store.insert(spec)
        await management.store.change(made.id, lambda now: (now.spec, datetime.now(UTC)))


async def measure(count: int, nonce: int, data: Path) -> None:
    async with started(count, nonce) as (other, url):
        nonebot.init(
            driver="~none",
            log_level="ERROR",
            localstore_data_dir=str(data),
            feishu_ws={"url": url, "locale": "en_US"},
        )
        assert nonebot.load_plugin("nonebot_plugin_feishu_ws")
        from nonebot_plugin_feishu_ws import running
        from nonebot_plugin_feishu_ws.gateway import State

        me = psutil.Process()
        await running.management.start()
        await fill(running.management, count)
        await running.management.stop()
        await running.prepare()
        rss = me.memory_info().rss
        print(
            f"machine: {cpu_name()}, {psutil.cpu_count()} cores, "
            f"{psutil.virtual_memory().total / 2**30:.0f} GiB, load {psutil.getloadavg()[0]:.1f}"
        )
        print(
            f"versions: Python {platform.python_version()}, aiohttp {version('aiohttp')}, "
            f"SQLAlchemy {version('sqlalchemy')}, SQLite {sqlite3.sqlite_version}, {datetime.now(UTC):%Y-%m-%d}"
        )
        print(f"RSS before: {rss / 2**20:.0f} MiB")

        asking = asyncio.create_task(other.do("ask"))
        since, cpu = datetime.now(UTC), sum(me.cpu_times()[:2])
        await running.open()
        opened = (datetime.now(UTC) - since).total_seconds()
        links = list(running._supervisor)
        assert len(links) == count
        async with asyncio.timeout(300):
            for link in links:
                await asyncio.gather(*(one.wait_for(State.CONNECTED) for one in link._ways))
        times = sorted((link.status.connected_at - since).total_seconds() for link in links)
        answer = await asking
        after = me.memory_info().rss
        print(f"all links made after {opened:.2f} s")
        print(
            f"connected: first after {times[0]:.2f} s, half after {times[count // 2]:.1f} s, "
            f"last after {times[-1]:.1f} s"
        )
        print(f"CPU until then: {sum(me.cpu_times()[:2]) - cpu:.1f} s")
        print(
            f"the first bot answered in {answer['took'] * 1000:.0f} ms, with {answer['online']} of {count} connected"
        )
        print(f"RSS after: {after / 2**20:.0f} MiB, {(after - rss) / count / 2**10:.0f} KiB each")

        cpu, wall = sum(me.cpu_times()[:2]), time.monotonic()
        await asyncio.sleep(20)
        print(f"idle: {(sum(me.cpu_times()[:2]) - cpu) / (time.monotonic() - wall):.1%} of a core")

        cpu = sum(me.cpu_times()[:2])
        back = await other.do("drop")
        print(
            f"dropped at once: {len(back)} of {count} back, first after {back[0]:.2f} s, last after {back[-1]:.1f} s"
        )
        print(f"CPU for that: {sum(me.cpu_times()[:2]) - cpu:.1f} s; online now: {await other.do('count')}")
        print(histogram(back))
        print(f"RSS at the end: {me.memory_info().rss / 2**20:.0f} MiB")
        wall = time.monotonic()
        await running.close()
        print(f"closed in {time.monotonic() - wall:.1f} s")
        assert len(back) == count, "lost"
        assert back[-1] < nonce + 10, "too late"


def cpu_name() -> str:
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.machine()


def histogram(times: list[float]) -> str:
    bars: dict[int, int] = {}
    for seconds in times:
        bars[int(seconds // BIN)] = bars.get(int(seconds // BIN), 0) + 1
    return "\n".join(
        f"{number * BIN:4.0f}-{(number + 1) * BIN:2.0f} s  {bars.get(number, 0):4}  {'#' * (bars.get(number, 0) // 2)}"
        for number in range(max(bars) + 1)
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=1000, help="connectors (default %(default)s)")
    parser.add_argument(
        "--nonce", type=int, default=30, help="Feishu's ReconnectNonce in s (default %(default)s)"
    )
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.count, arguments.nonce))
        return
    with tempfile.TemporaryDirectory() as data:
        asyncio.run(measure(arguments.count, arguments.nonce, Path(data)))


if __name__ == "__main__":
    main()
