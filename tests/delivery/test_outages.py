"""The database really goes away: refused while it is gone, taken once when it is back."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.delivery import (
    Accepted,
    Duplicate,
    EventRejected,
    Inbox,
    InboxUnavailable,
    Incoming,
    Lease,
    LogAction,
    LogBook,
)
from nonebot_plugin_feishu_ws.storage import Database, DatabaseUnavailable, EventRow, utc_now

Make = Callable[..., Awaitable[Inbox]]
Message = Callable[..., Incoming]
ROOT = Path(__file__).parents[2]


async def states(database: Database) -> dict[str, str]:
    while True:
        with contextlib.suppress(
            DatabaseUnavailable
        ):  # a connection from before a crash: the next one is new
            async with database.session() as session:
                found = await session.exec(
                    select(EventRow.event_id, EventRow.state).order_by(col(EventRow.id))
                )
                return {event_id: state.value for event_id, state in found.all()}


async def test_postgres_stops_and_starts(postgres: Any, make_inbox: Make, message: Message) -> None:
    """faults.md 22: refused while it is away, taken once when it is back; what ended meanwhile is written."""
    inbox = await make_inbox(postgres.create_database())
    database = inbox._lease._database
    log = LogBook(database, retry_first=0.01, retry_most=0.05)
    log.start()
    before = await inbox.accept(message(1))
    assert isinstance(before, Accepted)
    await asyncio.to_thread(postgres.stop)
    try:
        for _ in range(3):
            refused = await asyncio.gather(
                *(inbox.accept(message(number)) for number in range(2, 12)), return_exceptions=True
            )
            assert {type(answer) for answer in refused} == {InboxUnavailable}
        with pytest.raises(InboxUnavailable):
            await anext(inbox.unfinished())
        inbox.done(before.row_id)
        log.write(LogAction.WS_ROUTED, connector="cli_a")
    finally:
        await asyncio.to_thread(postgres.start)
    answers = await asyncio.gather(*(inbox.accept(message(number)) for number in range(2, 12)))
    assert {type(answer) for answer in answers} == {Accepted}
    assert isinstance(await inbox.accept(message(1)), Duplicate)
    await asyncio.wait_for(inbox.flush(), 10)
    await asyncio.wait_for(log.flush(), 10)
    assert (await states(database))["ev1"] == "done", "what ended meanwhile is written"
    assert [entry.action for entry in (await log.read()).entries] == ["ws_routed"]
    assert log.dropped == 0
    await log.stop()


class Wire:
    """A way to PostgreSQL that can be cut when a COMMIT has been carried out but nobody was told."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut_next_commit = False
        self.cuts = 0

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._to)
        cut = asyncio.Event()

        async def up() -> None:
            while data := await reader.read(65536):
                if self.cut_next_commit and b"COMMIT" in data:
                    self.cut_next_commit = False
                    cut.set()
                server_writer.write(data)
            server_writer.close()

        async def down() -> None:
            while data := await server_reader.read(65536):
                if cut.is_set():
                    self.cuts += 1
                    server_writer.close()
                    break
                writer.write(data)
            writer.close()

        for side in (up(), down()):
            task = asyncio.create_task(side)
            self._tasks.add(task)


async def test_a_commit_whose_outcome_is_unknown(postgres: Any, make_inbox: Make, message: Message) -> None:
    """faults.md 23: the row is there, yet nobody was told: the next push must hand it out, and only once."""
    url: str = postgres.create_database()
    wire = Wire(postgres.port)
    async with wire as port:
        inbox = await make_inbox(url.replace(f":{postgres.port}/", f":{port}/"))
        database = inbox._lease._database
        await inbox.accept(message(1))
        wire.cut_next_commit = True
        with pytest.raises(InboxUnavailable):
            await inbox.accept(message(2))
        assert wire.cuts == 1
        assert await states(database) == {"ev1": "received", "ev2": "received"}, "it was committed"

        again = await inbox.accept(message(2, event_id="ev2 under a new id"))
        assert isinstance(again, Accepted)
        assert isinstance(await inbox.accept(message(2)), Duplicate)
        inbox.done(again.row_id)
        await inbox.flush()
        assert await states(database) == {"ev1": "received", "ev2": "done"}
        assert isinstance(await inbox.accept(message(2)), Duplicate)
        await inbox.stop()
        await inbox._lease.stop()
        await database.close()


async def pushed(inbox: Inbox, event: Incoming) -> Accepted | Duplicate:
    """As Feishu does it: again and again until it is acked."""
    while True:
        try:
            return await inbox.accept(event)
        except InboxUnavailable:
            await asyncio.sleep(0)


