"""Whole transactions in a thread, several in one commit: what is refused is refused alone."""

import asyncio
import contextvars
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.storage import (
    ConnectorRow,
    Database,
    DatabaseUnavailable,
    Sealed,
    WorkerRow,
    utc_now,
)
from nonebot_plugin_feishu_ws.storage.lull import Lull

Work = Callable[[AsyncSession], Awaitable[str]]


def inserts(name: str, error: Exception | None = None) -> Work:
    async def work(session: AsyncSession) -> str:
        values = {"id": name, "label": name, "beat": 0, "started_at": utc_now()}
        await (await session.connection()).execute(insert(WorkerRow), [values])
        if error is not None:
            raise error
        return name

    return work


class Held:
    """Work that stays under way until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), threading.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, name: str, error: Exception | None = None) -> Work:
        async def work(session: AsyncSession) -> str:
            self._loop.call_soon_threadsafe(self.begun.set)
            assert self.go_on.wait(20)
            return await inserts(name, error)(session)

        return work


async def names(database: Database) -> list[str]:
    async with database.session() as session:
        return list((await session.exec(select(WorkerRow.id).order_by(col(WorkerRow.id)))).all())


def commits_of(database: Database) -> list[object]:
    """One entry for each commit from now on."""
    commits: list[object] = []
    assert database._writer is not None
    event.listen(database._writer._engine, "commit", commits.append)
    return commits


@pytest.fixture
async def sqlite(sqlite_url: str) -> Any:
    database = Database(sqlite_url, busy_timeout=0.05, attempts=1)
    await database.start()
    yield database
    await database.close()


async def test_those_who_write_at_the_same_time_share_a_commit(sqlite: Database) -> None:
    commits = commits_of(sqlite)
    answers = await asyncio.gather(*(sqlite.write(inserts(name), shared=True) for name in "abc"))
    assert (answers, await names(sqlite)) == (["a", "b", "c"], ["a", "b", "c"])
    assert len(commits) == 1


async def test_what_comes_during_a_commit_shares_the_next_one(sqlite: Database) -> None:
    """And whoever is cancelled before that writes nothing."""
    commits, under_way = commits_of(sqlite), Held()
    first = asyncio.create_task(sqlite.write(under_way("slow")))
    await under_way.begun.wait()
    cancelled, *others = (asyncio.create_task(sqlite.write(inserts(name), shared=True)) for name in "abc")
    await asyncio.sleep(0)  # all have ordered
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    under_way.go_on.set()
    assert await asyncio.gather(first, *others) == ["slow", "b", "c"]
    assert await names(sqlite) == ["b", "c", "slow"]
    assert len(commits) == 2


@pytest.mark.parametrize("error", [LookupError("mine"), None])
async def test_what_is_refused_is_refused_alone(database: Database, error: Exception | None) -> None:
    """By itself, or by the database: a row that is there already."""
    await database.write(inserts("known"))
    odd = inserts("odd", error) if error else inserts("known")
    answers = await asyncio.gather(
        *(database.write(work, shared=True) for work in (inserts("a"), odd, inserts("b"))),
        return_exceptions=True,
    )
    assert answers[::2] == ["a", "b"]
    assert type(answers[1]) is (LookupError if error else IntegrityError)
    assert await names(database) == ["a", "b", "known"]


async def test_a_commit_that_fails_fails_for_all_of_it(sqlite: Database) -> None:
    """Nobody is told that his rows are there, and they are not."""

    async def orphan(session: AsyncSession) -> None:
        connection = await session.connection()
        await connection.exec_driver_sql(
            "CREATE TABLE child (id REFERENCES feishu_ws_worker (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        await connection.exec_driver_sql("INSERT INTO child VALUES ('nobody')")

    answers = await asyncio.gather(
        sqlite.write(inserts("a"), shared=True), sqlite.write(orphan, shared=True), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [IntegrityError, IntegrityError]
    assert await names(sqlite) == []
    assert await sqlite.write(inserts("a")) == "a"


async def test_where_the_file_is_locked_all_wait_once(sqlite: Database) -> None:
    """faults.md 24: not one after the other, which would take so much longer."""
    begins: list[str] = []
    assert sqlite._writer is not None
    event.listen(sqlite._writer._engine, "before_cursor_execute", lambda *given: begins.append(given[2]))
    other = sqlite3.connect(sqlite.path or "", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(
            *(sqlite.write(inserts(name), shared=True) for name in "abc"), return_exceptions=True
        )
    finally:
        other.close()
    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 3
    assert begins == ["BEGIN IMMEDIATE"]


@pytest.mark.parametrize("error", [LookupError("nobody asks"), None])
async def test_whoever_is_cancelled_under_way_waits_for_the_end(
    sqlite: Database, error: Exception | None
) -> None:
    under_way = Held()
    writing = asyncio.create_task(sqlite.write(under_way("slow", error)))
    await under_way.begun.wait()
    writing.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not writing.done()
    under_way.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await names(sqlite) == ([] if error else ["slow"])


async def test_work_that_waits_for_something_else_is_refused(sqlite: Database) -> None:
    async def work(session: AsyncSession) -> None:
        await inserts("a")(session)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waits for something else"):
        await sqlite.write(work)
    assert await names(sqlite) == []


async def test_work_has_the_callers_context(database: Database) -> None:
    who = contextvars.ContextVar("who", default="nobody")

    async def work(_session: AsyncSession) -> str:
        return who.get()

    async def asks(name: str) -> str:
        who.set(name)
        return await database.write(work)

    assert await asyncio.gather(asks("a"), asks("b")) == ["a", "b"]


async def test_a_transaction_has_what_it_needs_of_a_session(database: Database) -> None:
    """The same on both: on SQLite it is no session of SQLAlchemy's own."""

    async def work(session: AsyncSession) -> list[object]:
        session.add_all([WorkerRow(id="a", label="a"), WorkerRow(id="b", label="b")])
        session.add(ConnectorRow(name="ops", app_id="cli_a", app_secret=Sealed("v1.x.y")))
        await session.flush()
        await session.delete(await session.get_one(WorkerRow, "b"))
        merged = await session.merge(WorkerRow(id="a", label="changed"))
        await session.flush()
        await session.refresh(merged)
        connection = await session.connection()
        in_sync = await connection.run_sync(lambda sync: sync.exec_driver_sql("SELECT 1").scalar_one())
        found = (await session.exec(select(ConnectorRow.name))).one()
        return [await session.get(WorkerRow, "b"), merged.label, in_sync, found]

    assert await database.write(work) == [None, "changed", 1, "ops"]


