"""One bot for each kind of database, in a process of its own, with two connectors: a long connection and a webhook."""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from managed import settings_for
from processes import BotProcess
from pydantic import SecretStr
from reading import plain

from feishu_sandbox import App, Chat, Delivery, Message, Rules, Sandbox, User

SCRIPT = Path(__file__).with_name("bot.py")
KEY = "Yk1zb2xzdG9yZWRrZXlmb3J0ZXN0c29mYmxhY2tib3g="
PATIENCE = 30.0  # seconds: the machine may be busy
RULES = Rules(push_again_after=(0.5,) * 20 + (2.0,) * 10, challenge_timeout=PATIENCE)


@dataclass
class House:
    """A database, a company, and the bot between them; whatever a test does to the bot, it leaves one running."""

    kind: str
    url: str
    where: Path
    sandbox: Sandbox
    management: Any
    root: Any
    alice: User
    bob: User
    bots: list[BotProcess] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    apps: dict[str, App] = field(default_factory=dict)

    async def start(self) -> BotProcess:
        """One more bot on the database."""
        self.ports.append(free_port())
        self.bots.append(await self._run(self.ports[-1]))
        return self.bots[-1]

    async def again(self, bot: BotProcess | None = None) -> None:
        """A bot is gone, by default the first; another one is at its address."""
        index = self.bots.index(bot) if bot else 0
        self.bots[index] = await self._run(self.ports[index])

    async def _run(self, port: int) -> BotProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(SCRIPT),
            cwd=self.where,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.where),
                "DRIVER": "~fastapi",
                "HOST": "127.0.0.1",
                "PORT": str(port),
                "FEISHU_WS__URL": self.sandbox.url,
                "FEISHU_WS__DATABASE_URL": self.url,
                "FEISHU_WS__SECRET_KEY": KEY,
                "FEISHU_WS__LOCALE": "en_US",
                "FEISHU_WS__CONSOLE": "false",
                "LOG_LEVEL": "DEBUG",
                **{name: value for name, value in os.environ.items() if name == "TEST_LOOP"},
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
        )
        bot = BotProcess(process)
        try:
            await bot.line("Uvicorn running", PATIENCE)
            for name in self.apps:
                await bot.line(f"{name}: connected", PATIENCE)
        except BaseException:
            await bot.kill()
            raise
        return bot

    async def connector(self, transport: str, **fields: Any) -> App:
        """An app and its connector of the same name, at work."""
        name = fields.pop("name", transport)
        app = self.sandbox.world.add_app(name, encrypt_key=f"key of {name}")
        values = {
            "name": name,
            "app_id": app.app_id,
            "app_secret": SecretStr(app.app_secret),
            "encrypt_key": SecretStr(app.encrypt_key or ""),
            "verification_token": SecretStr(app.verification_token),
            "transport": transport,
            "approvers": [self.bob.open_id(app)],
            **fields,
        }
        await self.management.service.create(self.root, values)
        await self.management.service.verify(self.root, name)
        await self.management.service.set_enabled(self.root, name, True)
        await self.bots[0].line(f"{name}: connected", PATIENCE)
        if transport == "webhook":
            await self.sandbox.posts.save_url(app, self.address(app))
        return app

    def address(self, app: App, port: int | None = None) -> str:
        return f"http://127.0.0.1:{port or self.ports[0]}/feishu/{app.app_id}"

    def ledger(self) -> Counter[str]:
        return Counter((self.where / "ledger").read_text().splitlines())


