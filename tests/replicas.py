"""Replicas: each with its own database connections, lease, outbox and worker, as one process has them. What tools do is
written into a ledger that none of them can change. The plugin must be loaded before this module is imported.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
from approval_stack import Stack
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from feishu_sandbox import App, Chat, Message, Sandbox, User
from nonebot_plugin_feishu_ws.butler import Turn
from nonebot_plugin_feishu_ws.butler.approvals import Decider, Seat
from nonebot_plugin_feishu_ws.connectors.rest import rest_client
from nonebot_plugin_feishu_ws.delivery import Way
from nonebot_plugin_feishu_ws.storage import EventRow, WorkerRow
from nonebot_plugin_feishu_ws.texts import Texts
from nonebot_plugin_feishu_ws.texts.approvals import ApprovalTexts


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


class Replica(Stack):
    """One process."""

    def __init__(self, world: World, database: Any, session: aiohttp.ClientSession, **options: Any) -> None:
        self.world = world
        client = rest_client(world.spec, base_url=world.sandbox.url, session=session)
        self.seat = Seat("butler", client, ApprovalTexts("en_US"), self._turn)
        app_id = world.app.app_id
        super().__init__(
            database,
            {app_id: Way(client, "butler")},
            lambda: {app_id: self.seat},
            self._spec,
            lambda who: who in world.superusers,
            **options,
        )

    async def _spec(self, app_id: str) -> Any:
        return self.world.spec if app_id == self.world.app.app_id else None

    async def die(self) -> None:
        """As SIGKILL leaves it, and found out by the others: nothing is handed back, its worker's row is gone."""
        for task in (self.worker._task, *self.worker._in_hand.values()):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        me = delete(WorkerRow).where(col(WorkerRow.id) == self.lease.id)
        await self.database.write(lambda session: session.exec(me))

    async def turn(self, asker: int = 0, *, event: str | None = None, text: str = "deploy") -> Any:
        """Somebody says something; the event is in the inbox."""
        world = self.world
        said = await world.sandbox.world.say(world.people[asker], world.chat, text, mentions=[])
        event = event or f"ev_{said.message_id}"
        payload = json.dumps({"message_id": said.message_id, "asker": asker, "event": event}).encode()

        async def keep(session: AsyncSession) -> None:
            session.add(
                EventRow(
                    connector=world.app.app_id, event_id=event, event_type="test", payload=payload, owner="x"
                )
            )

        await self.database.write(keep)
        return self._made(said.message_id, asker, event)

    def _made(self, message_id: str, asker: int, event: str) -> Any:
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
