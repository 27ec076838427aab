"""The database really goes away: refused while it is gone, taken once when it is back."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    LogAction,
    LogBook,
)
from nonebot_plugin_feishu_ws.storage import Database, EventRow

Make = Callable[..., Inbox]
Message = Callable[..., Incoming]
ROOT = Path(__file__).parents[2]


async def states(database: Database) -> dict[str, str]:
    async with database.session() as session:
        found = await session.exec(select(EventRow.event_id, EventRow.state).order_by(col(EventRow.id)))
        return {event_id: state.value for event_id, state in found.all()}


async def test_postgres_stops_and_starts(postgres: Any, make_inbox: Make, message: Message) -> None:
    database = Database(postgres.create_database())
    await database.start()
    inbox, log = make_inbox(database), LogBook(database, retry_first=0.01, retry_most=0.05)
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
    await inbox.stop()
    await database.close()


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
    """The row is there, yet nobody was told: the next push must hand it out, and only once."""
    url: str = postgres.create_database()
    wire = Wire(postgres.port)
    async with wire as port:
        database = Database(url.replace(f":{postgres.port}/", f":{port}/"))
        await database.start()
        inbox = make_inbox(database)
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
        await database.close()


async def test_ids_postgres_cannot_store(postgres: Any, make_inbox: Make, message: Message) -> None:
    database = Database(postgres.create_database())
    await database.start()
    inbox = make_inbox(database)
    events = [
        message(1),
        message(2, event_id="a\0b"),
        message(3, event_id=os.urandom(9000).hex()),
        message(4),
    ]
    answers = await asyncio.gather(*(inbox.accept(event) for event in events), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Accepted, EventRejected, EventRejected, Accepted]
    await inbox.stop()
    await database.close()


async def test_sqlite_locked_by_another_process(sqlite_url: str, make_inbox: Make, message: Message) -> None:
    database = Database(sqlite_url, busy_timeout=0.05, attempts=2)
    await database.start()
    inbox, log = make_inbox(database), LogBook(database, retry_first=0.01, retry_most=0.05)
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
    database = Database(sqlite_url)
    await database.start()
    inbox = make_inbox(database)

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
    """Permissions do not stop root, so the connections themselves are told not to write."""
    database = Database(sqlite_url)
    await database.start()
    inbox = make_inbox(database)

    async def read_only(session: AsyncSession, value: int) -> None:
        await (await session.connection()).exec_driver_sql(f"PRAGMA query_only={value}")

    await database.write(lambda session: read_only(session, 1))
    with pytest.raises(InboxUnavailable, match="readonly"):
        await inbox.accept(message())
    async with database.session() as session:
        await read_only(session, 0)
    assert isinstance(await inbox.accept(message()), Accepted)
    await inbox.stop()
    await database.close()


async def test_a_process_that_is_killed_loses_nothing_it_acknowledged(
    database_url: str, database: Database, make_inbox: Make
) -> None:
    """SIGKILL while it takes events: those it reported are there, in order; pushed again they are known."""
    script = textwrap.dedent(
        """
        import asyncio, sys, nonebot
        nonebot.init(driver="~none", log_level="ERROR")
        nonebot.load_plugin("nonebot_plugin_feishu_ws")
        from nonebot_plugin_feishu_ws.delivery import Inbox, Incoming
        from nonebot_plugin_feishu_ws.storage import Database

        async def push(inbox, number):
            event = Incoming("cli_a", f"ev{number}", "im.message.receive_v1", b"{}", f"om_{number}", "oc_1")
            print("acked", (await inbox.accept(event)).row_id, event.event_id, flush=True)

        async def main():
            inbox = Inbox(Database(sys.argv[1]))
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
    inbox = make_inbox(database)
    for event_id in acked:
        again = Incoming("cli_a", event_id, "im.message.receive_v1", b"{}", event_id.replace("ev", "om_"))
        assert isinstance(await inbox.accept(again), Duplicate)
    left = [event.incoming.event_id async for event in inbox.unfinished()]
    assert left == [f"ev{number}" for number in range(len(left))], "in order, without gaps"
    assert set(acked) <= set(left)


async def test_stopping_while_the_database_is_away_ends(
    sqlite_url: str, make_inbox: Make, message: Message
) -> None:
    database = Database(sqlite_url, busy_timeout=0.01, attempts=1)
    await database.start()
    inbox, log = make_inbox(database), LogBook(database, retry_first=60)
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
