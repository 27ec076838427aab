"""Processes that say things: an outbox on a database and a local Feishu, to be stopped or killed."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from feishu_sandbox import App, Chat, Message, Sandbox, User

if TYPE_CHECKING:
    from nonebot_plugin_feishu_ws.delivery import Draft


class Company:
    """A local Feishu with a bot, a person and a few chats."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.app: App = self.world.add_app("Butler")
        self.alice: User = self.world.add_user("Alice")
        self.chat: Chat = self.world.add_group("one", [self.alice, self.app])
        self.other: Chat = self.world.add_group("another", [self.alice, self.app])
        self._numbers = itertools.count()

    async def asked(self, chat: Chat | None = None) -> Message:
        """Alice says something."""
        return await self.world.say(self.alice, chat or self.chat, "hello")

    def shown(self, chat: Chat | None = None) -> list[str]:
        """What the bot has said in a chat, recalled messages left out."""
        said = self.world.messages_in(chat or self.chat)
        return [message.text for message in said if message.sender is self.app and not message.recalled]

    def draft(self, text: str = "hi", chat: Chat | None = None, **changes: Any) -> "Draft":
        """A message to a chat; two with one text are one message."""
        from nonebot_plugin_feishu_ws.delivery import Draft, uuid_for

        values: dict[str, Any] = {
            "app_id": self.app.app_id,
            "uuid": uuid_for(text),
            "msg_type": "text",
            "content": json.dumps({"text": text}),
            "receive_id": (chat or self.chat).chat_id,
        }
        return Draft(**(values | changes))

    def calls(self) -> list[dict[str, Any]]:
        """The REST calls so far that send a message."""
        return [
            change.data
            for change in self.world.feed.history
            if change.kind == "api_call" and "/im/v1/messages" in change.data["path"]
        ]


class Process:
    """One process: its lease, its client, its outbox."""

    def __init__(
        self, database: Any, company: Company, session: aiohttp.ClientSession, **options: Any
    ) -> None:
        from nonebot_plugin_feishu_ws.delivery import Lease, LogBook, Outbox, Way
        from nonebot_plugin_feishu_ws.openapi import FeishuClient

        app = company.app
        self.database = database
        self.client = FeishuClient(
            app.app_id,
            app.app_secret,
            base_url=company.sandbox.url,
            session=session,
            timeout=options.pop("timeout", 5.0),
            pace=options.pop("pace", None),
        )
        self.ways = {app.app_id: Way(self.client, "butler")}
        self.lease = Lease(database, label="test", beat_every=0.05)
        self.logbook = LogBook(database)
        quick = {"sweep_every": 0.05, "retry_first": 0.01, "retry_most": 0.05}
        self.outbox = Outbox(database, self.lease, self.logbook, self.ways, **(quick | options))
        self.running = False

    async def start(self) -> None:
        await self.lease.start()
        self.logbook.start()
        self.outbox.start()
        self.running = True

    async def stop(self) -> None:
        """As at SIGTERM."""
        if self.running:
            self.running = False
            await self.outbox.stop()
            await self.lease.stop()
            await self.logbook.stop()

    async def kill(self) -> None:
        """As SIGKILL does: nothing more is done, nothing is written."""
        self.running = False
        outbox = self.outbox
        tasks = [outbox._sweeper, self.lease._task, outbox._writer._spool._task, *outbox._lanes._drivers]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self.logbook.stop()

    async def doze(self) -> None:
        """Beat no more: to the others it looks dead."""
        task, self.lease._task = self.lease._task, asyncio.create_task(self.lease._stopping.wait())
        task.cancel()
        await asyncio.wait([task])

    async def say(self, *drafts: "Draft") -> list[str]:
        """Post and wait for the message_ids."""
        async with asyncio.timeout(20):
            posted = await self.outbox.post(drafts)
            return [await self.outbox.sent(each.app_id, each.uuid) for each in posted]

    async def sent(self, draft: "Draft", within: float = 20) -> str:
        async with asyncio.timeout(within):
            return await self.outbox.sent(draft.app_id, draft.uuid)

    async def rows(self) -> list[Any]:
        """The outbox's rows, in order, once everything settled is written."""
        from sqlmodel import col, select

        from nonebot_plugin_feishu_ws.storage import OutboxRow

        if self.running:
            await self.outbox._writer.flush()
        async with self.database.session() as session:
            return list((await session.exec(select(OutboxRow).order_by(col(OutboxRow.id)))).all())

    async def states(self) -> list[str]:
        return [row.state.value for row in await self.rows()]


Start = Callable[..., Awaitable[Process]]


@pytest.fixture
def company(feishu_sandbox: Sandbox) -> Company:
    return Company(feishu_sandbox)


@pytest.fixture
async def start(company: Company, database: Any) -> AsyncIterator[Start]:
    """Starts processes on the database, with options of `Outbox`; all are ended after the test, before it is closed."""
    started: list[Process] = []
    async with aiohttp.ClientSession() as session:

        async def make(**options: Any) -> Process:
            process = Process(options.pop("database", database), company, session, **options)
            await process.start()
            started.append(process)
            return process

        yield make
        for process in started:
            await process.stop()


@pytest.fixture
async def process(start: Start) -> Process:
    """One process, on each kind of database in turn."""
    return await start()


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits for what nobody signals."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0)

    return wait
