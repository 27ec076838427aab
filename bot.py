"""Runs a NoneBot with this plugin. Everything else is settings: see `.env.example`."""

import nonebot

nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")

if __name__ == "__main__":
    nonebot.run()
