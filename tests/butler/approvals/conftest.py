"""Replicas: each with its own database connections, lease, outbox and worker, as one process has them. What tools do is
written into a ledger that none of them can change."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from sqlmodel import col, delete

from feishu_sandbox import App, Chat, Message, Sandbox, User


@dataclass
class World:
    """What all replicas share: the platform, an app, people, one chat, and the connector as it stands."""

    sandbox: Sandbox
    app: App
    people: list[User]
    chat: Chat
    spec: Any
    superusers: set[str] = field(default_factory=set)
    ledger: list[Any] = field(default_factory=list)

    def id_of(self, n: int) -> str:
        return self.people[n].open_id(self.app)

    def let(self, **policy: Any) -> None:
        """The connector is changed."""
        self.spec = self.spec.model_copy(update=policy)

    def said(self) -> list[Message]:
        return [message for message in self.sandbox.world.messages.values() if message.sender is self.app]


class Replica:
    """One process."""

    def __init__(self, world: World, database: Any, session: aiohttp.ClientSession, **options: Any) -> None:
        from nonebot_plugin_feishu_ws.butler import ToolRegistry
        from nonebot_plugin_feishu_ws.butler.approvals import (
            ApprovalStore,
            Asking,
            CardRows,
            Carrying,
            Deciding,
            Questions,
            Seat,
            Share,
            Showing,
            Worker,
        )
        from nonebot_plugin_feishu_ws.connectors.rest import rest_client
        from nonebot_plugin_feishu_ws.delivery import Lease, LogBook, Outbox, Way
        from nonebot_plugin_feishu_ws.storage import DatabaseClock, EventRow, utc_now
        from nonebot_plugin_feishu_ws.texts.approvals import ApprovalTexts

        self.world = world
        self.database = database
        self._session = session
        self._event_row = EventRow
        client = rest_client(world.spec, base_url=world.sandbox.url, session=session)
        self.lease = Lease(database, label="replica", beat_every=options.get("beat_every", 30.0), patience=4)
        self.logbook = LogBook(database)
        self.outbox = Outbox(database, self.lease, self.logbook, {world.app.app_id: Way(client, "butler")})
        self.tools = ToolRegistry()
        now = options.get("now", utc_now)
        clock = DatabaseClock(database, now)
        share = Share(database)
        self.store = ApprovalStore(share, clock)
        self.rows = CardRows(share, left_alone=timedelta(0))
        questions = Questions(share, clock, options.get("ttl", timedelta(hours=1)))
        self.asking = Asking(questions, self.outbox, self.logbook, self._spec)
        self.deciding = Deciding(self.store, self.rows, self.tools, self.logbook, self._spec)
        self.showing = Showing(self.store, self.rows, self.tools, after=options.get("after", 0.0))
        self.seat = Seat("butler", client, ApprovalTexts("en_US"), self._turn)
        self.carrying = Carrying(
            self.store,
            self.tools,
            self.deciding,
            self.lease,
            lambda who: who in world.superusers,
            limit=options.get("limit", 30.0),
        )
        self.worker = Worker(
            self.store,
            self.showing,
            self.tools,
            self.carrying,
            self.outbox,
            self.logbook,
            self.lease,
            lambda: {world.app.app_id: self.seat},
            every=options.get("every", 0.02),
        )

    async def _spec(self, app_id: str) -> Any:
        return self.world.spec if app_id == self.world.app.app_id else None

    async def start(self, *, working: bool = True) -> None:
        await self.lease.start()
        self.logbook.start()
        self.outbox.start()
        if working:
            self.worker.start()

    async def stop(self) -> None:
        await self.worker.stop(1.0)
        await self.outbox.stop()
        await self.logbook.stop()
        await self.lease.stop()
        await self.database.close()

    async def die(self) -> None:
        """As SIGKILL leaves it, and found out by the others: nothing is handed back, its worker's row is gone."""
        from nonebot_plugin_feishu_ws.storage import WorkerRow

        for task in (self.worker._task, *self.worker._in_hand.values()):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        me = delete(WorkerRow).where(col(WorkerRow.id) == self.lease.id)
        await self.database.write(lambda session: session.exec(me))

    async def turn(self, asker: int = 0, *, event: str | None = None, text: str = "deploy") -> Any:
        """Somebody says something; the event is in the inbox."""
        from sqlmodel.ext.asyncio.session import AsyncSession

        world = self.world
        said = await world.sandbox.world.say(world.people[asker], world.chat, text, mentions=[])
        event = event or f"ev_{said.message_id}"
        payload = json.dumps({"message_id": said.message_id, "asker": asker, "event": event}).encode()

        async def keep(session: AsyncSession) -> None:
            session.add(
                self._event_row(
                    connector=world.app.app_id, event_id=event, event_type="test", payload=payload, owner="x"
                )
            )

        await self.database.write(keep)
        return self._made(said.message_id, asker, event)

    def _made(self, message_id: str, asker: int, event: str) -> Any:
        from nonebot_plugin_feishu_ws.butler import Turn
        from nonebot_plugin_feishu_ws.texts import Texts

        world = self.world
        made: Any = Turn(
            text="",
            connector="butler",
            app_id=world.app.app_id,
            chat_id=world.chat.chat_id,
            thread_id=None,
            open_id=world.id_of(asker),
            texts=Texts("en_US"),
            bot=None,  # pyright: ignore[reportArgumentType] - a tool that wants one has a test of its own
            event=SimpleNamespace(message_id=message_id, event_id=event),  # pyright: ignore[reportArgumentType]
            status=str,
            say=print,  # pyright: ignore[reportArgumentType]
        )
        return made

    async def _turn(self, row: Any, payload: bytes) -> Any:
        return self._made(*json.loads(payload).values())

    async def ask(self, tool: str = "deploy", asker: int = 0, **values: Any) -> Any:
        """Somebody wants a tool run."""
        known = self.tools.get(tool)
        assert known is not None
        row, _ = await self.asking.ask(await self.turn(asker), known, values)
        return row

    def decider(self, n: int, **more: Any) -> Any:
        from nonebot_plugin_feishu_ws.butler.approvals import Decider

        world, who = self.world, self.world.id_of(n)
        facts = {
            "app_id": world.app.app_id,
            "chat_id": world.chat.chat_id,
            "superuser": who in world.superusers,
        }
        return Decider(who, **{**facts, **more})

    async def decide(self, row: Any, n: int = 1, approved: bool = True) -> Any:
        """By a line in the chat; and the worker looks at once."""
        decision = await self.deciding.decide(self.decider(n), row.id, approved)
        self.worker.wake()
        return decision

    async def until(self, row: Any, *states: str, told: bool = True) -> Any:
        """The approval, once it is in a state."""
        async with asyncio.timeout(60):
            while True:
                now = await self.store.get(row.id)
                if now is not None and now.state in states and (now.finished_at or not told):
                    return now
                await asyncio.sleep(0.02)

    async def log(self, action: str) -> list[Any]:
        await self.logbook.flush()
        page = await self.logbook.read(limit=500)
        return [entry for entry in reversed(page.entries) if entry.action == action]