async def test_the_thread_ends_with_the_database(sqlite: Database) -> None:
    others = set(threading.enumerate())

    def writers() -> list[str]:
        return [thread.name for thread in set(threading.enumerate()) - others if "writer" in thread.name]

    for name in "ab":  # it can be used again
        await sqlite.write(inserts(name))
        assert len(writers()) == 1
        await sqlite.close()
        assert not writers()


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.three_sleep, self.go_on = asyncio.Event(), asyncio.Event()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == 3:
            self.three_sleep.set()
        await self.go_on.wait()


async def test_at_rest_nobody_waits_and_shortly_after_a_commit_for_the_rest_of_the_lull() -> None:
    clock = Clock()
    clock.go_on.set()
    lull = Lull(2.0, clock=clock, sleep=clock.sleep)
    await lull.over()
    lull.begin()
    clock.now += 0.5
    await lull.over()
    clock.now += 1.5
    await lull.over()
    assert clock.slept == [1.5]


async def test_those_who_wait_for_the_moment_write_together(sqlite: Database) -> None:
    clock = Clock()
    sqlite._lull = Lull(2.0, clock=clock, sleep=clock.sleep)
    commits = commits_of(sqlite)

    async def waits_and_writes(name: str) -> None:
        await sqlite.moment()
        await sqlite.write(inserts(name), shared=True)

    await waits_and_writes("first")
    assert clock.slept == []
    others = [asyncio.create_task(waits_and_writes(name)) for name in "abc"]
    await clock.three_sleep.wait()
    assert len(commits) == 1
    clock.go_on.set()
    await asyncio.gather(*others)
    assert len(commits) == 2


async def test_the_moment_does_not_come_while_a_commit_is_under_way(sqlite: Database) -> None:
    clock = Clock()
    sqlite._lull = Lull(2.0, clock=clock, sleep=clock.sleep)
    clock.go_on.set()
    under_way = Held()
    writing = asyncio.create_task(sqlite.write(under_way("slow")))
    await under_way.begun.wait()
    waiting = asyncio.create_task(sqlite.moment())
    await asyncio.sleep(0)
    assert not waiting.done()
    under_way.go_on.set()
    await waiting
    await writing


async def test_those_who_do_not_share_have_a_commit_of_their_own(sqlite: Database) -> None:
    commits = commits_of(sqlite)
    work = [sqlite.write(inserts(name), shared=name != "b") for name in "abc"]
    assert await asyncio.gather(*work) == ["a", "b", "c"]
    assert len(commits) == 2


async def test_a_transaction_may_roll_back_and_go_on(database: Database) -> None:
    """What it does afterwards is committed, and what others write at that time, too."""

    async def work(session: AsyncSession) -> list[str]:
        session.add(WorkerRow(id="gone", label="gone"))
        await session.flush()
        await session.rollback()
        session.add(WorkerRow(id="stays", label="stays"))
        return list((await session.exec(select(WorkerRow.id))).all())

    answers = await asyncio.gather(
        database.write(inserts("a"), shared=True), database.write(work), return_exceptions=True
    )
    assert answers[1] in (["stays"], ["a", "stays"])
    assert await names(database) == ["a", "stays"]