async def test_postgres_crashes_under_load(postgres: Any, make_inbox: Make, message: Message) -> None:
    """faults.md 22, 26: two replicas, two crashes; each event is refused or stored, and taken once in the end."""
    url = postgres.create_database()
    inboxes = [await make_inbox(url) for _ in range(2)]
    taken: list[int] = []
    begun = asyncio.Event()

    async def push(number: int) -> None:
        for inbox in inboxes:
            answer = await pushed(inbox, message(number))
            begun.set()
            if isinstance(answer, Accepted):
                taken.append(number)
                inbox.done(answer.row_id)

    async def crash() -> None:
        for _ in range(2):
            begun.clear()
            await begun.wait()
            await asyncio.to_thread(postgres.stop, "immediate")
            await asyncio.to_thread(postgres.start)

    async with asyncio.timeout(40):
        crashing = asyncio.create_task(crash())
        number = 0
        while not crashing.done():
            await asyncio.gather(*(push(number + more) for more in range(20)))
            number += 20
        await crashing
        for inbox in inboxes:
            await inbox.flush()
    # What a commit of unknown outcome left behind belongs to one replica, and Feishu's next push goes to any.
    assert len(taken) == len(set(taken)), "none twice"
    stored = await states(inboxes[0]._lease._database)
    assert set(stored) == {f"ev{n}" for n in range(number)}
    left = {f"ev{n}" for n in range(number)} - {f"ev{n}" for n in taken}
    assert {event_id for event_id, state in stored.items() if state != "done"} == left


async def test_all_connections_are_taken(postgres: Any, make_inbox: Make, message: Message) -> None:
    """faults.md 26: the pool is exhausted; refused soon, and what ended meanwhile is written afterwards."""
    database = Database(postgres.create_database(), connect_timeout=0.3)
    await database.start()
    inbox = await make_inbox(database)
    before = await inbox.accept(message(1))
    assert isinstance(before, Accepted)
    async with contextlib.AsyncExitStack() as sessions:
        for _ in range(15):  # SQLAlchemy's pool: 5, and 10 more
            await (await sessions.enter_async_context(database.session())).connection()
        with pytest.raises(InboxUnavailable, match="QueuePool limit"):
            await inbox.accept(message(2))
        with pytest.raises(InboxUnavailable):
            await anext(inbox.unfinished())
        inbox.done(before.row_id)
    assert isinstance(await inbox.accept(message(2)), Accepted)
    await asyncio.wait_for(inbox.flush(), 5)
    assert await states(database) == {"ev1": "done", "ev2": "received"}


