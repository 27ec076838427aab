"""Replicas as processes: killed, paused, put to sleep, hammered with the same events; old ones beside new ones."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, MetaData, Table, inspect, text
from sqlmodel import col, select

from nonebot_plugin_feishu_ws.connectors import Statuses
from nonebot_plugin_feishu_ws.delivery import Accepted, Duplicate, Inbox, Incoming
from nonebot_plugin_feishu_ws.storage import Database, EventRow, utc_now
from nonebot_plugin_feishu_ws.storage.upgrade import alembic_config

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
TAKEOVER = 15.0  # seconds


class Process:
    """`worker.py`, as somebody who tells it what to do sees it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def __call__(self, *order: object) -> Any:
        self.tell(*order)
        return await self.answer()

    def tell(self, *order: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")

    async def answer(self) -> Any:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            if line.startswith(b'{"answer"'):
                return json.loads(line)["answer"]
        raise EOFError("the process has ended")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


Spawn = Callable[..., Awaitable[Process]]


@pytest.fixture
async def spawn() -> AsyncIterator[Spawn]:
    """Started processes, killed after the test."""
    made: list[Process] = []

    async def start(url: str, *, beat_every: float = 0.1, patience: int = 5) -> Process:
        arguments = [str(HERE / "worker.py"), url, str(beat_every), str(patience)]
        process = Process(
            await asyncio.create_subprocess_exec(
                sys.executable, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=HERE.parents[1]
            )
        )
        made.append(process)
        await process("start")
        return process

    yield start
    for process in made:
        if process.process.returncode is None:
            process.signal(signal.SIGKILL)
        await process.process.communicate()


async def events(database: Database) -> dict[str, EventRow]:
    async with database.session() as session:
        rows = (await session.exec(select(EventRow).order_by(col(EventRow.id)))).all()
        return {row.event_id: row for row in rows}


async def test_a_paused_replica_is_fenced_off_within_15_s(postgres: Any, spawn: Spawn) -> None:
    """faults.md 31, with the times users get: SIGSTOP in the middle of a transaction, SIGCONT when another one has its
    work. Neither what it was about to commit, nor what it ends, nor what it begins under its old name gets through."""
    url = postgres.create_database()
    paused = await spawn(url, beat_every=2)
    other = await spawn(url, beat_every=2)
    database = Database(url)
    first, second = await paused("accept", 1, 2)
    old = await paused("open", 3)
    paused.signal(signal.SIGSTOP)
    began = time.monotonic()
    assert await other("sweep") == {"ev1": first, "ev2": second}
    took = time.monotonic() - began
    assert took <= TAKEOVER
    assert all(await other("accept", 3)), "what was not committed keeps nobody waiting"

    paused.signal(signal.SIGCONT)
    assert await paused("commit") == "refused"
    await paused("done", first)
    assert not await paused("confirm", old)
    new = await paused("renew")
    assert new != old
    (fourth,) = await paused("accept", 4)
    taken = await events(database)
    their = await other("id")
    assert {event_id: (row.state, row.owner) for event_id, row in taken.items()} == {
        "ev1": ("received", their),
        "ev2": ("received", their),
        "ev3": ("received", their),
        "ev4": ("received", new),
    }
    await other("done", first)
    await paused("done", fourth)
    assert [row.state for row in (await events(database)).values()] == [
        "done",
        "received",
        "received",
        "done",
    ]
    await database.close()


async def test_a_machine_that_slept_does_not_make_replicas_kill_each_other(
    postgres: Any, spawn: Spawn
) -> None:
    """faults.md 31: both stand still for longer than it takes to be dead, and wake up together."""
    url = postgres.create_database()
    replicas = [await spawn(url, beat_every=0.2) for _ in range(2)]
    ids = [await replica("id") for replica in replicas]
    for _ in range(2):
        for replica in replicas:
            replica.signal(signal.SIGSTOP)
        await asyncio.sleep(1.3)  # the sleep
        for replica in replicas:
            replica.signal(signal.SIGCONT)
        assert [await replica("renew") for replica in replicas] == ids


@pytest.mark.parametrize("how", ["killed", "stopped"])
async def test_work_of_a_replica_that_ended_is_taken_over(
    postgres: Any, spawn: Spawn, message: Callable[..., Incoming], how: str
) -> None:
    """Killed: when it is believed dead. Stopped: at once."""
    url = postgres.create_database()
    other = await spawn(url)
    ended = await spawn(url)
    rows = await ended("accept", *range(5))
    await ended("done", rows[0])
    if how == "killed":
        ended.signal(signal.SIGKILL)
    else:
        await ended("stop")
    assert list(await other("sweep")) == ["ev1", "ev2", "ev3", "ev4"]
    *known, new = await other("accept", *range(6))
    assert known == [None] * 5
    assert new is not None


async def test_on_sqlite_the_next_start_takes_over_at_once(sqlite_url: str, spawn: Spawn) -> None:
    killed = await spawn(sqlite_url, beat_every=60)
    await killed("accept", 1, 2)
    killed.signal(signal.SIGKILL)
    restarted = await spawn(sqlite_url, beat_every=60)
    assert await restarted("sweep") == {"ev1": 1, "ev2": 2}


async def test_two_processes_are_hammered_with_the_same_events(database_url: str, spawn: Spawn) -> None:
    """faults.md 18: the same event on two replicas at once, each in an order of its own; one insert wins."""
    replicas = [await spawn(database_url) for _ in range(2)]
    numbers = list(range(500))
    orders = [random.Random(seed).sample(numbers, len(numbers)) for seed in (1, 2)]
    answers = await asyncio.gather(
        *(replica("accept", *order) for replica, order in zip(replicas, orders, strict=True))
    )
    won = [
        number
        for order, rows in zip(orders, answers, strict=True)
        for number, row_id in zip(order, rows, strict=True)
        if row_id is not None
    ]
    assert sorted(won) == numbers
    database = Database(database_url)
    assert len(await events(database)) == len(numbers)
    await database.close()


# --- rolling migrations -----------------------------------------------------------------------------------------


def upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)


