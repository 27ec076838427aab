"""The plugin's parts, used without its start-up in NoneBot: what `gateway.py` and `inbox.py` share."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import nonebot

from ..children import settings
from ..frames import APP_ID, SECRET
from .tally import Tally

nonebot.init(driver="~none", log_level="WARNING")
nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot_plugin_feishu_ws import spare_what_is_loaded
from nonebot_plugin_feishu_ws.gateway import Ack, Credentials, Inbound, LongConnection


async def serve(handler: Callable[[Inbound, Tally], Awaitable[Ack]]) -> None:
    """The gateway with a handler, until the command has seen enough."""
    spare_what_is_loaded()  # as the plugin does
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    tally = Tally(lambda: loop.call_soon_threadsafe(stopping.set))

    async def handle(inbound: Inbound) -> Ack:
        return await handler(inbound, tally)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        connection = LongConnection(Credentials(APP_ID, SECRET), settings()["url"], handle, session=session)
        connection.start()
        await stopping.wait()
        await connection.stop()
