"""A handler that blocks the event loop makes us deaf, not the gateway."""

import asyncio
import sys

BLOCKED = """
import asyncio, sys, time
import aiohttp, nonebot
nonebot.init(driver="~none", log_level="ERROR", localstore_data_dir=sys.argv[2])
nonebot.load_plugin("nonebot_plugin_feishu_ws")
from nonebot_plugin_feishu_ws.gateway import Ack, Credentials, LongConnection, ReconnectPolicy, Timings

async def main(url):
    async def handler(_):
        await asyncio.sleep(0.6)  # until a ping is on its way
        time.sleep(2)
        return Ack()

    async with aiohttp.ClientSession() as session:
        connection = LongConnection(
            Credentials("cli_x", "secret"), url, handler, session=session, policy=ReconnectPolicy(nonce=0),
            timings=Timings(idle_ping=0.3, pong=0.5, tick=0.1, close=0.1),
        )
        connection.start()
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""


async def test_a_blocked_loop_is_not_the_gateways_silence(platform, wire, tmp_path) -> None:
    """faults.md 33: pings survive. The block begins while a pong is due, and is longer than it may take."""
    platform.config = {"ReconnectNonce": 0}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BLOCKED, platform.url, str(tmp_path), env={"HOME": str(tmp_path)}
    )
    try:
        peer = await asyncio.wait_for(platform.peers.get(), 30)
        await asyncio.wait_for(peer.pings.get(), 5)
        peer.pong = None
        peer.send(wire.data_frame())
        await asyncio.wait_for(peer.pings.get(), 5)
        peer.pong = b""
        await asyncio.wait_for(peer.acks.get(), 10)
        for _ in range(5):
            await asyncio.wait_for(peer.pings.get(), 5)
        assert platform.peers.empty()
        assert not peer.closed.is_set()
    finally:
        process.kill()
        await process.wait()
