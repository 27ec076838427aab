"""A model answers, and uses the tools of an MCP server. All of that is settings: see .env.example."""

import nonebot

nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")

if __name__ == "__main__":
    nonebot.run()