@pytest.fixture
async def world(feishu_sandbox: Sandbox) -> World:
    """Alice asks, Bob and Carol approve; the connector names nobody, and Bob is a superuser."""
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

    world = feishu_sandbox.world
    app = world.add_app("Butler")
    people = [world.add_user(name) for name in ("Alice", "Bob", "Carol")]
    chat = world.add_group("Everyone", [*people, app])
    spec = ConnectorSpec(name="butler", app_id=app.app_id, app_secret=SecretStr(app.app_secret))
    made = World(feishu_sandbox, app, people, chat, spec)
    made.superusers.add(made.id_of(1))
    return made


Start = Callable[..., Awaitable[Replica]]


@pytest.fixture
async def start(world: World) -> AsyncIterator[Start]:
    """Starts replicas on a database by its URL. Each has the tool `deploy`, whose effects are in the ledger."""
    from nonebot_plugin_feishu_ws.storage import Database

    made: list[Replica] = []
    async with aiohttp.ClientSession() as session:

        async def start(url: str, *, working: bool = True, **options: Any) -> Replica:
            database = Database(url)
            await database.start()
            replica = Replica(world, database, session, **options)

            @replica.tools.tool("deploy", requires_approval=True)
            async def deploy(service: str = "web", replicas: int = 1) -> str:
                """Roll a service out."""
                world.ledger.append((service, replicas))
                return f"{service} runs"

            await replica.start(working=working)
            made.append(replica)
            return replica

        yield start
        for replica in made:
            await replica.stop()


@pytest.fixture
async def one(start: Start, database_url: str) -> Replica:
    """One replica, on each kind of database in turn."""
    return await start(database_url)