@dataclass
class Talk:
    """What people do with one app of the house."""

    house: House
    app: App
    group: Chat

    @property
    def world(self) -> Any:
        return self.house.sandbox.world

    @property
    def hub(self) -> Any:
        return self.house.sandbox.hub

    @property
    def bot(self) -> BotProcess:
        return self.house.bots[0]

    async def say(self, text: str, chat: Chat | None = None, user: User | None = None, **how: Any) -> Message:
        user = user or self.house.alice
        return await self.world.say(user, chat or self.world.direct_chat(user, self.app), text, **how)

    async def answer(self, asked: Message, words: str = "", within: float = PATIENCE) -> Message:
        return await self.world.wait_for(
            lambda m: m.sender is self.app and m.parent_id == asked.message_id and words in plain(m),
            timeout=within,
        )

    def answers(self, asked: Message) -> list[str]:
        return [
            plain(m)
            for m in self.world.messages.values()
            if m.sender is self.app and m.parent_id == asked.message_id
        ]

    def delivery(self, asked: Message) -> Delivery:
        return next(
            one
            for one in self.hub.deliveries
            if one.envelope["event"].get("message", {}).get("message_id") == asked.message_id
        )

    async def acked(self, asked: Message) -> Delivery:
        return await self.hub.wait_delivery(self.delivery(asked).event_id, timeout=PATIENCE)

    async def settled(self) -> None:
        """Everything said before has been handled as far as it goes: the same chat's next is answered."""
        await self.answer(await self.say("ping, settled?"))

    async def click(self, card: Message, value: dict[str, Any], user: User | None = None) -> Any:
        action = {"tag": "button", "value": value}
        return await self.world.click(user or self.house.alice, card.message_id, action)

    def card(self) -> Message:
        """One the app has sent."""
        chat = self.world.direct_chat(self.house.alice, self.app)
        return self.world.post(self.app, chat, "interactive", {"schema": "2.0", "body": {"elements": []}})

    async def becomes(self, card: Message, words: str) -> None:
        await self.world.wait_for(
            lambda m: m.message_id == card.message_id and words in json.dumps(m.content), timeout=PATIENCE
        )

    async def reasons(self, asked: Message) -> list[str | None]:
        """What the log says of a message, oldest first."""
        found: list[str | None] = []
        async with asyncio.timeout(PATIENCE):
            while not found:  # the bot writes its log by and by
                entries = (await self.house.management.logbook.read(self.app.app_id, limit=200)).entries
                mine = [entry for entry in reversed(entries) if entry.message_id == asked.message_id]
                found = [entry.detail["reason"] for entry in mine if "reason" in entry.detail]
                await asyncio.sleep(0.05)
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
async def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, people: Any
) -> AsyncIterator[House]:
    from nonebot_plugin_feishu_ws.runtime import Management

    where = tmp_path_factory.mktemp(f"blackbox-{request.param}")
    (where / "ledger").touch()
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{where}/feishu.sqlite3"
    else:
        url = request.getfixturevalue("postgres").create_database()
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(rules=RULES))
        management = Management(settings_for(url, sandbox.url, secret_key=SecretStr(KEY)), where)
        await management.start()
        stack.push_async_callback(management.stop)
        world = sandbox.world
        alice, bob = world.add_user("Alice"), world.add_user("Bob")
        house = House(request.param, url, where, sandbox, management, people.root, alice, bob)
        try:
            await house.start()
            for transport in ("ws", "webhook"):
                house.apps[transport] = await house.connector(transport)
            yield house
        finally:
            for bot in house.bots:
                await bot.kill()


@pytest.fixture
async def second(house: House) -> AsyncIterator[BotProcess]:
    """Another bot on the same database, for one test."""
    await house.start()
    try:
        yield house.bots[1]
    finally:
        house.ports.pop()
        await house.bots.pop().stop()


@pytest.fixture(params=["ws", "webhook"])
def talk(request: pytest.FixtureRequest, house: House) -> Talk:
    return talk_with(house, house.apps[request.param])


@pytest.fixture
def both(house: House) -> list[Talk]:
    return [talk_with(house, app) for app in house.apps.values()]


def talk_with(house: House, app: App) -> Talk:
    return Talk(house, app, house.sandbox.world.add_group("Everyone", [house.alice, house.bob, app]))


@pytest.fixture(scope="session")
def talking() -> Callable[[House, App], Talk]:
    return talk_with
