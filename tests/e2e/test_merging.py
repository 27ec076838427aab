"""A bot that answers several messages in one turn, killed at every step of that: each is answered, and none twice."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from llm_bots import LlmBots
from model_server import ModelServer, Reply, serving

from feishu_sandbox import Message, Sandbox
from nonebot_plugin_feishu_ws.storage import EventRow, EventState, MergedRow, RunRow

pytestmark = pytest.mark.long

SCRIPT = """
import os, signal
from pathlib import Path

import nonebot
nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot_plugin_feishu_ws import running
from nonebot_plugin_feishu_ws.butler.llm.merges import Merges
from nonebot_plugin_feishu_ws.butler.llm.runs import Runs

SEAM, ARMED = os.environ.get("seam", ""), Path("armed")

def passes(seam):
    if seam == SEAM and ARMED.exists():
        ARMED.unlink()
        print(f"KILLED AT {seam}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

def seams(owner, name):
    original = getattr(owner, name)
    async def wrapped(*args, **kwargs):
        passes("before " + name)
        result = await original(*args, **kwargs)
        passes("after " + name)
        return result
    setattr(owner, name, wrapped)

running._lease._beat_every = 0.3  # a dead process is noticed after five times that
seams(Merges, "commit")
seams(Runs, "put")

nonebot.run()
"""


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with serving() as server:
        yield server


@pytest.fixture
def bots(
    feishu_sandbox: Sandbox, server: ModelServer, tmp_path: Path, start_bot: Any
) -> Callable[[str], LlmBots]:
    script = tmp_path / "bot.py"
    script.write_text(SCRIPT)
    return lambda url: LlmBots(feishu_sandbox, server, url, script, start_bot)


async def _settled(here: LlmBots, asked: list[Message]) -> None:
    """Another question is answered behind them: nothing more is said to the others. All is written."""
    again = await here.ask("ping", here.bob)
    await here.ended(again, "Pong.")
    assert len(here.answers(*asked)) == 1
    mine = {asked.message_id for asked in asked}
    while any(row.state != EventState.DONE for row in await here.rows(EventRow) if row.message_id in mine):
        pass


@pytest.mark.parametrize(
    ("database", "seams", "requests"),
    [("sqlite_url", ["before commit", "before put"], 2), ("postgres", ["after commit", "after put"], 1)],
    ids=["before", "after"],
)
async def test_killed_and_answered_once(
    bots: Callable[[str], LlmBots],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database: str,
    seams: list[str],
    requests: int,
) -> None:
    """faults.md 29, 31: killed where messages are merged, and again where the model has answered."""
    source = request.getfixturevalue(database)
    here = bots(source if isinstance(source, str) else source.create_database())
    here.server.script = [*[Reply(text=["It is ", "sunny."])] * requests, Reply(text=["Pong."])]
    asked: list[Message] = []
    for seam in seams:
        (tmp_path / "armed").touch()
        bot = await here.start(BUTLER_MERGE="1", seam=seam)
        asked = asked or [await here.ask(text) for text in ("how is", "the weather", "today?")]
        await bot.line(f"KILLED AT {seam}")
        await bot.kill()
    await here.start(BUTLER_MERGE="1")
    await here.ended(asked[-1], "It is sunny.")
    await _settled(here, asked)
    assert len(here.server.requests) == requests + 1
    question = here.server.requests[requests - 1]["messages"][-1]["content"]
    assert json.dumps("how is\nthe weather\ntoday?")[1:-1] in json.dumps(question)
    events = {row.message_id: row.event_id for row in await here.rows(EventRow)}
    last = events[asked[-1].message_id]
    assert {row.event_id: row.turn for row in await here.rows(MergedRow)} == {
        events[message.message_id]: last for message in asked[:-1]
    }
    assert last in {row.event_id for row in await here.rows(RunRow)}
