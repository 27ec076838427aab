"""The gateway and the durable inbox: acked once committed, then done."""

import asyncio
import json

from ..children import settings
from .alone import Ack, Inbound, serve
from .tally import Tally


async def main() -> None:
    # not before `alone` has loaded the plugin
    from nonebot_plugin_feishu_ws.delivery import Accepted, Inbox, Incoming, Lease
    from nonebot_plugin_feishu_ws.storage import Database

    database = Database(settings()["database"])
    await database.start()
    lease = Lease(database, label="bench")
    await lease.start()
    inbox = Inbox(database, lease)
    inbox.start()

    async def handle(inbound: Inbound, tally: Tally) -> Ack:
        event = json.loads(inbound.payload)
        header, message = event["header"], event["event"]["message"]
        taken = await inbox.accept(
            Incoming(
                app_id=header["app_id"],
                event_id=header["event_id"],
                event_type=header["event_type"],
                payload=inbound.payload,
                message_id=message["message_id"],
                chat_id=message["chat_id"],
            )
        )
        if isinstance(taken, Accepted):
            tally(header["event_id"])
            inbox.done(taken.row_id)
        return Ack()

    try:
        await serve(handle)
    finally:
        await inbox.stop()
        await lease.stop()
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