async def run(database: Database, work: Callable[..., Any], *arguments: object) -> Any:
    async def inside(session: Any) -> Any:
        return await (await session.connection()).run_sync(work, *arguments)

    return await database.write(inside)


def reflect(connection: Connection) -> dict[str, Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return dict(metadata.tables)


def shape(connection: Connection) -> dict[str, Any]:
    """What code of that revision may rely on."""
    looked = inspect(connection)
    return {
        table: {
            "columns": {
                c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in looked.get_columns(table)
            },
            "unique": {tuple(u["column_names"]) for u in looked.get_unique_constraints(table)},
            "key": tuple(looked.get_pk_constraint(table)["constrained_columns"]),
        }
        for table in looked.get_table_names()
        if table != "feishu_ws_version"
    }


async def test_migrations_after_the_first_only_add(database_url: str) -> None:
    """faults.md 28: what was there stays as it was, and rows without what is new are still accepted."""
    database = Database(database_url)
    await database.start()
    newest = (await database.revisions())[1]
    await database.close()
    fresh = Database(database_url.replace("feishu.sqlite3", "fresh.sqlite3"))
    if not fresh.is_sqlite:
        await run(fresh, lambda c: c.execute(text("DROP SCHEMA public CASCADE")))
        await run(fresh, lambda c: c.execute(text("CREATE SCHEMA public")))
    await run(fresh, upgrade, "0001")
    before = await run(fresh, shape)
    for number in range(2, int(newest) + 1):
        await run(fresh, upgrade, f"{number:04}")
        after = await run(fresh, shape)
        for table, old in before.items():
            new = after[table]
            assert new["columns"] | old["columns"] == new["columns"], f"{number:04} changes {table}"
            assert (new["unique"], new["key"]) == (old["unique"], old["key"]), (
                f"{number:04} constrains {table}"
            )
            added = {name: new["columns"][name] for name in new["columns"].keys() - old["columns"].keys()}
            left_out = [nullable or default for _, nullable, default in added.values()]
            assert all(left_out), f"{number:04}: {table} needs {added}"
        before = after
    await fresh.close()


async def test_a_process_of_the_version_before_works_beside_a_new_one(
    database_url: str, make_inbox: Callable[..., Awaitable[Inbox]], message: Callable[..., Incoming]
) -> None:
    """faults.md 28: the tables as revision 0002 knew them, in use before, while and after the schema moves on."""
    database = Database(database_url)
    await run(database, upgrade, "0002")
    tables = await run(database, reflect)
    old_events, old_status = tables["feishu_ws_event"], tables["feishu_ws_status"]

    def push(connection: Connection, number: int) -> bool:
        known = old_events.c.event_id == f"ev{number}"
        if connection.execute(old_events.select().where(known)).first() is not None:
            return False
        values = {
            "connector": "cli_a",
            "event_id": f"ev{number}",
            "message_id": f"om_{number}",
            "event_type": "im.message.receive_v1",
            "payload": b"{}",
            "state": "received",
            "attempts": 1,
            "owner": "old",
            "received_at": utc_now(),
        }
        connection.execute(old_events.insert().values(**values))
        return True

    def finish(connection: Connection, number: int) -> int:
        mine = (old_events.c.event_id == f"ev{number}") & (old_events.c.owner == "old")
        statement = old_events.update().where(mine, old_events.c.state == "received")
        return connection.execute(statement.values(state="done", done_at=utc_now())).rowcount

    def hold(connection: Connection, held: bool) -> None:
        connection.execute(old_status.delete())
        values = {"app_id": "cli_a", "held": held, "asked": 1, "updated_at": utc_now()}
        connection.execute(old_status.insert().values(**values))

    assert await run(database, push, 1)
    await database.start()
    inbox = await make_inbox(database_url)
    assert await run(database, push, 2)
    answers = [await inbox.accept(message(number)) for number in (1, 2, 3)]
    assert [type(answer) for answer in answers] == [Duplicate, Duplicate, Accepted]
    assert not await run(database, push, 3), "known to the old one too"
    assert await run(database, finish, 2) == 1
    left = [event.incoming.event_id async for event in inbox.unfinished()]
    assert left == ["ev1"], (
        "the old one could not share: what it has not finished is taken over, as at a restart"
    )
    assert await run(database, finish, 1) == 0, "and it does not finish what it has lost"
    statuses = Statuses(database)
    for held in (True, False):
        await run(database, hold, held)
        wish = (await statuses.wishes()).get("cli_a")
        assert (wish is not None and wish.held) is held
        await statuses.hold("cli_a", not held)
        rows = await run(database, lambda c: c.execute(old_status.select()).mappings().all())
        assert [(row["app_id"], row["held"]) for row in rows] == [("cli_a", not held)]
    await database.close()
