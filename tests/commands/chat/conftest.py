"""People who talk to a bot about connectors: a superuser, an owner, somebody else, another bot, an anonymous member."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from nonebot.matcher import Matcher, matchers
from pydantic import SecretStr
from reading import plain, walk

from feishu_sandbox import App, Chat, Message, Sandbox, User

OURS = "nonebot_plugin_feishu_ws.commands.matchers"


def ours() -> list[tuple[int, type[Matcher]]]:
    return [(n, one) for n, level in matchers.items() for one in level if one.module_name == OURS]


class Town:
    """A running bot (the connector `desk`), and who writes to it."""

    def __init__(self, bot: Any, app: App, sandbox: Sandbox, close: Callable[[], Awaitable[None]]) -> None:
        self.bot = bot
        self.close = close
        self.app = app
        self.sandbox = sandbox
        self.world = sandbox.world
        self.root = self.world.add_user("Root")
        self.owner = self.world.add_user("Olga")
        self.other = self.world.add_user("Root")  # the same display name
        self.robot = self.world.add_app("Robot", include_bots=True)
        self.group = self.world.add_group("Everyone", [self.root, self.owner, self.other, app, self.robot])

    @property
    def service(self) -> Any:
        return self.bot.service

    def direct(self, user: User) -> Chat:
        return self.world.direct_chat(user, self.app)

    async def ask(self, user: User, text: str, chat: Chat | None = None, **how: Any) -> Message:
        """Somebody writes: to the bot directly, or in the group, mentioning it."""
        if chat is not None and "mentions" not in how:
            how["mentions"] = [self.app]
        return await self.world.say(user, chat or self.direct(user), text, **how)

    async def answer(self, asked: Message) -> Message:
        return await self.world.wait_for(
            lambda message: message.sender is self.app and message.parent_id == asked.message_id, timeout=10
        )

    async def told(self, user: User, text: str, chat: Chat | None = None, **how: Any) -> str:
        """What somebody reads after they wrote."""
        return read(await self.answer(await self.ask(user, text, chat, **how)))

    async def click(self, user: User, card: Message, label: str, **form: str) -> Any:
        """Press the button of that label."""
        (button,) = [one for one in buttons(card.content) if one["text"]["content"] == label]
        action = {"tag": "button", "value": button["behaviors"][0]["value"]}
        if form:
            action |= {"name": button["name"], "form_value": form}
        return await self.world.click(user, card.message_id, action)

    async def card(self, user: User, line: str) -> Message:
        """Ask for a card."""
        return await self.answer(await self.ask(user, line))

    async def form(self, user: User) -> Message:
        """The form that was sent to somebody."""
        return await self.world.wait_for(
            lambda message: (
                message.chat is self.direct(user)
                and message.sender is self.app
                and any(one.get("tag") == "form" for one in walk(message.content))
            ),
            timeout=10,
        )

    async def shows(self, card: Message, text: str) -> None:
        """Wait until a card shows a text."""
        await self.world.wait_for(
            lambda message: message.message_id == card.message_id and text in read(message), timeout=10
        )

    def buttons(self, card: Message) -> list[dict[str, Any]]:
        return buttons(card.content)

    def read(self, message: Message) -> str:
        return read(message)

    async def denials(self) -> list[Any]:
        await self.bot.runtime.management.logbook.flush()
        page = await self.bot.runtime.management.logbook.read(limit=500)
        return [entry for entry in reversed(page.entries) if entry.action == "command_denied"]

    async def settled(self) -> None:
        """Everything said so far has been dealt with."""
        await self.bot.runtime.drained()


def buttons(card: Any) -> list[dict[str, Any]]:
    return [one for one in walk(card) if one.get("tag") == "button"]


def read(message: Message) -> str:
    """The words of a message, of a card too."""
    if message.msg_type != "interactive":
        return plain(message)
    return "\n".join(str(one["content"]) for one in walk(message.content) if one.get("tag") == "plain_text")


@pytest.fixture
async def town(
    launch: Any, feishu_sandbox: Sandbox, sqlite_url: str, superusers: set[str]
) -> AsyncIterator[Town]:
    """A bot with the commands of its own runtime; those of the plugin that was loaded are set aside."""
    from nonebot_plugin_feishu_ws.commands import install
    from nonebot_plugin_feishu_ws.config import Settings

    aside = ours()
    for priority, matcher in aside:
        matchers[priority].remove(matcher)
    bot = await launch(feishu_sandbox, sqlite_url)
    close = install(bot.runtime.management, Settings(locale="en_US"))
    app = await bot.add("desk", ignore_bot_messages=False)
    app.include_bots = True
    await bot.state(app, "connected")
    town = Town(bot, app, feishu_sandbox, close)
    superusers.add(town.root.open_id(app))
    yield town
    await close()
    await town.settled()
    for _, matcher in ours():
        matcher.destroy()
    for priority, matcher in aside:
        matchers[priority].append(matcher)


@pytest.fixture
def owned(town: Town) -> Callable[..., Awaitable[App]]:
    """Adds a connector that belongs to somebody."""

    async def add(name: str, owner: User, **fields: Any) -> App:
        app = town.world.add_app(name)
        secret = SecretStr(app.app_secret)
        values = {"name": name, "app_id": app.app_id, "app_secret": secret, "owner": owner.open_id(town.app)}
        await town.service.create(town.bot.root, {**values, **fields})
        return app

    return add
