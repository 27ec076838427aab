"""The whole plugin in NoneBot, with one matcher."""

import os
import signal
from pathlib import Path
from typing import Any

import nonebot
from nonebot.adapters.feishu import MessageEvent

from ..children import settings
from ..frames import APP_ID, SECRET
from .tally import Tally


def main() -> None:
    asked: dict[str, Any] = settings()
    connector = {"name": "bench", "app_id": APP_ID, "app_secret": SECRET, **asked.get("policy", {})}
    nonebot.init(
        driver="~none",
        log_level="WARNING",
        localstore_data_dir=str(Path.cwd()),
        feishu_ws={"url": asked["url"], "connectors": [connector], "database_url": asked["database"]},
    )
    nonebot.load_plugin("nonebot_plugin_feishu_ws")
    tally = Tally(lambda: os.kill(os.getpid(), signal.SIGTERM))

    @nonebot.on_message().handle()
    async def _(event: MessageEvent) -> None:
        tally(event.header.event_id)

    nonebot.run()


if __name__ == "__main__":
    main()
