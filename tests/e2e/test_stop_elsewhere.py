"""Two replicas on PostgreSQL: one writes an answer, the other one is told to stop it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from llm_bots import LlmBots, stop_of
from model_server import ModelServer, Reply, serving

from feishu_sandbox import Message, Sandbox
from nonebot_plugin_feishu_ws.storage import TurnRow

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
SOON = 5.0  # seconds: what takes one, on a busy machine


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with serving() as server:
        yield server


@pytest.fixture
def here(feishu_sandbox: Sandbox, server: ModelServer, postgres: Any, start_bot: Any) -> LlmBots:
    return LlmBots(feishu_sandbox, server, postgres.create_database(), ROOT / "bot.py", start_bot)


@contextmanager
def heard_by(here: LlmBots, number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Feishu picks one connection of an app at random; here it is that of the first bot, or of the second."""
    connection = here.hub.opened(here.app)[number]
    with monkeypatch.context() as patch:
        patch.setattr(here.hub, "online", lambda _: [connection])
        yield


async def writes(here: LlmBots, text: str, gate: asyncio.Event) -> tuple[Message, Message]:
    """A question, and the card on which its answer is written until the gate opens."""
    here.server.script = [Reply(text=["Once upon", " a time."], gate=gate)]
    asked = await here.ask(text)
    card = await here.says(asked, "Once upon")
    async with asyncio.timeout(20):
        while not await here.rows(TurnRow):
            pass
    return asked, card


async def test_stop_new_and_the_button_reach_the_other_process(
    here: LlmBots, monkeypatch: pytest.MonkeyPatch
) -> None:
    bots = [await here.start()]
    bots.append(await here.start())
    one, other = (lambda number=number: heard_by(here, number, monkeypatch) for number in (0, 1))
    gates = [asyncio.Event() for _ in range(4)]

    with one():
        asked, _ = await writes(here, "tell me", gates[0])
    with other():
        told = time.monotonic()
        await here.says(await here.ask("stop", here.bob), "Stopped (1)")
        stopped = await here.ended(asked, "Once upon")
        assert time.monotonic() - told < SOON
        assert "a time" not in str(stopped.content)
        await here.says(await here.ask("stop"), "Nothing is running here")

    with one():  # an old stop does not count for it
        asked, _ = await writes(here, "tell me again", gates[1])
        gates[1].set()
        await here.ended(asked, "Once upon a time.")
        asked, card = await writes(here, "once more", gates[2])
    button = {"tag": "button", "value": stop_of(card)}
    with other():
        told = time.monotonic()
        clicked = await here.world.click(here.bob, card.message_id, button)
        assert clicked.toast["content"] == "Stopping"
        await here.ended(asked, "Once upon")
        assert time.monotonic() - told < SOON
        clicked = await here.world.click(here.bob, card.message_id, button)
        assert clicked.toast["content"] == "That answer has ended"
    with one():
        asked, _ = await writes(here, "my name is Alice", gates[3])
    with other():  # what is stopped must not be remembered afterwards
        await here.says(await here.ask("new"), "start afresh")
        await here.ended(asked, "Once upon")
        here.server.script = [Reply(text=["I do not know."])]
        await here.ended(await here.ask("who am I?"), "I do not know.")
    assert "my name is" not in str(here.server.requests[-1])
    for gate in gates:
        gate.set()
    assert [await bot.stop() for bot in bots] == [0, 0]
    assert await here.rows(TurnRow) == []
