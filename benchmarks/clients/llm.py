"""The whole plugin, answering with a model."""

from pathlib import Path
from typing import Any

import nonebot

from ..children import settings


def main() -> None:
    asked: dict[str, Any] = settings()
    connector = {"name": "butler", "app_id": asked["app_id"], "app_secret": asked["app_secret"]}
    nonebot.init(
        driver="~none",
        log_level="WARNING",
        localstore_data_dir=str(Path.cwd()),
        feishu_ws={
            "url": asked["url"],
            "locale": "en_US",
            "connectors": [connector],
            "butler": "llm",
            "butler_base_url": asked["model"],
            "butler_api_token": "sk-bench",
            "butler_model": "bench",
        },
    )
    nonebot.load_plugin("nonebot_plugin_feishu_ws")
    nonebot.run()


if __name__ == "__main__":
    main()
