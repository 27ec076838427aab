"""MCP at start: what is needed for it is imported where a server is named, and named where it is missing."""

from pathlib import Path

from loading_process import run_script

SCRIPT = """
import sys
{before}
import nonebot
nonebot.init()
plugin = nonebot.load_plugin("nonebot_plugin_feishu_ws")
print("loaded", plugin is not None)
print("imported", [name for name in ("mcp", "jsonschema", "httpx2", "pydantic_ai") if name in sys.modules])
"""


def start(tmp_path: Path, before: str = "", **environment: str) -> str:
    done = run_script(SCRIPT.format(before=before), tmp_path, **{"DRIVER": "~none", **environment})
    return done.stdout + done.stderr


SERVERS = '{"git": {"command": "git-mcp", "env": {"KEY": "canary"}}}'


def test_wanted(tmp_path: Path) -> None:
    """Without the packages of a model, for the brain that needs none."""
    said = start(tmp_path, FEISHU_WS__BUTLER_MCP=SERVERS, LOG_LEVEL="TRACE")
    assert "loaded True" in said
    assert "imported ['mcp', 'jsonschema', 'httpx2']" in said
    assert "canary" not in said


def test_not_installed(tmp_path: Path) -> None:
    said = start(tmp_path, "sys.modules['mcp'] = None", FEISHU_WS__BUTLER_MCP=SERVERS)
    assert "loaded False" in said
    assert "pip install 'nonebot-plugin-feishu-ws[mcp]'" in said
    assert "canary" not in said
