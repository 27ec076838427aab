"""Random lives of several workers against a simple model: no event is lost, none is in two living workers' hands, none
is handed out after it is done, and an ending counts only in the name of the owner."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from nonebot_plugin_feishu_ws.delivery import Accepted, Duplicate, Inbox, Incoming, replay
from nonebot_plugin_feishu_ws.storage import Database, EventRow, WorkerRow

MESSAGE, REACTION = "im.message.receive_v1", "im.message.reaction.created_v1"
WORKERS, MOST_ATTEMPTS = 3, 3
few, who = st.integers(0, 3), st.integers(0, WORKERS - 1)
steps = st.one_of(
    st.tuples(st.just("push"), who, few, few, st.sampled_from([MESSAGE, REACTION]), st.booleans()),
    st.tuples(st.sampled_from(["done", "dead", "failed", "given back"]), who, few),
    st.tuples(st.sampled_from(["kill", "fence", "stop", "sweep", "sweep"]), who),
    st.tuples(st.just("replay"), few),
)
Make = Callable[..., Awaitable[Inbox]]
Kill = Callable[[Inbox], Awaitable[None]]
_examples = count()


@dataclass
class Event:
    """What the model knows of one."""

    key: str | None
    owner: str
    hands: dict[int, str] = field(default_factory=dict[int, str])
    """The workers that believe they have it, by number, and what each was called when it took it."""
    attempts: int = 1
    state: str = "received"


class World:
    """Workers, and the model of what they have done."""

    def __init__(self, database: Database, make: Callable[[], Awaitable[Inbox]], kill: Kill) -> None:
        self.app = f"cli_{next(_examples)}"  # the database is shared by the examples, the events are not
        self.database = database
        self.make = make
        self.kill = kill
        self.inboxes: list[Inbox] = []
        self.events: dict[int, Event] = {}
        self.ids: dict[str, int] = {}
        self.keys: set[str] = set()
        self.last: dict[int, int] = {}
        """The row each worker was last given for its last time, by number."""

    async def push(self, number: int, event: int, message: int, kind: str, with_message: bool) -> None:
        event_id, message_id = f"ev{event}", f"om{message}" if with_message else None
        key = message_id if kind == MESSAGE else None
        inbox = self.inboxes[number]
        answer = await inbox.accept(Incoming(self.app, event_id, kind, b"{}", message_id))
        if event_id in self.ids or key in self.keys:
            assert answer == Duplicate()
            return
        assert isinstance(answer, Accepted)
        assert answer.owner == inbox._lease.id
        self.events[answer.row_id] = Event(key, answer.owner, {number: answer.owner})
        self.ids[event_id] = answer.row_id
        self.keys |= {key} if key else set()

    async def end(self, how: str, number: int, which: int) -> None:
        """Somebody ends one that it believes to have; that counts if it does have it."""
        held = [row_id for row_id, event in self.events.items() if number in event.hands]
        if which >= len(held):
            return
        row_id, inbox = held[which], self.inboxes[number]
        event = self.events[row_id]
        match how:
            case "done":
                inbox.done(row_id)
            case "dead":
                inbox.dead(row_id, "why")
            case _:
                inbox.give_back(row_id, error="why" if how == "failed" else None)
        await inbox.flush()
        if event.hands.pop(number) == event.owner and event.state == "received":
            if how in ("done", "dead"):
                event.state = how
            else:
                event.owner = ""
                event.attempts -= how == "given back"

    async def sweep(self, number: int) -> None:
        """It gets what belongs to nobody at work, unless it has it in hand; what was handed out too often is dead. Of
        those that get their last chance it has one at a time."""
        inbox, alive = self.inboxes[number], await self.alive()
        orphans = [
            row_id
            for row_id, event in self.events.items()
            if event.state == "received" and event.owner not in alive and number not in event.hands
        ]
        taken = {left.row_id: left.attempts async for left in inbox.unfinished([self.app])}
        await inbox.flush()
        expected: dict[int, int] = {}
        for row_id in orphans:
            event = self.events[row_id]
            last_held = self.events[self.last.get(number, row_id)].hands
            if event.attempts + 1 == MOST_ATTEMPTS and number in last_held:
                continue
            event.owner = inbox._lease.id
            event.attempts += 1
            if event.attempts > MOST_ATTEMPTS:
                event.state = "dead"
            else:
                if event.attempts == MOST_ATTEMPTS:
                    self.last[number] = row_id
                event.hands[number] = event.owner
                expected[row_id] = event.attempts
        assert list(taken.items()) == list(expected.items()), "each of them, oldest first"

    async def leave(self, how: str, number: int) -> None:
        """Fenced off, and it has not noticed; killed, or stopped, and another one takes its place."""
        inbox = self.inboxes[number]
        if how == "stop":
            me = inbox._lease.id
            await inbox.stop()
            await inbox._lease.stop()
            for event in self.events.values():
                if event.state == "received" and event.owner == me:
                    event.owner = ""
        else:
            await self.kill(inbox)
        if how != "fence":
            self.inboxes[number] = await self.make()
            self.last.pop(number, None)
            for event in self.events.values():
                event.hands.pop(number, None)

    async def finish(self, number: int) -> None:
        """It does whatever there is to do; last chances come one at a time."""
        while any(event.state == "received" for event in self.events.values()):
            await self.sweep(number)
            await self.look()
            for _ in range(len(self.events)):
                await self.end("done", number, 0)
            await self.look()

    async def replay(self, which: int) -> None:
        row_id = self.ids.get(f"ev{which}", 0)
        event = self.events.get(row_id)
        revived = event is not None and event.state == "dead"
        assert await replay(self.database, self.app, f"ev{which}") == revived
        if event is not None and revived:
            event.state, event.attempts, event.owner = "received", 0, ""

    async def alive(self) -> set[str]:
        async with self.database.session() as session:
            return set((await session.exec(select(WorkerRow.id))).all())

    async def look(self) -> None:
        """The rows are what the model says."""
        async with self.database.session() as session:
            wanted = select(EventRow).where(EventRow.connector == self.app).order_by(col(EventRow.id))
            rows = {row.id: row for row in (await session.exec(wanted)).all()}
        found = {row_id: (row.state.value, row.attempts, row.owner) for row_id, row in rows.items()}
        assert found == {
            id_: (event.state, event.attempts, event.owner) for id_, event in self.events.items()
        }
        alive = await self.alive()
        for event in self.events.values():
            holders = [name for name in event.hands.values() if name in alive]
            assert len(holders) <= 1, "in the hands of one that is at work"
            assert event.state == "received" or not holders


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=30))
async def test_random_lives(
    database: Database, make_inbox: Make, kill: Kill, life: list[tuple[Any, ...]]
) -> None:
    """On SQLite whoever starts fences off all the others; on PostgreSQL nobody."""
    world = World(database, lambda: make_inbox(database, most_attempts=MOST_ATTEMPTS), kill)
    for _ in range(WORKERS):
        world.inboxes.append(await world.make())
    for step in life:
        match step:
            case ("push", *arguments):
                await world.push(*arguments)
            case ("sweep", number):
                await world.sweep(number)
            case ("replay", which):
                await world.replay(which)
            case (how, number):
                await world.leave(how, number)
            case (how, number, which):
                await world.end(how, number, which)
            case _:
                raise AssertionError(step)
        await world.look()
    for number in range(WORKERS):  # in the end everything can be handled by whoever is left
        await world.leave("stop", number)
    await world.finish(0)
    assert all(event.state in ("done", "dead") for event in world.events.values())
    await asyncio.gather(*(inbox.stop() for inbox in world.inboxes))
    await asyncio.gather(*(inbox._lease.stop() for inbox in world.inboxes))
