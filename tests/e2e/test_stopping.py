"""A bot is told to stop: it does, in time, whatever it is doing, and leaves nothing undone that is not done later."""

import asyncio
import json
import re
import signal
import socket
import sqlite3
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from feishu_sandbox import ApiFault, App, Chat, Sandbox, User

pytestmark = pytest.mark.long

PLUGIN = """
import asyncio, ctypes, os, time
from nonebot import on_message
from nonebot.adapters import Event

locked = ctypes.CDLL(None).pthread_mutex_lock
mutex = ctypes.create_string_buffer(64)
talk = on_message(priority=0, block=True)


def note(what, text):
    with open("ledger", "a") as ledger:
        ledger.write(f"{what} {text}\\n")
    print(f"{what} {text}", flush=True)


@talk.handle()
async def work(event: Event):
    text = event.get_plaintext()
    note("begin", text)
    if text == "takes 1 s":
        await asyncio.sleep(1)
    elif text == "endless" and "FINISH" not in os.environ:
        await asyncio.Event().wait()
    elif text == "stubborn":
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass
    elif text == "sleeps":
        blocked_by_sleep()
    elif text == "in C":
        blocked_in_c()
    note("end", text)


def blocked_by_sleep():
    time.sleep(3600)


def blocked_in_c():
    locked(mutex)
    locked(mutex)  # no signal gets through to Python any more
"""

SCRIPT = """
import nonebot
nonebot.init()
assert nonebot.load_plugin("nonebot_plugin_feishu_ws")
assert nonebot.load_plugin("talk")
nonebot.run()
"""


