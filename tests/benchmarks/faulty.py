"""A client that does not do what it should: `faulty.py SETTINGS`, with the `fault`."""

import asyncio
import json
import os
import sqlite3
import sys
from contextlib import closing

import aiohttp

from benchmarks.children import answer
from feishu_sandbox.longconn.frames_pb2 import Frame

SETTINGS = json.loads(sys.argv[1])
FAULT = SETTINGS["fault"]
seen: list[str] = []


def told(_: object) -> dict[str, int]:
    return {"handled": len(seen), "different": len(set(seen))}


def leave(url: str) -> None:
    """A database in which the last event is not done."""
    with closing(sqlite3.connect(url.partition(":///")[2])) as database:
        database.execute("CREATE TABLE feishu_ws_event (state TEXT)")
        states = [("done",)] * (len(seen) - 1) + [("received",)]
        database.executemany("INSERT INTO feishu_ws_event VALUES (?)", states)
        database.commit()


async def main() -> None:
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    answer(told, lambda: loop.call_soon_threadsafe(stopping.set))
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{SETTINGS['url']}/callback/ws/endpoint") as answered:
            url = (await answered.json())["data"]["URL"]
        async with session.ws_connect(url) as ws:
            serving = asyncio.create_task(serve(ws))
            await stopping.wait()
            serving.cancel()
    if FAULT == "unfinished":
        leave(SETTINGS["database"])


async def serve(ws: aiohttp.ClientWebSocketResponse) -> None:
    async for received in ws:
        frame = Frame.FromString(received.data)
        number = len(seen)
        if FAULT == "die" and number == 5:
            sys.stderr.write("its last words")
            sys.stderr.flush()
            os._exit(1)
        if not (FAULT == "forget" and number == 9):
            seen.append(json.loads(frame.payload)["header"]["event_id"])
        if FAULT == "again" and number == 9:
            seen.append(seen[-1])
        frame.payload = b'{"code":500}' if FAULT == "refuse" else b'{"code":200}'
        for _ in range(2 if FAULT == "twice" else 1):
            await ws.send_bytes(frame.SerializeToString())


asyncio.run(main())