async def test_a_deadlock_with_somebody_else(
    postgres: Any, make_inbox: Make, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    """faults.md 24: each waits for a row of the other; PostgreSQL ends ours, and it is tried again."""
    caplog.set_level("DEBUG", "nonebot_plugin_feishu_ws.storage")
    url = postgres.create_database()
    inbox = await make_inbox(url)
    other, looking = [await asyncpg.connect(url.replace("+asyncpg", "")) for _ in range(2)]
    await other.execute("SET deadlock_timeout = '1min'")  # PostgreSQL ends whoever looks first
    insert = (
        "INSERT INTO feishu_ws_event (connector, event_id, event_type, payload, state, attempts, owner, received_at)"
        " VALUES ('cli_a', $1, 't', '', 'received', 1, 'other', now())"
    )
    transaction = other.transaction()
    try:
        await transaction.start()
        await other.execute(insert, "ev2")
        ours = asyncio.gather(inbox.accept(message(1)), inbox.accept(message(2)))
        async with asyncio.timeout(20):
            while not await looking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                pass
            await other.execute(insert, "ev1")
            assert not ours.done()
            await transaction.rollback()
            assert [type(answer) for answer in await ours] == [Accepted, Accepted]
    finally:
        await other.close()
        await looking.close()
    assert "again: Error: deadlock detected" in caplog.text
    assert await states(inbox._lease._database) == {"ev1": "received", "ev2": "received"}


async def test_a_dead_letter_that_is_revived_is_not_pruned(
    postgres: Any, make_inbox: Make, message: Message
) -> None:
    """Found as old and dead, it is no longer dead when its turn comes to be deleted."""
    url = postgres.create_database()
    inbox = await make_inbox(url)
    answer = await inbox.accept(message(1))
    assert isinstance(answer, Accepted)
    inbox.dead(answer.row_id, "why")
    await inbox.flush()
    later = Inbox(inbox._lease._database, inbox._lease, now=lambda: utc_now() + timedelta(days=365))
    other, looking = [await asyncpg.connect(url.replace("+asyncpg", "")) for _ in range(2)]
    transaction = other.transaction()
    try:
        await transaction.start()
        await other.execute("UPDATE feishu_ws_event SET state = 'received', owner = ''")
        pruning = asyncio.create_task(later.prune(timedelta(days=30)))
        async with asyncio.timeout(20):
            while not await looking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                pass
            await transaction.commit()
            assert await pruning == 0
    finally:
        await other.close()
        await looking.close()
    assert [event.incoming.event_id async for event in inbox.unfinished()] == ["ev1"]


async def test_serialization_failures(
    postgres: Any, make_inbox: Make, message: Message, caplog: pytest.LogCaptureFixture
) -> None:
    """faults.md 24: a database that is set to the strictest isolation refuses one of two that met; tried again a few
    times, then by Feishu's next push."""
    caplog.set_level("DEBUG", "nonebot_plugin_feishu_ws.storage")
    url = postgres.create_database()
    postgres.sql(
        f"ALTER DATABASE {url.rsplit('/', 1)[1]} SET default_transaction_isolation TO 'serializable'"
    )
    inboxes = [await make_inbox(url, max_batch=5) for _ in range(3)]
    first = 0
    async with asyncio.timeout(50):
        while "again: Error: could not serialize access" not in caplog.text:  # they may miss each other
            answers = await asyncio.gather(
                *(pushed(inbox, message(first + number)) for number in range(60) for inbox in inboxes)
            )
            for number in range(60):
                of_one = answers[3 * number : 3 * number + 3]
                assert sum(isinstance(answer, Accepted) for answer in of_one) == 1
            first += 60


async def test_postgres_with_a_full_disk(postgres: Any, make_inbox: Make, message: Message) -> None:
    """faults.md 25: refused for as long as there is no room; taken when there is."""
    url = postgres.create_database()
    inbox = await make_inbox(url)
    name = url.rsplit("/", 1)[1]
    raise_ = "RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'"
    postgres.sql(
        f"CREATE FUNCTION no_room() RETURNS trigger AS $$ BEGIN {raise_}; END $$ LANGUAGE plpgsql;"
        " CREATE TRIGGER no_room BEFORE INSERT ON feishu_ws_event FOR EACH ROW EXECUTE FUNCTION no_room()",
        name,
    )
    with pytest.raises(InboxUnavailable, match="Error: could not extend file"):
        await inbox.accept(message(1))
    postgres.sql("DROP TRIGGER no_room ON feishu_ws_event", name)
    assert isinstance(await inbox.accept(message(1)), Accepted)


async def test_ids_postgres_cannot_store(postgres: Any, make_inbox: Make, message: Message) -> None:
    inbox = await make_inbox(postgres.create_database())
    events = [
        message(1),
        message(2, event_id="a\0b"),
        message(3, event_id=os.urandom(9000).hex()),
        message(4),
    ]
    answers = await asyncio.gather(*(inbox.accept(event) for event in events), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Accepted, EventRejected, EventRejected, Accepted]


async def test_sqlite_locked_by_another_process(sqlite_url: str, make_inbox: Make, message: Message) -> None:
    """faults.md 24."""
    database = Database(sqlite_url, busy_timeout=0.05, attempts=2)
    await database.start()
    inbox, log = await make_inbox(database), LogBook(database, retry_first=0.01, retry_most=0.05)
    log.start()
    first = await inbox.accept(message(1))
    assert isinstance(first, Accepted)
    script = textwrap.dedent(
        """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1], isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        print("locked", flush=True)
        sys.stdin.readline()
        connection.rollback()
        connection.close()
        """
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(database.path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"locked\n"
    inbox.done(first.row_id)
    log.write(LogAction.WS_ROUTED)
    with pytest.raises(InboxUnavailable, match="locked"):
        await inbox.accept(message(2))
    await other.communicate(b"\n")
    assert isinstance(await inbox.accept(message(2)), Accepted)
    await asyncio.wait_for(inbox.flush(), 5)
    await asyncio.wait_for(log.flush(), 5)
    assert await states(database) == {"ev1": "done", "ev2": "received"}
    assert len((await log.read()).entries) == 1
    await log.stop()
    await inbox.stop()
    await database.close()


async def test_sqlite_with_a_full_disk(sqlite_url: str, make_inbox: Make, message: Message) -> None:
    """faults.md 25."""
    database = Database(sqlite_url)
    await database.start()
    inbox = await make_inbox(database)

    async def pages(limit: int) -> None:
        async def work(session: AsyncSession) -> None:
            await (await session.connection()).exec_driver_sql(f"PRAGMA max_page_count={limit}")

        await database.write(work)

    await inbox.accept(message(1))
    await pages(1)  # SQLite makes that the present size
    with pytest.raises(InboxUnavailable, match="full"):
        await inbox.accept(message(2, payload=b"x" * 100_000))
    await pages(1_000_000)
    assert isinstance(await inbox.accept(message(2, payload=b"x" * 100_000)), Accepted)
    await inbox.stop()
    await database.close()


async def test_sqlite_that_becomes_read_only(sqlite_url: str, make_inbox: Make, message: Message) -> None:
    """Permissions do not stop root, so the connection itself is told not to write."""
    database = Database(sqlite_url)
    await database.start()
    inbox = await make_inbox(database)

    async def read_only(session: AsyncSession, value: int) -> None:
        await (await session.connection()).exec_driver_sql(f"PRAGMA query_only={value}")

    await database.write(lambda session: read_only(session, 1))
    with pytest.raises(InboxUnavailable, match="readonly"):
        await inbox.accept(message())

    def writable() -> None:  # outside a transaction: none that writes could begin
        assert database._writer is not None
        connection = database._writer._engine.raw_connection()
        connection.cursor().execute("PRAGMA query_only=0")
        connection.close()

    assert database._writer is not None
    await asyncio.get_running_loop().run_in_executor(database._writer._thread, writable)
    assert isinstance(await inbox.accept(message()), Accepted)
    await inbox.stop()
    await database.close()


async def test_a_process_that_is_killed_loses_nothing_it_acknowledged(
    database_url: str, database: Database, make_inbox: Make, make_lease: Callable[..., Awaitable[Lease]]
) -> None:
    """SIGKILL while it takes events: those it reported are there, in order; pushed again they are known."""
    script = textwrap.dedent(
        """
        import asyncio, sys, nonebot
        nonebot.init(driver="~none", log_level="ERROR")
        nonebot.load_plugin("nonebot_plugin_feishu_ws")
        from nonebot_plugin_feishu_ws.delivery import Inbox, Incoming, Lease
        from nonebot_plugin_feishu_ws.storage import Database

        async def push(inbox, number):
            event = Incoming("cli_a", f"ev{number}", "im.message.receive_v1", b"{}", f"om_{number}", "oc_1")
            print("acked", (await inbox.accept(event)).row_id, event.event_id, flush=True)

        async def main():
            database = Database(sys.argv[1])
            lease = Lease(database, label="to be killed", beat_every=0.05)
            await lease.start()
            inbox = Inbox(database, lease)
            inbox.start()
            for start in range(0, 100_000, 20):
                await asyncio.gather(*(push(inbox, start + n) for n in range(20)))

        asyncio.run(main())
        """
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, database_url, cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    acked: list[str] = []
    killed = False
    while line := await process.stdout.readline():
        if line.startswith(b"acked") and line.endswith(b"\n"):
            acked.append(line.split()[2].decode())
        if len(acked) >= 200 and not killed:
            process.send_signal(signal.SIGKILL)
            killed = True
    assert await process.wait() == -signal.SIGKILL
    inbox = await make_inbox(database, await make_lease(database))
    for event_id in acked:
        again = Incoming("cli_a", event_id, "im.message.receive_v1", b"{}", event_id.replace("ev", "om_"))
        assert isinstance(await inbox.accept(again), Duplicate)
    async with asyncio.timeout(20):
        while not (left := [event.incoming.event_id async for event in inbox.unfinished()]):
            pass
    assert left == [f"ev{number}" for number in range(len(left))], "in order, without gaps"
    assert set(acked) <= set(left)


async def test_stopping_while_the_database_is_away_ends(
    sqlite_url: str, make_inbox: Make, message: Message
) -> None:
    database = Database(sqlite_url, busy_timeout=0.01, attempts=1)
    await database.start()
    inbox, log = await make_inbox(database), LogBook(database, retry_first=60)
    log.start()
    answer = await inbox.accept(message())
    assert isinstance(answer, Accepted)
    other = sqlite3.connect(database.path or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    inbox.done(answer.row_id)
    log.write(LogAction.WS_ROUTED)
    await asyncio.wait_for(inbox.stop(), 5)
    await asyncio.wait_for(log.stop(), 5)
    assert log.dropped == 1
    other.close()
    assert await states(database) == {"ev1": "received"}, "it will be handled again"
    await database.close()
