"""The page about REST: its commands are run by the real curl against a real bot, its tables are those of the code."""

import asyncio
import contextlib
import json
import os
import re
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from processes import BotProcess
from reading import plain

from feishu_sandbox import App, Message, Rules, Sandbox, User
from nonebot_plugin_feishu_ws.config import Settings
from nonebot_plugin_feishu_ws.console.auth import LONGEST_LIFE, Gate
from nonebot_plugin_feishu_ws.console.rest import PREFIX, Code, router
from nonebot_plugin_feishu_ws.console.rest.guard import LARGEST_BODY

PAGES = ["docs/rest.md", "docs/zh/rest.md"]
BOT = """
import nonebot

nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot_plugin_feishu_ws import butler


@butler.tool(requires_approval=True)
async def deploy(service: str) -> str:
    \"\"\"Roll a service out.\"\"\"
    return f"{service} is out"


nonebot.run()
"""
KEYS = {
    "FEISHU_WS__API_TOKEN": "canary-of-the-page-2b7e151628aed2a6",
    "FEISHU_WS__JWT_SECRET": "canary-of-the-page-603deb1015ca71be2b73",
}


@pytest.mark.parametrize("name", PAGES)
def test_the_routes(read, name: str) -> None:
    made = router(None, Gate(Settings()), Settings())  # pyright: ignore
    routes = [
        f"{method} …{route.path.removeprefix(PREFIX)}"
        for route in made.routes
        if route.include_in_schema
        for method in route.methods
    ]
    assert [row[0].strip("`") for row in read(name).tables[0]] == routes


@pytest.mark.parametrize("name", PAGES)
def test_the_problems(read, name: str) -> None:
    rows = [(int(row[0]), code) for row in read(name).tables[1] for code in re.findall(r"`(\w+)`", row[1])]
    assert sorted(rows) == sorted((int(code.status), code.value) for code in Code)


@pytest.mark.parametrize("name", PAGES)
def test_the_limits(read, name: str) -> None:
    prose = read(name).prose
    assert f"{LARGEST_BODY // 1024} KiB" in prose
    assert f"{LONGEST_LIFE // 3600} " in prose


