"""Stopping a turn of another process, on PostgreSQL: what is told is heard, once, by that turn and by no other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import select

from nonebot_plugin_feishu_ws.butler import Stops, Turn
from nonebot_plugin_feishu_ws.delivery import Lease
from nonebot_plugin_feishu_ws.storage import Database, MergedRow, TurnRow

CHAT = ("cli_1", "oc_1", None)


class Process:
    """What one process has: a worker, and stops. A turn of it is stopped by the number of times in `told`."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self.database, self.lease = database, lease
        self.stops = Stops(database, lease, every=0.05)
        self.told: dict[str, int] = {}

    def runs(self, event_id: str, chat_id: str = "oc_1", thread_id: str | None = None) -> Any:
        """A context in which a turn runs."""
        bare: Any = SimpleNamespace()
        event: Any = SimpleNamespace(app_id="cli_1", chat_id=chat_id, thread_id=thread_id, event_id=event_id)
        turn = Turn("", "", "cli_1", chat_id, thread_id, "", bare, bare, event, status=str, say=bare)

        def stop() -> bool:
            self.told[event_id] = self.told.get(event_id, 0) + 1
            return True

        return self.stops.heard(turn, stop)

    async def noted(self, *event_ids: str) -> None:
        """Until these turns, and no others, are in the database."""
        async with asyncio.timeout(20):
            while set(event_ids) != {row.event_id for row in await self.rows()}:
                pass

    async def rows(self) -> list[TurnRow]:
        async with self.database.session() as session:
            return list((await session.exec(select(TurnRow))).all())

    async def heard(self, event_id: str) -> None:
        async with asyncio.timeout(20):
            while event_id not in self.told:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0)


Begin = Callable[..., Awaitable[Process]]


@pytest.fixture
async def begin(postgres: Any) -> AsyncIterator[Begin]:
    url, running = postgres.create_database(), list[Process]()

    async def start(beat_every: float = 0.05) -> Process:
        database = Database(url)
        await database.start()
        lease = Lease(database, label="test", beat_every=beat_every)
        await lease.start()
        running.append(process := Process(database, lease))
        return process

    yield start
    for process in running:
        await process.stops.close()
        await process.lease.stop()
        await process.database.close()


async def test_each_turn_of_the_conversation_is_stopped_once_and_no_other(begin: Begin) -> None:
    one, other = await begin(), await begin()
    with one.runs("a"), one.runs("b"), one.runs("c", thread_id="omt_1"), one.runs("d", "oc_2"):
        await one.noted("a", "b", "c", "d")
        assert await one.stops.in_conversation(CHAT) == 0, "its own it knows"
        assert await other.stops.in_conversation(CHAT) == 2
        assert await other.stops.in_conversation(CHAT) == 0, "they were told"
        await one.heard("a")
        await one.heard("b")
        with one.runs("e"):  # some more looks
            await one.noted("a", "b", "c", "d", "e")
            assert not await other.stops.one("cli_1", "oc_2", "e"), "a click counts in its own chat"
            assert await other.stops.one("cli_1", "oc_1", "e")
            await one.heard("e")
    await one.noted()
    assert one.told == {"a": 1, "b": 1, "e": 1}
    assert await other.stops.in_conversation(CHAT) == 0


async def test_it_is_waited_for(begin: Begin) -> None:
    one, other = await begin(), await begin()
    with one.runs("a"):
        await one.noted("a")
        await other.stops.in_conversation(CHAT)
        ended = asyncio.create_task(other.stops.ended(CHAT))
        await one.heard("a")
        assert not ended.done()
    await asyncio.wait_for(ended, 20)
    assert await one.rows() == []


async def test_an_old_stop_is_none_for_the_next_turn(begin: Begin) -> None:
    one, other = await begin(), await begin()
    with one.runs("a"):
        await one.noted("a")
        await other.stops.in_conversation(CHAT)
    with one.runs("b"):
        await one.noted("b")
        await one.stops._look()
    assert "b" not in one.told


async def test_what_waits_in_the_turn_of_another_is_not_counted(begin: Begin) -> None:
    one, other = await begin(), await begin()

    async def work(session: Any) -> None:
        session.add(MergedRow(connector="cli_1", event_id="a", turn="b", position=0, text=""))

    await one.database.write(work)
    with one.runs("a"), one.runs("b"):
        await one.noted("a", "b")
        assert await other.stops.in_conversation(CHAT) == 1


async def test_whoever_takes_over_a_turn_hears_of_its_stop(begin: Begin) -> None:
    """faults.md 29: told to stop, and dead before it has looked; nothing of a dead process is stopped or counted."""
    dead, other, heir = await begin(), await begin(), await begin()
    with dead.runs("a"):
        await dead.noted("a")
        dead.stops._task.cancel()
        assert await other.stops.in_conversation(CHAT) == 1
        await dead.lease.stop()
        assert await other.stops.in_conversation(CHAT) == 0
        with heir.runs("a"):
            await heir.heard("a")
        await heir.noted()


async def test_a_short_turn_costs_nothing(begin: Begin) -> None:
    one = await begin(60.0)  # its beats are writes, too
    written: list[Any] = []
    write = one.database.write
    one.database.write = lambda work: written.append(work) or write(work)  # type: ignore[method-assign]
    for number in range(20):
        with one.runs(str(number)):
            await asyncio.sleep(0)
    await asyncio.wait_for(asyncio.shield(one.stops._task), 20)
    assert written == []


async def test_an_sqlite_file_has_one_bot(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    await database.start()
    one = Process(database, Lease(database, label="test"))
    with one.runs("a"):
        assert one.stops._task is None
        assert await one.stops.in_conversation(CHAT) == 0
        assert not await one.stops.one("cli_1", "oc_1", "a")
        await one.stops.ended(CHAT)
    await database.close()
