"""Random frames against a running connection, over a real socket: it must neither crash nor grow.

    python tests/gateway/fuzz.py [FRAMES] [SEED]     # a million by default, about two minutes

The suite runs a short version of it. Prints frames, events, what was counted, and the memory before and after.
"""

import asyncio
import gc
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

GROWTH = (
    3 * 2**20
)  # bytes that may come on top once everything is warm: far below what even a small leak would do


def mutated(rng: random.Random, frame: Any) -> bytes:
    """A valid frame with something wrong, or right, about it."""
    raw = bytearray(frame.SerializeToString())
    match rng.randrange(6):
        case 0:
            return bytes(raw[: rng.randrange(len(raw))])
        case 1:
            for _ in range(rng.randint(1, 4)):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
        case 2:
            raw += rng.randbytes(rng.randrange(20))
        case 3:
            return rng.randbytes(rng.randrange(120))
    return bytes(raw)


def random_frame(rng: random.Random, frame_type: Any) -> Any:
    frame = frame_type(
        SeqID=rng.getrandbits(64),
        LogID=rng.getrandbits(64),
        service=rng.randint(-(2**31), 2**31 - 1),
        method=rng.choice((0, 1, 1, 1, 1, 2)),
        payload=rng.randbytes(rng.randrange(300)),
    )
    headers = {
        "type": rng.choice(("event", "event", "event", "card", "pong", "ping", "?", "")),
        "message_id": f"m{rng.randrange(200)}",
        "sum": rng.choice(("1", "1", "1", "1", "2", "2", "3", "5", "0", "-1", "10000000", "x", "")),
        "seq": rng.choice(("0", "0", "1", "1", "2", "4", "-1", "10000000", "x")),
        "trace_id": "t",
    }
    for key, value in headers.items():
        if rng.random() < 0.95:
            frame.headers.add(key=key, value=value)
    if rng.random() < 0.02:
        frame.payload = rng.choice(
            (b"{}", b'{"PingInterval": 0}', b"[" * 5000, b'{"PingInterval": 1e999}', b"null")
        )
    return frame


async def run(
    frames: int,
    seed: int,
    platform: Any,
    connect: Callable[..., Any],
    frame_type: Any,
    say: Callable[[str], object],
) -> None:
    """Send that many frames; AssertionError if anything but counting them happened."""
    from nonebot_plugin_feishu_ws.gateway import Ack, Limits

    rng = random.Random(seed)

    async def handler(inbound: Any) -> Any:
        if inbound.payload[:1] == b"\x00":
            raise ValueError("a handler in a bad mood")
        await asyncio.sleep(0)
        return Ack(data={"n": len(inbound.payload)} if inbound.kind == "card" else None)

    connection = connect(platform, handler, limits=Limits(payload=4096, partial_bytes=65536))
    peer = await platform.peer()
    warm = None
    started = time.monotonic()
    for sent in range(0, frames, 500):
        peer.send(*(mutated(rng, random_frame(rng, frame_type)) for _ in range(min(500, frames - sent))))
        marker = frame_type(SeqID=2**64 - 1, LogID=sent, service=1, method=1, payload=b"{}")
        marker.headers.add(key="type", value="event")
        peer.send(marker)
        while (ack := await asyncio.wait_for(peer.acks.get(), 30)).SeqID != marker.SeqID or ack.LogID != sent:
            pass
        while not peer.pings.empty():
            peer.pings.get_nowait()
        if warm is None and sent >= frames // 5:
            warm = memory()
    cold = memory()
    assert warm is not None
    counters = connection.counters
    assert counters["connections"] == 1, "no frame may end the connection"
    assert cold[0] - warm[0] < GROWTH, f"Python's memory grew from {warm[0]} to {cold[0]} bytes"
    assert cold[1] - warm[1] < 4 * GROWTH, f"the process grew from {warm[1]} to {cold[1]} bytes"
    say(f"{frames} frames, seed {seed}, {time.monotonic() - started:.0f} s: {counters}")
    say(f"traced bytes {warm[0]} -> {cold[0]}, resident bytes {warm[1]} -> {cold[1]}")


def memory() -> tuple[int, int]:
    """Traced and resident bytes."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return tracemalloc.get_traced_memory()[0], resident


async def main(frames: int, seed: int) -> None:
    import importlib.util
    import logging

    import aiohttp
    import nonebot

    nonebot.init(driver="~none", log_level="CRITICAL")
    assert nonebot.load_plugin("nonebot_plugin_feishu_ws")
    logging.getLogger("nonebot_plugin_feishu_ws.gateway").setLevel(logging.CRITICAL)
    spec = importlib.util.spec_from_file_location("conftest", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    conftest: Any = importlib.util.module_from_spec(spec)
    sys.modules["conftest"] = conftest
    spec.loader.exec_module(conftest)
    from nonebot_plugin_feishu_ws.gateway import Credentials, LongConnection

    platform = conftest.Platform()
    await platform.start()
    async with aiohttp.ClientSession() as session:
        made: list[LongConnection] = []

        def connect(platform: Any, handler: Callable[..., Awaitable[Any]], **options: Any) -> LongConnection:
            made.append(
                LongConnection(
                    Credentials("cli_fuzz", "s"), platform.url, handler, session=session, **options
                )
            )
            made[0].start()
            return made[0]

        await run(frames, seed, platform, connect, conftest.Frame, print)
        await made[0].stop()
    await platform.stop()


if __name__ == "__main__":
    tracemalloc.start()
    given = [int(value) for value in sys.argv[1:]]
    asyncio.run(main(*given, *(1_000_000, 1)[len(given) :]))
