"""`FEISHU_WS__SANDBOX=true`: a Feishu of the bot's own, which a shell finds, and which knows no real connectors."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
PROJECT = """
[tool.nonebot.plugins]
nonebot-plugin-feishu-ws = ["nonebot_plugin_feishu_ws"]
"""


async def shell(where: Path, *words: str, stdin: str = "", code: int = 0, **settings: str) -> Any:
    """`feishu-ws … --json`, and what it says if it ends with that code."""
    process = await asyncio.create_subprocess_exec(
        BIN / "feishu-ws",
        *words,
        "--json",
        cwd=where,
        env={"PATH": os.environ["PATH"], "HOME": str(where), "DRIVER": "~none", **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    assert process.returncode == code, err.decode()
    return json.loads(out)


async def test_the_shell_finds_it_and_real_connectors_are_left_alone(start_bot, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    add = ("add", "--secrets-stdin")
    secret = "app_secret=of-an-app"
    await shell(tmp_path, *add, "real", "app_id=cli_real", stdin=secret)

    local = {"FEISHU_WS__SANDBOX": "true"}
    for _ in range(2):  # the second local Feishu knows nothing of the first one's apps
        bot = await start_bot(**local)
        await bot.line("butler: connected")
        assert await shell(tmp_path, "list", **local) == []
        await shell(tmp_path, *add, "unknown", "app_id=cli_unknown", stdin=secret, **local)
        refused = await shell(tmp_path, "verify", "unknown", code=1, **local)
        assert (
            "app id not exists" in refused["message"]
        )  # the local Feishu's answer, not that of FEISHU_WS__URL
        assert await bot.stop() == 0
        assert "cli_real" not in "".join(bot.output)

    (kept,) = await shell(tmp_path, "list")
    assert (kept["name"], kept["app_id"]) == ("real", "cli_real")
