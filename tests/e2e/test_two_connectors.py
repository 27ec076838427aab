"""The main job: `bot.py` in a process of its own, a Feishu in another, two connectors that answer when spoken to."""

import asyncio
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from processes import BotProcess
from reading import plain

from feishu_sandbox import App, Chat, Message, Sandbox, User

# A bot whose handler of any message never comes to an end.
STUCK = """
import asyncio, nonebot
nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")

@nonebot.on_message(priority=1).handle()
async def stuck():
    print("STUCK", flush=True)
    await asyncio.Event().wait()

nonebot.run()
"""


def connectors(*apps: App, **policy: object) -> str:
    return json.dumps(
        [
            {"name": app.name.lower(), "app_id": app.app_id, "app_secret": app.app_secret, **policy}
            for app in apps
        ]
    )


async def answer(sandbox: Sandbox, app: App, asked: Message) -> Message:
    return await sandbox.world.wait_for(
        lambda message: message.sender is app and message.parent_id == asked.message_id, timeout=15
    )


async def test_two_connectors_answer_and_only_when_addressed(feishu_sandbox: Sandbox, start_bot) -> None:
    world = feishu_sandbox.world
    alice: User = world.add_user("Alice")
    first, second = world.add_app("First"), world.add_app("Second")
    bot = await start_bot(FEISHU_WS__URL=feishu_sandbox.url, FEISHU_WS__CONNECTORS=connectors(first, second))
    for app in (first, second):
        await feishu_sandbox.hub.wait_connected(app, timeout=30)

    for app in (first, second):  # direct chat
        chat = world.direct_chat(alice, app)
        reply = await answer(feishu_sandbox, app, await world.say(alice, chat, "help"))
        assert app.name in plain(reply)
        assert "whoami" in plain(reply)

    group: Chat = world.add_group("Everyone", [alice, first, second])
    ignored = await world.say(alice, group, "help")
    for_first = await world.say(alice, group, "@First help", mentions=[first])
    for_second = await world.say(alice, group, "@Second whoami", mentions=[second])
    assert first.name in plain(await answer(feishu_sandbox, first, for_first))
    assert alice.open_id(second) in plain(await answer(feishu_sandbox, second, for_second))

    # Events of one chat are handled in order: had anybody answered the first message, it would be here by now.
    said = [m for m in world.messages_in(group) if isinstance(m.sender, App)]
    assert sorted((m.parent_id or "") for m in said) == sorted([for_first.message_id, for_second.message_id])
    assert all(m.parent_id != ignored.message_id for m in said)

    assert await bot.stop() == 0
    output = "".join(bot.output)
    assert first.app_secret not in output
    assert second.app_secret not in output
    assert "Traceback" not in output


async def test_a_bad_secret_disturbs_nobody(feishu_sandbox: Sandbox, start_bot) -> None:
    world = feishu_sandbox.world
    alice = world.add_user("Alice")
    good, bad = world.add_app("Good"), world.add_app("Bad")
    declared = json.loads(connectors(bad, good))
    declared[0]["app_secret"] = "not-the-secret"
    bot = await start_bot(FEISHU_WS__URL=feishu_sandbox.url, FEISHU_WS__CONNECTORS=json.dumps(declared))
    await feishu_sandbox.hub.wait_connected(good, timeout=30)
    asked = await world.say(alice, world.direct_chat(alice, good), "status")
    assert "已连接" in plain(await answer(feishu_sandbox, good, asked))
    await bot.line("blocked")
    assert await bot.stop() == 0
    assert "not-the-secret" not in "".join(bot.output)


class Stuck:
    """A bot on a database of its own, with a handler that has begun with a message and will not come to an end."""

    def __init__(self, sandbox: Sandbox, start_bot: Any, path: Path) -> None:
        self.sandbox, self._start_bot = sandbox, start_bot
        self.app = sandbox.world.add_app("Butler")
        self.database, self._script = path / "bot.sqlite3", path / "stuck.py"
        self._script.write_text(STUCK)
        self._settings = {
            "FEISHU_WS__URL": sandbox.url,
            "FEISHU_WS__CONNECTORS": connectors(self.app),
            "FEISHU_WS__DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
        }

    async def begin(self) -> BotProcess:
        bot = await self._start_bot(self._script, **self._settings)
        await self.sandbox.hub.wait_connected(self.app, timeout=30)
        world = self.sandbox.world
        alice = world.add_user("Alice")
        self.asked = await world.say(alice, world.direct_chat(alice, self.app), "help")
        await bot.line("STUCK")
        return bot

    async def answered_after_restart(self) -> None:
        await self._start_bot(**self._settings)
        assert "whoami" in plain(await answer(self.sandbox, self.app, self.asked))


@pytest.fixture
def stuck(feishu_sandbox: Sandbox, start_bot, tmp_path: Path) -> Stuck:
    return Stuck(feishu_sandbox, start_bot, tmp_path)


async def test_what_was_acked_survives_a_kill(stuck: Stuck) -> None:
    """A message taken in while nothing could be answered is answered after the process was killed and started again."""
    bot = await stuck.begin()
    await bot.kill()
    await stuck.answered_after_restart()


async def test_a_handler_that_goes_on_does_not_keep_the_bot_from_stopping(stuck: Stuck) -> None:
    """SIGTERM ends the process in ten seconds; the message is given back, and handled after the next start."""
    bot = await stuck.begin()
    async with asyncio.timeout(20):
        assert await bot.stop() == 0
    assert "ignore their cancellation" not in "".join(bot.output)
    with contextlib.closing(sqlite3.connect(stuck.database)) as database:
        told = database.execute("SELECT state, done_at, error FROM feishu_ws_event").fetchall()
        assert told == [("received", None, None)]
        assert database.execute("SELECT count(*) FROM feishu_ws_worker").fetchone() == (0,)
    await stuck.answered_after_restart()
