"""REST at start: served where the driver is FastAPI, not in the way elsewhere, and never behind a weak key."""

import json
from pathlib import Path

import pytest
from loading_process import run_script

SCRIPT = """
import asyncio, json, sys
import nonebot
nonebot.init()
plugin = nonebot.load_plugin("nonebot_plugin_feishu_ws")
driver = nonebot.get_driver()

async def start():
    await driver._lifespan.startup()
    app = getattr(driver, "server_app", None)
    paths = app.openapi()["paths"] if hasattr(app, "openapi") else {}
    await driver._lifespan.shutdown()
    return paths

paths = asyncio.run(start()) if plugin else {}
names = ("fastapi", "jwt", "jinja2")
print(json.dumps({
    "loaded": plugin is not None,
    "rest": "/api/integrations/feishu" in paths,
    "imported": [name for name in names if name in sys.modules],
}))
"""
KEY = "canary-8f14e45fceea167a5a36dedd4bea2543"


def start(tmp_path: Path, **environment: str) -> tuple[dict[str, object], str]:
    done = run_script(
        SCRIPT, tmp_path, **{"LOG_LEVEL": "TRACE", "FEISHU_WS__ENABLED": "false", **environment}
    )
    assert done.stdout.strip(), done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def test_with_fastapi(tmp_path: Path) -> None:
    report, said = start(tmp_path, DRIVER="~fastapi+~httpx", FEISHU_WS__API_TOKEN=KEY)
    assert (report["loaded"], report["rest"]) == (True, True)
    assert report["imported"] == ["fastapi"], "there is no secret for JWTs, and no page was asked for"
    assert KEY not in said


def test_switched_off(tmp_path: Path) -> None:
    report, _ = start(tmp_path, DRIVER="~fastapi", FEISHU_WS__CONSOLE="false", FEISHU_WS__API_TOKEN=KEY)
    assert (report["loaded"], report["rest"]) == (True, False)
    assert report["imported"] == ["fastapi"]


def test_without_fastapi(tmp_path: Path) -> None:
    report, said = start(tmp_path, DRIVER="~none", FEISHU_WS__API_TOKEN=KEY, FEISHU_WS__JWT_SECRET=KEY)
    assert report == {"loaded": True, "rest": False, "imported": []}
    assert KEY not in said


@pytest.mark.parametrize("setting", ["API_TOKEN", "JWT_SECRET"])
def test_a_weak_key_is_refused(tmp_path: Path, setting: str) -> None:
    report, said = start(tmp_path, DRIVER="~none", **{f"FEISHU_WS__{setting}": "canary-too-short"})
    assert report["loaded"] is False
    assert f"FEISHU_WS__{setting}: use 32 bytes or more: openssl rand -hex 32" in said
    assert "canary" not in said
