"""What loading the plugin does not import: it is costly, and waits until somebody needs it."""

import json
from pathlib import Path

import pytest
from loading_process import run_script

LOAD = """
import asyncio, json, sys, nonebot
nonebot.init()
from nonebot.adapters.feishu import Adapter
before = set(sys.modules)
assert nonebot.load_plugin("nonebot_plugin_feishu_ws")
driver = nonebot.get_driver()

async def lifespan():
    await driver._lifespan.startup()
    await driver._lifespan.shutdown()
"""
TELL = "\nprint(json.dumps(sorted(set(sys.modules) - before)))"
START = "\nasyncio.run(lifespan())"

ELSEWHERE = {
    "alembic",  # a schema that is not the newest
    "arclet",  # the first command
    "cryptography",  # the first secret
    "fastapi",  # the driver's
    "feishu_sandbox",  # FEISHU_WS__SANDBOX
    "httpx",  # nowhere
    "jinja2",  # the console
    "jwt",  # FEISHU_WS__JWT_SECRET
    "lark_oapi",  # LarkClient()
    "mako",
    "markdown_it",
    "mcp",  # FEISHU_WS__MCP
    "openai",
    "opentelemetry",
    "prometheus_client",  # the first scrape
    "pydantic_ai",  # FEISHU_WS__BUTLER=llm
    "pygments",
    "rich",  # the shell
    "segno",
    "starlette",
    "uvicorn",
    "uvloop",
}

WITH_THE_CONSOLE = ("nonebot_plugin_feishu_ws.console.rest", "nonebot_plugin_feishu_ws.console.pages")


def imported(tmp_path: Path, script: str, **environment: str) -> set[str]:
    done = run_script(
        script + TELL,
        tmp_path,
        **{"DRIVER": "~none", "FEISHU_WS__ENABLED": "false", "LOG_LEVEL": "ERROR", **environment},
    )
    assert done.stdout.strip(), done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("driver", ["~none", "~fastapi"])
def test_loading(tmp_path: Path, driver: str) -> None:
    modules = imported(tmp_path, LOAD, DRIVER=driver)
    assert packages(modules) & ELSEWHERE == set()
    assert "sqlalchemy.dialects.postgresql" not in modules
    assert not [name for name in modules if name.startswith(WITH_THE_CONSOLE)]
    assert "aiohttp" in modules, "this is what was imported"


def test_starting(tmp_path: Path) -> None:
    """Alembic is for a database that is new. A bot without a secret in it needs no cryptography."""
    assert "alembic" in packages(imported(tmp_path, LOAD + START))
    assert packages(imported(tmp_path, LOAD + START)) & ELSEWHERE == set()
