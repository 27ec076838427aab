"""A bot with a model, in a process of its own, killed at every step of an answer that waits for a person.

What the tool did is in a file that no bot can take back; what the model was asked is with its server.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_server import ModelServer, Reply
from office import is_stream
from processes import BotProcess
from reading import read, values

from feishu_sandbox import Message, Sandbox

pytestmark = pytest.mark.long

SCRIPT = """
import os, signal
from pathlib import Path

import nonebot
nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot_plugin_feishu_ws import butler
from nonebot_plugin_feishu_ws.butler.approvals import Asking
from nonebot_plugin_feishu_ws.butler.llm.runs import Runs
from nonebot_plugin_feishu_ws.cards import StreamingCard

SEAM, ARMED, LEDGER = os.environ.get("SEAM", ""), Path("armed"), Path("ledger")

def passes(seam):
    if seam == SEAM and ARMED.exists():
        ARMED.unlink()
        print(f"KILLED AT {seam}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

def seam(owner, name, of):
    original = getattr(owner, name)
    async def wrapped(*args, **kwargs):
        result = await original(*args, **kwargs)
        passes(of(*args, **kwargs))
        return result
    setattr(owner, name, wrapped)

seam(Runs, "put", lambda self, turn, stage, state, **_: f"{state.value} {stage}")
seam(Runs, "claim", lambda *_: "claimed")
seam(Asking, "ask", lambda *_, **__: "asked")
seam(StreamingCard, "close", lambda card, *_, **__: "closed" if "It runs" in card._text else "")

@butler.tool(requires_approval=True)
async def deploy(service: str) -> str:
    with LEDGER.open("a") as ledger:
        ledger.write(service + "\\n")
        ledger.flush()
        os.fsync(ledger.fileno())
    return service + " runs"

nonebot.run()
"""


class Scene:
    """One app; Alice asks, Bob approves; the model's script is set by the test."""

    def __init__(self, sandbox: Sandbox, server: ModelServer, path: Path, start_bot: Any, url: str) -> None:
        self.sandbox, self.server, self.path = sandbox, server, path
        self.world = sandbox.world
        self.app = self.world.add_app("Butler")
        self.alice, self.bob = self.world.add_user("Alice"), self.world.add_user("Bob")
        self.chat = self.world.add_group("Everyone", [self.alice, self.bob, self.app])
        self._start_bot, self._url = start_bot, url

    async def start(self, **more: str) -> BotProcess:
        connector = {
            "name": "butler",
            "app_id": self.app.app_id,
            "app_secret": self.app.app_secret,
            "approvers": [self.bob.open_id(self.app)],
        }
        settings = {
            "FEISHU_WS__URL": self.sandbox.url,
            "FEISHU_WS__LOCALE": "en_US",
            "FEISHU_WS__CONNECTORS": json.dumps([connector]),
            "FEISHU_WS__BUTLER": "llm",
            "FEISHU_WS__BUTLER_BASE_URL": self.server.url,
            "FEISHU_WS__BUTLER_API_TOKEN": "sk-test",
            "FEISHU_WS__BUTLER_MODEL": "scripted",
            "FEISHU_WS__BUTLER_LIMITS": '{"seconds": 60}',
        }
        if self._url:
            settings["FEISHU_WS__DATABASE_URL"] = self._url
        bot = await self._start_bot(self.path / "bot.py", **settings, **more)
        await bot.line("butler: connected")
        return bot

    def arm(self) -> None:
        (self.path / "armed").touch()

    def ledger(self) -> list[str]:
        file = self.path / "ledger"
        return file.read_text().split() if file.exists() else []

    async def ask(self, text: str = "deploy web") -> Message:
        return await self.world.say(self.alice, self.chat, text, mentions=[self.app])

    async def sees(self, asked: Message, words: str, within: float = 30) -> Message:
        """An answer's card that has ended and says something."""
        return await self.world.wait_for(
            lambda m: (
                m.parent_id == asked.message_id
                and is_stream(m)
                and words in read(m)
                and "feishu_stop" not in json.dumps(m.content)
            ),
            timeout=within,
        )

    async def approval(self, asked: Message) -> tuple[Message, dict[str, Any]]:
        card = await self.world.wait_for(
            lambda m: m.parent_id == asked.message_id and any("nonce" in value for value in values(m)),
            timeout=30,
        )
        return card, next(value for value in values(card) if value["approved"])

    async def approve(self, card: Message, button: dict[str, Any]) -> Any:
        return await self.world.click(self.bob, card.message_id, {"tag": "button", "value": button})

    def said(self, asked: Message, words: str) -> list[Message]:
        return [
            m for m in self.world.messages.values() if m.parent_id == asked.message_id and words in read(m)
        ]


Play = Callable[..., Scene]


@pytest.fixture
def play(feishu_sandbox: Sandbox, server: ModelServer, tmp_path: Path, start_bot: Any) -> Play:
    (tmp_path / "bot.py").write_text(SCRIPT)
    return lambda url="": Scene(feishu_sandbox, server, tmp_path, start_bot, url)


CALL = Reply(text=["I will."], calls=[("deploy", '{"service": "web"}')])
DONE = Reply(text=["It ", "runs."])


async def _until_killed(bot: BotProcess, seam: str) -> None:
    await bot.line(f"KILLED AT {seam}")
    await bot.kill()


async def test_restarted_between_question_and_click(play: Play) -> None:
    """faults.md 43: the run waits in the database, and goes on in another process."""
    here = play()
    here.server.script = [CALL, DONE]
    first = await here.start()
    asked = await here.ask()
    card, button = await here.approval(asked)
    await here.sees(asked, "waiting for approval")
    await first.kill()
    second = await here.start()
    assert (await here.approve(card, button)).toast["type"] == "success"
    await here.sees(asked, "It runs.")
    assert here.ledger() == ["web"]
    assert len(here.server.requests) == 2
    assert "web runs" in here.server.requests[1]["messages"][-1]["content"]
    assert await second.stop() == 0


@pytest.mark.parametrize("seam", ["asking 0", "asked", "waiting 0"])
async def test_killed_while_it_asks(play: Play, seam: str) -> None:
    """faults.md, pydantic-ai: from the moment calls are stored the model is not asked again, nor is anybody else."""
    here = play()
    here.server.script = [CALL, DONE]
    first = await here.start(SEAM=seam)
    here.arm()
    asked = await here.ask()
    await _until_killed(first, seam)
    await here.start()
    card, button = await here.approval(asked)
    await here.sees(asked, "waiting for approval")
    await here.approve(card, button)
    await here.sees(asked, "It runs.")
    assert len(here.server.requests) == 2
    assert here.ledger() == ["web"]
    questions = [m for m in here.said(asked, "deploy") if "header" in m.content]
    assert len(questions) == 1


@pytest.mark.parametrize("seam", ["claimed", "answered 1", "closed"])
async def test_killed_while_it_goes_on(play: Play, seam: str) -> None:
    """The next process takes the run over: one card, one answer, and the tool ran once."""
    here = play()
    here.server.script = [CALL, DONE, DONE]
    first = await here.start(SEAM=seam)
    asked = await here.ask()
    card, button = await here.approval(asked)
    await here.sees(asked, "waiting for approval")
    here.arm()
    await here.approve(card, button)
    await _until_killed(first, seam)
    await here.start()
    await here.sees(asked, "It runs.")
    await _settled(here, asked)
    assert len(here.said(asked, "It runs.")) == 1
    assert here.ledger() == ["web"]
    assert len(here.server.requests) == 2


async def test_killed_once_the_answer_is_known(play: Play) -> None:
    """The event comes again: the answer that was stored is shown on the card that was begun; no model is asked."""
    here = play()
    here.server.script = [DONE]
    first = await here.start(SEAM="answered 0")
    here.arm()
    asked = await here.ask("hello")
    await _until_killed(first, "answered 0")
    await here.start()
    await here.sees(asked, "It runs.")
    await _settled(here, asked)
    assert len(here.said(asked, "It runs.")) == 1
    assert len(here.server.requests) == 1


@pytest.mark.parametrize("how", ["kill", "stop"])
async def test_ended_in_the_middle_of_an_answer(play: Play, how: str) -> None:
    """The message is answered anew by the next process, on the card that was begun."""
    here = play()
    gate = asyncio.Event()
    here.server.script = [Reply(text=["Once upon", " a time"], gate=gate), DONE]
    first = await here.start()
    asked = await here.ask("tell me")
    begun = await here.world.wait_for(lambda m: m.parent_id == asked.message_id and "Once upon" in read(m))
    if how == "kill":
        await first.kill()
    else:
        assert await first.stop() == 0
    gate.set()
    await here.start()
    ended = await here.sees(asked, "It runs.")
    assert ended.message_id == begun.message_id
    assert "Once" not in read(ended)
    assert len(here.said(asked, "")) == 1


async def test_a_replica_goes_on(play: Play, postgres: Any) -> None:
    """Two replicas: one is killed while it goes on; the other takes over, and they never both answer."""
    here = play(postgres.create_database())
    here.server.script = [CALL, DONE, DONE]
    bots = [await here.start(SEAM="claimed"), await here.start(SEAM="claimed")]
    asked = await here.ask()
    card, button = await here.approval(asked)
    await here.sees(asked, "waiting for approval")
    here.arm()
    await here.approve(card, button)
    ends = [asyncio.create_task(bot.process.wait()) for bot in bots]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    await here.sees(asked, "It runs.", within=40)
    assert [end.done() for end in ends].count(True) == 1
    assert len(here.said(asked, "It runs.")) == 1
    assert here.ledger() == ["web"]
    assert len(here.server.requests) == 2
    for end in ends:
        end.cancel()


async def _settled(here: Scene, asked: Message) -> None:
    """Another question is answered behind it, in the same conversation: nothing more is said to the first."""
    here.server.script = [Reply(text=["Pong."])]
    before = len(here.server.requests)
    again = await here.ask("ping")
    await here.sees(again, "Pong.")
    del here.server.requests[before:]
    assert asked.message_id != again.message_id
