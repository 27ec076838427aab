"""`FEISHU_WS__SANDBOX=true`: a Feishu of the bot's own, which a shell finds, and which knows no real connectors."""

import asyncio
import json
import os
import re
import socket
import sys
from pathlib import Path
from typing import Any

import aiohttp

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


async def test_it_calls_a_webhook(start_bot) -> None:
    """The local app has the connector's keys: what it posts is believed, its check of the address first of all."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    connector = {"name": "hook", "app_id": "cli_hook", "app_secret": "s", "transport": "webhook"}
    keys = {"encrypt_key": "of the connector", "verification_token": "the connector's too"}
    bot = await start_bot(
        FEISHU_WS__SANDBOX="true",
        FEISHU_WS__CONNECTORS=json.dumps([connector | keys]),
        DRIVER="~fastapi",
        HOST="127.0.0.1",
        PORT=str(port),
    )
    found = re.search(r"http://[\d.:]+", await bot.line("The local Feishu is at"))
    assert found is not None
    await bot.line("Uvicorn running")
    url = f"{found[0]}/sandbox/apps/cli_hook/webhook"
    asked = {"request_url": f"http://127.0.0.1:{port}/feishu/cli_hook"}
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            async with session.put(url, json=asked) as response:
                answer = await response.json()
            if answer != {"error": "no answer within 1 s"}:  # the machine may be busy
                break
    assert answer == asked
    await bot.stop()
