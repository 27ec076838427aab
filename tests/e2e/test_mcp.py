"""Tools of MCP servers, in a bot of its own process: what is harmless runs at once, the rest waits for people.

What a tool did is in a file that no bot can take back; what the model was told is with its server.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import mcp_office
import pytest
from mcp_office import made, served
from model_server import ModelServer, Reply, serving
from office import read, values
from processes import BotProcess

from feishu_sandbox import Message, Sandbox


class Scene:
    """Alice asks, Bob approves; one MCP server is a program, the other is behind a port."""

    def __init__(
        self, sandbox: Sandbox, model: ModelServer, url: str, ledger: Path, program: Path, start: Any
    ) -> None:
        self.world, self.model, self._ledger, self._start = sandbox.world, model, ledger, start
        self.app = self.world.add_app("Butler")
        self.alice, self.bob = self.world.add_user("Alice"), self.world.add_user("Bob")
        self.chat = self.world.add_group("Everyone", [self.alice, self.bob, self.app])
        connector = {
            "name": "butler",
            "app_id": self.app.app_id,
            "app_secret": self.app.app_secret,
            "approvers": [self.bob.open_id(self.app)],
        }
        self.servers = {
            "remote": {"url": url, "headers": {"X-Key": "canary-http"}},
            "local": {
                "command": sys.executable,
                "args": [mcp_office.__file__],
                "env": {"LEDGER": str(program), "KEY": "canary-env"},
            },
            "away": {"url": "http://127.0.0.1:9/mcp", "headers": {"Authorization": "canary-away"}},
        }
        self.settings = {
            "FEISHU_WS__URL": sandbox.url,
            "FEISHU_WS__LOCALE": "en_US",
            "FEISHU_WS__CONNECTORS": json.dumps([connector]),
            "FEISHU_WS__BUTLER": "llm",
            "FEISHU_WS__BUTLER_BASE_URL": model.url,
            "FEISHU_WS__BUTLER_MODEL": "scripted",
            "FEISHU_WS__BUTLER_LIMITS": '{"seconds": 60}',
            "FEISHU_WS__BUTLER_MCP": json.dumps(self.servers),
        }

    def without_programs(self) -> None:
        """They take a second to start."""
        del self.servers["local"]
        self.settings["FEISHU_WS__BUTLER_MCP"] = json.dumps(self.servers)

    async def start(self, **more: str) -> BotProcess:
        bot = await self._start(**{**self.settings, **more})
        await bot.line("butler: connected")
        return bot

    def ledger(self) -> list[str]:
        """What the remote server's tools have done."""
        return self._ledger.read_text().split() if self._ledger.exists() else []

    async def written(self, *lines: str) -> None:
        async with asyncio.timeout(20):
            while self.ledger() != list(lines):  # noqa: ASYNC110 - nobody signals that
                await asyncio.sleep(0)

    async def ask(self, text: str) -> Message:
        return await self.world.say(self.alice, self.chat, text, mentions=[self.app])

    async def sees(self, asked: Message, words: str) -> Message:
        """An answer that has ended and says something."""
        return await self.world.wait_for(
            lambda m: (
                m.sender is self.app
                and m.parent_id == asked.message_id
                and words in read(m)
                and "feishu_stop" not in json.dumps(m.content)
            ),
            timeout=30,
        )

    async def approval(self, asked: Message, tool: str = "") -> tuple[Message, dict[str, Any]]:
        card = await self.world.wait_for(
            lambda m: (
                m.parent_id == asked.message_id
                and any("nonce" in value for value in values(m))
                and tool in read(m)
            ),
            timeout=30,
        )
        return card, next(value for value in values(card) if value["approved"])

    async def approve(self, card: Message, button: dict[str, Any]) -> Any:
        return await self.world.click(self.bob, card.message_id, {"tag": "button", "value": button})

    def told(self, request: int = -1) -> str:
        """What the model was sent last with a request."""
        return str(self.model.requests[request]["messages"][-1]["content"])


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with serving() as server:
        yield server


@pytest.fixture
async def scene(
    feishu_sandbox: Sandbox, model: ModelServer, tmp_path: Path, start_bot: Callable[..., Any]
) -> AsyncIterator[Scene]:
    async with served(made(tmp_path / "ledger")) as url:
        yield Scene(feishu_sandbox, model, url, tmp_path / "ledger", tmp_path / "program", start_bot)


DONE = Reply(text=["All done."])


async def test_what_is_harmless_runs_at_once(scene: Scene, tmp_path: Path) -> None:
    """And what is not waits for Approve, on both kinds of server; one that is down is only missing."""
    scene.model.script = [
        Reply(calls=[("remote_look", '{"what": "web"}'), ("local_look", '{"what": "db"}')]),
        Reply(
            text=["Writing."], calls=[("remote_write", '{"text": "hello"}'), ("local_write", '{"text": 5}')]
        ),
        Reply(calls=[("remote_fail", "{}")]),
        DONE,
    ]
    bot = await scene.start()
    asked = await scene.ask("write hello")
    card, button = await scene.approval(asked)
    assert "web is fine." in str(scene.model.requests[1]["messages"])
    assert "db is fine." in str(scene.model.requests[1]["messages"])
    assert {tool["function"]["name"] for tool in scene.model.requests[0]["tools"]} >= {
        f"{server}_{tool}" for server in ("remote", "local") for tool in ("look", "write", "fail", "slow")
    }
    assert not any(tool["function"]["name"].startswith("away") for tool in scene.model.requests[0]["tools"])
    shown = read(card)
    assert "Tool write of the MCP server remote. It says of itself: Write a line." in shown
    assert '{"text":"hello"}' in shown
    assert scene.ledger() == []
    assert (await scene.approve(card, button)).toast["type"] == "success"
    card, button = await scene.approval(asked, "remote_fail")
    assert scene.ledger() == ["hello"]
    told = json.dumps(scene.model.requests[2]["messages"])
    assert "Approved and run. Result: wrote hello" in told
    assert "Not run: text must be string" in told
    await scene.approve(card, button)
    await scene.sees(asked, "All done.")
    assert "failed" in scene.told()
    assert "Error executing tool fail" in scene.told()
    assert scene.ledger() == ["hello"]
    assert not (tmp_path / "program").exists()
    assert await bot.stop() == 0
    log = "".join(bot.output)
    assert "MCP server away is not connected" in log
    assert "canary" not in log + json.dumps(scene.model.requests)


async def test_killed_while_one_runs_and_another_waits(scene: Scene) -> None:
    """faults.md 43, 44: the next process finds the tools again. Nobody knows how far the one came that ran, so it is
    not run again; what was not approved yet can be, and runs once."""
    scene.without_programs()
    scene.model.script = [
        Reply(calls=[("remote_write", '{"text": "hello"}')]),
        Reply(calls=[("remote_slow", "{}")]),
        Reply(text=["Look there."]),
        DONE,
    ]
    first = await scene.start()
    writing = await scene.ask("write hello")
    card, button = await scene.approval(writing)
    await scene.sees(writing, "waiting for approval")
    lasting = await scene.ask("take long")
    await scene.approve(*await scene.approval(lasting))
    await scene.written("slow")
    await first.kill()
    await scene.start()
    await scene.sees(lasting, "Look there.")
    assert "nobody knows whether it was run" in scene.told()
    assert (await scene.approve(card, button)).toast["type"] == "success"
    await scene.sees(writing, "All done.")
    assert "Result: wrote hello" in scene.told()
    assert scene.ledger() == ["slow", "hello"]
