"""Runs a NoneBot with this plugin. Everything else is settings: see `.env.example`."""

import nonebot

nonebot.init()
if nonebot.load_plugin("nonebot_plugin_feishu_ws") is None:
    raise SystemExit("The plugin did not load; the log above says why.")

if __name__ == "__main__":
    nonebot.run()
