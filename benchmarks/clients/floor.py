"""The least that speaks the protocol: aiohttp, protobuf in C, one `json.loads`, the ack."""

import asyncio
import json
from contextlib import suppress

import aiohttp

from feishu_sandbox.longconn.frames_pb2 import Frame

from ..children import settings
from .tally import Tally


async def main() -> None:
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None
    tally = Tally(lambda: loop.call_soon_threadsafe(me.cancel))
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{settings()['url']}/callback/ws/endpoint", json={}) as answered:
            url = (await answered.json())["data"]["URL"]
        async with session.ws_connect(url, max_msg_size=0) as ws:
            async for received in ws:
                frame = Frame.FromString(received.data)
                event = json.loads(frame.payload)
                tally(event["header"]["event_id"])
                frame.payload = b'{"code":200}'
                frame.headers.add(key="biz_rt", value="0")
                await ws.send_bytes(frame.SerializeToString())


if __name__ == "__main__":
    with suppress(asyncio.CancelledError):
        asyncio.run(main())
