"""The page on operations: its table of metrics, and its recipe for logs as JSON."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
from processes import BotProcess
from prometheus_client.parser import text_string_to_metric_families

from feishu_sandbox import Sandbox

PAGES = ["docs/operations.md", "docs/zh/operations.md"]


@pytest.mark.parametrize("name", PAGES)
def test_every_metric_is_in_the_table(read, name: str) -> None:
    from nonebot_plugin_feishu_ws import running

    families = text_string_to_metric_families(running.vitals.metrics()().decode())
    ours = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    table = read(name).tables[1]
    assert [row[0].strip("`") for row in table if not row[0].startswith("`feishu_ws_")] == []
    assert sorted(row[0].strip("`") for row in table) == sorted(
        one for one in ours if one.startswith("feishu_ws_")
    )


async def test_lines_of_json(read, feishu_sandbox: Sandbox, tmp_path: Path) -> None:
    """The `bot.py` that is shown, run: each line is JSON, and lines about an event say which."""
    (block,) = [one for one in read(PAGES[0]).blocks if one.language == "python"]
    (tmp_path / "bot.py").write_text(block.text.replace('"INFO"', '"DEBUG"'), encoding="utf-8")
    world = feishu_sandbox.world
    app, alice = world.add_app("Butler"), world.add_user("Alice")
    connector = {"name": "butler", "app_id": app.app_id, "app_secret": app.app_secret, "allow_dm": False}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "bot.py",
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "DRIVER": "~none",
            "FEISHU_WS__URL": feishu_sandbox.url,
            "FEISHU_WS__CONNECTORS": json.dumps([connector]),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    bot = BotProcess(process)
    try:
        await feishu_sandbox.hub.wait_connected(app, timeout=30)
        await world.say(alice, world.direct_chat(alice, app), "hello")
        line = await bot.line("is filtered: dm_not_allowed", timeout=30)
        extra = json.loads(line)["record"]["extra"]
        assert extra["connector"] == "butler"
        assert extra["event_id"] == feishu_sandbox.hub.deliveries[-1].event_id
        assert re.fullmatch(r"[0-9a-f]{32}", extra["trace_id"])
        assert app.app_secret not in "".join(bot.output)
    finally:
        await bot.kill()
