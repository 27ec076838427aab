"""nonebot-adapter-feishu over its own WebSocket, with one matcher, and the drivers people run it with."""

import os
import socket
from typing import Any

import nonebot
from nonebot.adapters.feishu import Adapter, MessageEvent

from ..children import settings
from ..frames import APP_ID, SECRET
from .tally import Tally


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main() -> None:
    asked: dict[str, Any] = settings()
    bot = {"app_id": APP_ID, "app_secret": SECRET, "verification_token": "", "protocol": "ws"}
    nonebot.init(
        driver="~fastapi+~websockets+~httpx",
        log_level="WARNING",
        port=free_port(),  # it wants a web server, though nobody calls it
        feishu_bots=[bot],
        feishu_api_base=asked["url"],
    )
    nonebot.get_driver().register_adapter(Adapter)
    tally = Tally(lambda: os._exit(0))  # it has nothing to keep

    @nonebot.on_message().handle()
    async def _(event: MessageEvent) -> None:
        tally(event.header.event_id)

    nonebot.run(loop=asked["loop"], log_level="warning")


if __name__ == "__main__":
    main()
