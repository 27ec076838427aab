"""The page on models, where it speaks of MCP servers: its table is complete, its server is a server."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from nonebot_plugin_feishu_ws.butler.mcp import Server
from nonebot_plugin_feishu_ws.mcp_servers import McpServer

PAGES = pytest.mark.parametrize("name", ["docs/llm.md", "docs/zh/llm.md"])


@PAGES
def test_the_fields_of_a_server(read: Any, name: str) -> None:
    rows = {row[0].strip("`"): row for table in read(name).tables for row in table}
    for field, about in McpServer.model_fields.items():
        default = {} if about.default_factory is not None else about.default
        assert rows[field][1] == f"`{json.dumps(default)}`"


@PAGES
async def test_the_server_that_is_shown(read: Any, name: str, tmp_path: Path) -> None:
    page = read(name)
    [script] = page.written(tmp_path, tests=False)
    setting = next(block.text for block in page.blocks if block.text.startswith("FEISHU_WS__BUTLER_MCP="))
    shown = json.loads(setting.partition("=")[2])["office"]
    assert shlex.join([shown["command"], *shown["args"]]) == f"python {script.name}"
    server = Server("office", McpServer(command=sys.executable, args=(str(script),)))
    server.start()
    await server.ready()
    terms = {tool.name: tool.terms.requires_approval for tool in server.offered()}
    await server.stop()
    assert terms == {"office_stock": False, "office_order": True}
