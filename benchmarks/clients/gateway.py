"""`nonebot_plugin_feishu_ws.gateway` alone, with a handler that parses the event's JSON."""

import asyncio
import json

from .alone import Ack, Inbound, serve
from .tally import Tally


async def handle(inbound: Inbound, tally: Tally) -> Ack:
    event = json.loads(inbound.payload)
    tally(event["header"]["event_id"])
    return Ack()


if __name__ == "__main__":
    asyncio.run(serve(handle))