def free_port() -> int:
    """NoneBot has no "any": one that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class House:
    """A bot process, its platform, and what its handlers wrote down."""

    sandbox: Sandbox
    app: App
    alice: User
    where: Path
    start_bot: Any

    async def start(self, **settings: str) -> Any:
        connector = {"name": "butler", "app_id": self.app.app_id, "app_secret": self.app.app_secret}
        bot = await self.start_bot(
            self.where / "main.py",
            FEISHU_WS__URL=self.sandbox.url,
            FEISHU_WS__CONNECTORS=json.dumps([connector]),
            FEISHU_WS__BUTLER="off",
            FEISHU_WS__DATABASE_URL=f"sqlite+aiosqlite:///{self.where}/feishu.sqlite3",
            HOST="127.0.0.1",
            PORT=str(free_port()),
            LOG_LEVEL="INFO",
            **settings,
        )
        await bot.line("butler: connected")
        return bot

    def chat(self, user: User | None = None) -> Chat:
        return self.sandbox.world.direct_chat(user or self.alice, self.app)

    async def say(self, text: str, chat: Chat | None = None) -> None:
        """Said, and acked."""
        await self.sandbox.world.say(self.alice, chat or self.chat(), text)
        event_id = self.sandbox.hub.deliveries[-1].envelope["header"]["event_id"]
        await self.sandbox.hub.wait_ack(event_id, timeout=20)

    def ledger(self) -> Counter[str]:
        return Counter((self.where / "ledger").read_text().splitlines())


@pytest.fixture
async def house(feishu_sandbox: Sandbox, tmp_path: Path, start_bot: Any) -> House:
    (tmp_path / "main.py").write_text(SCRIPT)
    (tmp_path / "talk.py").write_text(PLUGIN)
    (tmp_path / "ledger").touch()
    world = feishu_sandbox.world
    return House(feishu_sandbox, world.add_app("Butler"), world.add_user("Alice"), tmp_path, start_bot)


async def ended(bot: Any, within: float) -> int:
    async with asyncio.timeout(within):
        code = await bot.process.wait()
    await bot._reader
    return code


def told_to(code: int, number: int) -> bool:
    """The exit code of a stop that went well; Uvicorn lets the signal kill it in the end."""
    return code in (0, -number)


@pytest.mark.parametrize("driver", ["~none", "~fastapi"])
async def test_what_runs_may_finish_and_the_rest_is_done_after_the_next_start(house, driver) -> None:
    """faults.md 30, and 29: each is handled to its end once."""
    bot = await house.start(DRIVER=driver)
    await house.say("endless")
    await house.say("takes 1 s")
    await bot.line("begin takes 1 s")
    bot.process.terminate()
    assert told_to(await ended(bot, 10), signal.SIGTERM)
    assert house.ledger() == Counter(["begin endless", "begin takes 1 s", "end takes 1 s"])
    bot = await house.start(DRIVER=driver, FINISH="1")
    await bot.line("end endless")
    assert house.ledger()["end takes 1 s"] == house.ledger()["end endless"] == 1
    assert told_to(await bot.stop(), signal.SIGTERM)


@pytest.mark.parametrize(
    ("driver", "text", "number"),
    [
        ("~none", "stubborn", signal.SIGTERM),
        ("~none", "in C", signal.SIGINT),
        ("~fastapi", "stubborn", signal.SIGTERM),
        ("~fastapi", "sleeps", signal.SIGINT),
        ("~none+~aiohttp", "endless", signal.SIGTERM),
    ],
)
async def test_a_second_signal_ends_it_at_once(house, driver, text, number) -> None:
    """faults.md 30: whatever the driver makes of it."""
    bot = await house.start(DRIVER=driver)
    await house.say(text)
    await bot.line(f"begin {text}")
    bot.process.send_signal(number)
    if text in ("stubborn", "endless"):
        await bot.line("butler: disconnected")  # it is stopping, and waits for its handler
    else:
        await asyncio.sleep(0.2)  # it hears nothing; two signals at once are one
    bot.process.send_signal(number)
    assert await ended(bot, 2) == 128 + number


@pytest.mark.parametrize(("text", "culprit"), [("stubborn", None), ("in C", "blocked_in_c")])
async def test_nothing_holds_it_for_longer_than_10_s(house, text, culprit) -> None:
    """faults.md 30: a handler that ignores its cancellation (asyncio waits for it), and one that blocks the loop."""
    bot = await house.start(DRIVER="~none")
    await house.say(text)
    await bot.line(f"begin {text}")
    bot.process.terminate()
    assert await ended(bot, 10) == 1
    stacks = "".join(bot.output).partition("Timeout (")[2]
    assert "most recent call first" in stacks
    if culprit is not None:
        assert re.search(rf"File .*talk.py.* in {culprit}", stacks)


async def test_a_database_that_is_away_does_not_hold_it(house) -> None:
    """faults.md 22, 30: what has ended cannot be written, what has not cannot be given back."""
    bot = await house.start(DRIVER="~none")
    await house.say("endless")
    await bot.line("begin endless")
    other = sqlite3.connect(house.where / "feishu.sqlite3", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        bot.process.terminate()
        assert await ended(bot, 10) in (0, 1)
    finally:
        other.close()
    bot = await house.start(DRIVER="~none", FINISH="1")
    await bot.line("end endless")
    assert house.ledger()["end endless"] == 1


async def test_a_thousand_that_wait_are_handed_on(house) -> None:
    """faults.md 30: stored and acked, but not handed out; the next start handles each of them, once and in order."""
    fault = house.sandbox.faults.add(ApiFault(path=".*/bot/v3/info", code=99991400, app_id=house.app.app_id))
    bot = await house.start(DRIVER="~none")
    world = house.sandbox.world
    chats = [house.chat(world.add_user(f"user {n}")) for n in range(10)]
    said = [f"{n}" for n in range(1000)]
    await asyncio.gather(*(house.say(text, chats[n % 10]) for n, text in enumerate(said)))
    bot.process.terminate()
    assert await ended(bot, 10) == 0
    assert house.ledger() == Counter()
    house.sandbox.faults.remove(fault)
    bot = await house.start(DRIVER="~none")
    await house.say("the last")
    async with asyncio.timeout(40):
        while house.ledger().total() < 2002:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.2)
    lines = (house.where / "ledger").read_text().splitlines()
    assert Counter(lines) == Counter(
        f"{what} {text}" for what in ("begin", "end") for text in [*said, "the last"]
    )
    begun = [int(line.split()[1]) for line in lines if line.startswith("begin") and "last" not in line]
    for n in range(10):
        assert [number for number in begun if number % 10 == n] == list(range(n, 1000, 10))
    assert await bot.stop() == 0