class Company:
    """A bot in a process of its own, somebody who writes to it, and a terminal in which a page is followed."""

    def __init__(self, folder: Path, sandbox: Sandbox, app: App, user: User) -> None:
        self.folder = folder
        self.world = sandbox.world
        self.app = app
        self.user = user
        with socket.create_server(("127.0.0.1", 0)) as free:  # NoneBot takes no 0
            port = free.getsockname()[1]
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "FEISHU_WS__URL": sandbox.url,
            "FEISHU_WS__LOCALE": "en_US",
            "LOG_LEVEL": "DEBUG",
            "DRIVER": "~fastapi",
            "PORT": str(port),
            "APP_SECRET": app.app_secret,
            **KEYS,
        }
        self.url = f"http://127.0.0.1:{port}"

    async def start(self) -> BotProcess:
        (self.folder / "bot.py").write_text(BOT, encoding="utf-8")
        bot = BotProcess(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "bot.py"),
                cwd=self.folder,
                env=self.env,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        )
        await bot.line(f"Uvicorn running on {self.url}")
        return bot

    async def follow(self, lines: str) -> str:
        """Run what a page shows; what was printed."""
        lines = lines.replace("http://127.0.0.1:8080", self.url)
        shell = await asyncio.create_subprocess_exec(
            *("sh", "-e", "-c", lines),
            cwd=self.folder,
            env=self.env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(shell.communicate(), 60)
        assert shell.returncode == 0, said.decode()
        return said.decode()

    async def says(self, text: str) -> Message:
        return await self.world.say(self.user, self.world.direct_chat(self.user, self.app), text)

    async def hears(self, words: str, asked: Message | None = None) -> Message:
        return await self.world.wait_for(
            lambda m: (
                m.sender is self.app
                and words in plain(m)
                and (asked is None or m.parent_id == asked.message_id)
            ),
            timeout=20,
        )


def answers(said: str) -> list[Any]:
    """The JSON values that were printed one after the other."""
    decoder, found = json.JSONDecoder(), list[Any]()
    while said := said.lstrip():
        value, end = decoder.raw_decode(said)
        found.append(value)
        said = said[end:]
    return found


def logged(folder: Path) -> list[tuple[str, str]]:
    """Every row of the bot's log: what happened, and the detail."""
    (path,) = folder.rglob("feishu-ws.sqlite3")
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT action, detail FROM feishu_ws_log ORDER BY id").fetchall()


@pytest.mark.timeout(120)  # several processes, on machines that may be busy
async def test_the_page_followed_with_curl(read, tmp_path: Path) -> None:
    blocks = [block.text for block in read("docs/rest.md").blocks if block.language == "sh"]
    prepare, add, look, send, approve, leave, as_owner = blocks
    assert prepare + add + look + send + approve + leave + as_owner == "".join(
        block.text for block in read("docs/zh/rest.md").blocks if block.language == "sh"
    )
    (app_id,) = re.findall(r'"app_id": "(\w+)"', add)
    printed: list[str] = []
    async with Sandbox(rules=Rules(sends_per_second=1000)) as sandbox:
        app, user = sandbox.world.add_app("Butler", app_id=app_id), sandbox.world.add_user("Ada")
        company = Company(tmp_path, sandbox, app, user)
        bot = await company.start()
        try:

            async def follow(block: str) -> list[Any]:
                printed.append(await company.follow(prepare + block))
                return answers(printed[-1])

            created, verified, enabled, *_ = await follow(add)
            assert (created["name"], created["enabled"]) == ("butler", False)
            assert (verified["bot"], enabled["enabled"]) == ("Butler", True)
            listed, status, changed, one = await follow(look)
            assert [each["name"] for each in listed["connectors"]] == ["butler"]
            assert status["connections"][0]["state"] == "connected"
            assert (changed["rate_limit_per_minute"], one["prefix_command"]) == (20, "")

            await company.hears("ou_", await company.says("whoami"))
            sent, log = await follow(send)
            assert plain(sandbox.world.messages[sent["message_id"]]) == "Hello from REST"
            assert (len(log["entries"]), log["next_cursor"] is None) == (5, False)

            asked = await company.says("deploy web")
            await sandbox.world.wait_for(
                lambda m: m.parent_id == asked.message_id and m.msg_type == "interactive", timeout=20
            )
            waiting, decided = await follow(approve)
            assert waiting["approvals"][0]["arguments"] == '{"service":"web"}'
            assert (decided["state"], decided["decided"]) == ("approved", True)
            # An administrator's token may decide: what it has approved is carried out.
            await company.hears("web is out", asked)

            assert await follow(as_owner) == [{"connectors": []}]
            away, back, disabled = await follow(leave)
            assert (away["held"], back["held"], disabled["enabled"]) == (True, False, False)
            assert await follow('curl -sS -f -H @auth.txt "$API"') == [{"connectors": []}]
            refused = await company.follow(
                prepare + 'curl -sS "$API/x?access_token=$FEISHU_WS__API_TOKEN&limit=5"'
            )
            assert json.loads(refused)["status"] == 401
            await bot.line('"GET /api/integrations/feishu/x HTTP/1.1" 401')
            assert (tmp_path / "auth.txt").stat().st_mode & 0o077 == 0
        finally:
            await bot.stop()
        output = "".join(bot.output)
        for secret in (app.app_secret, *KEYS.values(), (tmp_path / "jwt.txt").read_text().split()[-1]):
            assert secret not in "".join(printed)
            assert secret not in output
        rows = logged(tmp_path)
        asked_by = [action for action, detail in rows if json.loads(detail).get("from") == "rest"]
        assert asked_by[0] == "create_connector"
        assert asked_by[-1] == "remove_connector"
        assert all(secret not in str(rows) for secret in (app.app_secret, *KEYS.values()))
