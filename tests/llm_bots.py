"""Bots with a model, in processes of their own on one database; the model's server is a script of the test's."""

import json
from pathlib import Path
from typing import Any

from model_server import ModelServer
from processes import BotProcess
from reading import plain
from sqlmodel import select

from feishu_sandbox import Message, Sandbox, User
from nonebot_plugin_feishu_ws.storage import Database


class LlmBots:
    """One app in a group; whoever wants a bot of it starts one.

    Args:
        sandbox: The platform.
        server: The model's.
        url: Of the database.
        script: Of the bot.
        start_bot: The fixture of that name.
    """

    def __init__(self, sandbox: Sandbox, server: ModelServer, url: str, script: Path, start_bot: Any) -> None:
        self.hub, self.world, self.server = sandbox.hub, sandbox.world, server
        self.app = self.world.add_app("Butler")
        self.alice, self.bob = self.world.add_user("Alice"), self.world.add_user("Bob")
        self.chat = self.world.add_group("Everyone", [self.alice, self.bob, self.app])
        self._sandbox, self._url, self._script, self._start_bot = sandbox, url, script, start_bot

    async def start(self, **more: str) -> BotProcess:
        """A bot, once it is connected."""
        connector = {"name": "butler", "app_id": self.app.app_id, "app_secret": self.app.app_secret}
        settings = {
            "URL": self._sandbox.url,
            "DATABASE_URL": self._url,
            "LOCALE": "en_US",
            "CONNECTORS": json.dumps([connector]),
            "BUTLER": "llm",
            "BUTLER_BASE_URL": self.server.url,
            "BUTLER_API_TOKEN": "sk-test",
            "BUTLER_MODEL": "scripted",
            **more,
        }
        names = {
            name if name == name.lower() else f"FEISHU_WS__{name}": value for name, value in settings.items()
        }
        bot = await self._start_bot(self._script, **names)
        await bot.line("butler: connected")
        return bot

    async def ask(self, text: str, user: User | None = None) -> Message:
        """Somebody says something to the bot."""
        return await self.world.say(user or self.alice, self.chat, text, mentions=[self.app])

    async def says(self, asked: Message, words: str, within: float = 30) -> Message:
        """An answer to a message, once it says something."""
        return await self.world.wait_for(
            lambda m: m.sender is self.app and m.parent_id == asked.message_id and words in text_of(m),
            timeout=within,
        )

    async def ended(self, asked: Message, words: str, within: float = 30) -> Message:
        """The same, once it cannot be stopped any more."""
        return await self.world.wait_for(
            lambda m: (
                m.sender is self.app
                and m.parent_id == asked.message_id
                and words in text_of(m)
                and stop_of(m) is None
            ),
            timeout=within,
        )

    def answers(self, *asked: Message) -> list[Message]:
        """Everything that was said in answer to these."""
        ids = {message.message_id for message in asked}
        return [m for m in self.world.messages.values() if m.sender is self.app and m.parent_id in ids]

    async def rows(self, table: Any) -> list[Any]:
        """All of a table."""
        database = Database(self._url)
        try:
            async with database.session() as session:
                return list((await session.exec(select(table))).all())
        finally:
            await database.close()


def text_of(message: Message) -> str:
    """What a message says, cards too."""
    return json.dumps(message.content) if message.msg_type == "interactive" else plain(message)


def stop_of(message: Message) -> dict[str, Any] | None:
    """What the stop button of an answer's card carries, as long as it is there."""

    def found(part: Any) -> dict[str, Any] | None:
        if isinstance(part, dict):
            if part.get("action") == "feishu_stop":
                return part
            part = list(part.values())
        inner = part if isinstance(part, list) else []
        return next(filter(None, map(found, inner)), None)

    return found(message.content)
