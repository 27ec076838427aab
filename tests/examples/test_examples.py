"""Every example is run as its README says, in a process of its own; what it does is seen in the local Feishu."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from dotenv import dotenv_values
from model_server import Reply, serving
from processes import BotProcess
from reading import read, values, walk

from feishu_sandbox import App, Chat, Message, Sandbox, User

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass
class Scene:
    """An example at work in a group: Alice asks, Bob approves."""

    sandbox: Sandbox
    app: App
    alice: User
    bob: User
    chat: Chat
    folder: Path
    bot: BotProcess

    async def ask(self, text: str) -> Message:
        return await self.sandbox.world.say(self.alice, self.chat, text, mentions=[self.app])

    async def reply(self, asked: Message, words: str, within: float = 20) -> Message:
        return await self.sandbox.world.wait_for(
            lambda m: m.sender is self.app and m.parent_id == asked.message_id and words in read(m),
            timeout=within,
        )

    async def approval(self, asked: Message) -> tuple[Message, dict[str, Any]]:
        card = await self.sandbox.world.wait_for(
            lambda m: m.parent_id == asked.message_id and any("nonce" in value for value in values(m)),
            timeout=20,
        )
        return card, next(value for value in values(card) if value["approved"])

    async def click(self, user: User, card: Message, value: dict[str, Any], **more: Any) -> Any:
        action = {"tag": "button", "value": value, **more}
        return await self.sandbox.world.click(user, card.message_id, action)


Play = Callable[..., Awaitable[Scene]]


@pytest.fixture
async def play(feishu_sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Play]:
    """Starts an example in a copy of its folder; with its `.env.example` where it has one."""
    running: list[BotProcess] = []

    async def start(name: str, **settings: str) -> Scene:
        world, folder = feishu_sandbox.world, tmp_path / name
        shutil.copytree(EXAMPLES / name, folder)
        app, alice, bob = world.add_app("Butler"), world.add_user("Alice"), world.add_user("Bob")
        chat = world.add_group("Everyone", [alice, bob, app])
        connector = {"name": "butler", "app_id": app.app_id, "app_secret": app.app_secret}
        connector["approvers"] = [bob.open_id(app)]
        if (folder / ".env.example").exists():
            (folder / ".env.example").rename(folder / ".env")
            assert settings.keys() <= dotenv_values(folder / ".env").keys(), "only what it asks for"
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LOG_LEVEL": "INFO",
            "FEISHU_WS__LOCALE": "en_US",
            "FEISHU_WS__URL": feishu_sandbox.url,
            "FEISHU_WS__CONNECTORS": json.dumps([connector]),
            "DRIVER": "~none",
            **settings,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "bot.py"),
            cwd=folder,
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        running.append(bot := BotProcess(process))
        await bot.line("butler: connected")
        return Scene(feishu_sandbox, app, alice, bob, chat, folder, bot)

    yield start
    codes = [await bot.stop() for bot in running]
    assert codes == [0] * len(running)
    assert "Traceback" not in "".join(line for bot in running for line in bot.output)


@pytest.fixture
async def open_meteo() -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """What Open-Meteo answers, and what it was asked."""
    asked: list[dict[str, str]] = []

    async def forecast(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        daily = {"time": [request.query["start_date"]]}
        low, high = request.query["daily"].split(",")
        return web.json_response({"daily": daily | {low: [-3.1], high: [4.5]}})

    app = web.Application()
    app.router.add_get("/v1/forecast", forecast)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    await runner.cleanup()


async def test_weather(play: Play, open_meteo: tuple[str, list[dict[str, str]]]) -> None:
    url, requests = open_meteo
    scene = await play("weather", WEATHER_API=url)
    card = await scene.reply(await scene.ask("weather"), "")
    (submit,) = [part for part in walk(card.content) if part.get("form_action_type") == "submit"]

    async def filled(**form: str) -> Any:
        value = submit["behaviors"][0]["value"]
        return await scene.click(scene.bob, card, value, name=submit["name"], form_value=form)

    refused = await filled(place="Atlantis", day="2026-01-31 +0800")
    assert refused.toast["type"] == "error"
    assert "place" in refused.toast["content"]
    assert (await filled(place="Shanghai", day="2026-01-31 +0800")).error is None
    await scene.sandbox.world.wait_for(
        lambda m: (
            m.message_id == card.message_id and "-3.1 to 4.5 °C" in json.dumps(m.content, ensure_ascii=False)
        ),
        timeout=20,
    )
    assert "Shanghai, 31.01.2026" in str(card.content)
    (request,) = requests
    assert (request["latitude"], request["end_date"]) == ("31.2", "2026-01-31")


async def test_deploys(play: Play) -> None:
    scene = await play("deploys")
    done = scene.folder / "deployed.txt"
    asked = await scene.ask("deploy web 1.4.2")
    card, value = await scene.approval(asked)
    assert (await scene.click(scene.alice, card, value)).toast["type"] != "success"
    assert not done.exists()
    first, second = await asyncio.gather(*(scene.click(scene.bob, card, value) for _ in range(2)))
    assert "success" in (first.toast["type"], second.toast["type"])
    await scene.reply(asked, "web is at 1.4.2")
    assert done.read_text() == "web 1.4.2\n"


async def test_office(play: Play) -> None:
    async with serving() as model:
        model.script = [
            Reply(calls=[("cupboard_stock", "{}")]),
            Reply(text=["There are 12."], calls=[("cupboard_take", '{"item": "pens", "amount": 2}')]),
            Reply(text=["Two pens are yours."]),
        ]
        scene = await play(
            "office",
            FEISHU_WS__BUTLER_BASE_URL=model.url,
            FEISHU_WS__BUTLER_API_TOKEN="sk-test",
            FEISHU_WS__BUTLER_MODEL="scripted",
        )
        asked = await scene.ask("two pens, please")
        card, value = await scene.approval(asked)
        stock = scene.folder / "stock.json"
        assert '"pens": 12' in stock.read_text()
        assert '"pens\\": 12' in json.dumps(model.requests[1]["messages"]).replace("\\\\", "\\")
        assert (await scene.click(scene.bob, card, value)).toast["type"] == "success"
        await scene.reply(asked, "Two pens are yours.", within=30)
        assert json.loads(stock.read_text())["pens"] == 10


def test_every_example_is_here() -> None:
    """And in the table of the README."""
    table = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
    assert {
        line.split("`")[1].rstrip("/") for line in table.splitlines() if line.startswith("| `")
    } == folders
    assert folders == {"weather", "deploys", "office", "replicas"}, "add a test"
