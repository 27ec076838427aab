"""A bot of which several run at once: `where` says which of them answers."""

import socket

import nonebot

nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")
from nonebot_plugin_feishu_ws import butler


@butler.tool
async def where() -> str:
    """Say on which host this bot runs."""
    return socket.gethostname()


if __name__ == "__main__":
    nonebot.run()
