"""Sessions, writes and errors, on real SQLite files and a real PostgreSQL."""

import asyncio
import logging
import os
import sqlite3
import traceback
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.storage import (
    ConnectorRow,
    Database,
    DatabaseUnavailable,
    DatabaseUrlError,
    EventRow,
    EventState,
    LogRow,
    Sealed,
)
from nonebot_plugin_feishu_ws.storage.dialects import is_outage


def event_row(**changes: Any) -> EventRow:
    values: dict[str, Any] = {
        "connector": "cli_a",
        "event_id": "ev1",
        "event_type": "im.message.receive_v1",
        "payload": b"{}",
        "owner": "me",
    }
    return EventRow(**(values | changes))


async def add(database: Database, *rows: Any) -> None:
    async def work(session: AsyncSession) -> None:
        session.add_all(rows)

    await database.write(work)


async def test_rows_come_back_as_they_went_in(database: Database) -> None:
    shanghai = timezone(timedelta(hours=8))
    at = datetime(2025, 6, 1, 20, 0, 0, 123456, tzinfo=shanghai)
    connector = ConnectorRow(
        name="ops",
        app_id="cli_a",
        app_secret=Sealed("v1.x.y"),
        approvers=["ou_1"],
        policy={"allow_dm": False},
        verified_at=at,
    )
    nul = LogRow(level="info", action="ws_routed", detail={"text": "a\0b\ud800 你好", "n": 2**60})
    await add(database, connector, event_row(payload=b"\x00\xff", received_at=at), nul)

    async with database.session() as session:
        loaded = (await session.exec(select(ConnectorRow))).one()
        event = (await session.exec(select(EventRow))).one()
        log = (await session.exec(select(LogRow))).one()
    assert (loaded.approvers, loaded.policy, loaded.app_secret) == (
        ["ou_1"],
        {"allow_dm": False},
        Sealed("v1.x.y"),
    )
    assert loaded.verification_token is None
    assert loaded.verified_at == at
    assert loaded.verified_at is not None
    assert loaded.verified_at.tzinfo is UTC
    assert (event.payload, event.state, event.received_at) == (b"\x00\xff", EventState.RECEIVED, at)
    assert log.detail == {"text": "a\0b\ud800 你好", "n": 2**60}


async def test_states_are_stored_by_value_without_a_type_of_their_own(database: Database) -> None:
    await add(database, event_row(state=EventState.DEAD))
    async with database.session() as session:
        connection = await session.connection()
        assert (await connection.execute(text("SELECT state FROM feishu_ws_event"))).scalar_one() == "dead"
        if not database.is_sqlite:
            types = await connection.execute(text("SELECT typname FROM pg_type WHERE typtype = 'e'"))
            assert types.all() == []


async def test_times_without_a_zone_are_refused(database: Database) -> None:
    with pytest.raises(Exception, match="without time zone"):
        await add(database, event_row(received_at=datetime(2025, 6, 1)))  # noqa: DTZ001


@pytest.mark.parametrize(
    "second",
    [
        {"event_id": "ev1", "message_id": "om_2"},
        {"event_id": "ev2", "message_id": "om_1"},
    ],
)
async def test_an_event_is_unique_by_either_key(database: Database, second: dict[str, str]) -> None:
    await add(database, event_row(message_id="om_1"))
    with pytest.raises(IntegrityError):
        await add(database, event_row(**second))
    await add(database, event_row(connector="cli_b", message_id="om_1"))
    await add(
        database, event_row(event_id="ev3"), event_row(event_id="ev4")
    )  # no message id twice: no collision


async def test_numbers_of_deleted_rows_are_not_given_again(database: Database) -> None:
    await add(database, event_row())

    async def delete(session: AsyncSession) -> int:
        row = (await session.exec(select(EventRow))).one()
        await session.delete(row)
        return row.id or 0

    first = await database.write(delete)
    await add(database, event_row())
    async with database.session() as session:
        assert (await session.exec(select(EventRow.id))).one() == first + 1


async def test_a_failed_write_leaves_nothing(database: Database) -> None:
    async def work(session: AsyncSession) -> None:
        session.add(event_row())
        await session.flush()
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await database.write(work)
    async with database.session() as session:
        assert (await session.exec(select(EventRow))).all() == []


async def test_writes_that_stand_in_each_others_way_all_happen(database_url: str) -> None:
    """Read, then write, through two engines: without the right locking updates fail or get lost."""
    databases = [Database(database_url), Database(database_url)]
    await databases[0].start()
    await add(databases[0], event_row(attempts=0))

    async def count_up(session: AsyncSession) -> None:
        if not databases[0].is_sqlite:
            await session.exec(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))  # pyright: ignore
        row = (await session.exec(select(EventRow))).one()
        row.attempts += 1

    try:
        for _ in range(5):
            await asyncio.gather(*(database.write(count_up) for database in databases))
        async with databases[1].session() as session:
            assert (await session.exec(select(EventRow.attempts))).one() == 10
    finally:
        for database in databases:
            await database.close()


@pytest.mark.parametrize("free_after", [1, 2, None])
async def test_a_conflict_is_retried_as_often_as_said(
    sqlite_url: str, free_after: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(sqlite_url, busy_timeout=0, attempts=3)
    await database.start()
    tries, retry = 0, database._transact

    async def tried(work: Any, **options: Any) -> Any:
        nonlocal tries
        tries += 1
        try:
            return await retry(work, **options)
        finally:
            if tries == free_after:
                other.rollback()

    monkeypatch.setattr(database, "_transact", tried)
    other = sqlite3.connect(database.path or "", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        if free_after is None:
            with pytest.raises(DatabaseUnavailable, match="locked"):
                await add(database, event_row())
            assert tries == 3
        else:
            await add(database, event_row())
            assert tries == free_after + 1
    finally:
        other.close()
        await database.close()


async def test_sqlite_waits_for_another_process(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    await database.start()
    other = sqlite3.connect(database.path or "", isolation_level=None, check_same_thread=False)
    try:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(add(database, event_row()))
        done, _ = await asyncio.wait({writing}, timeout=0.1)
        assert not done
        other.rollback()
        await asyncio.wait_for(writing, 5)
        async with database.session() as session:  # readers do not wait for a writer at all
            other.execute("BEGIN EXCLUSIVE")
            assert len((await session.exec(select(EventRow))).all()) == 1
    finally:
        other.close()
        await database.close()


async def test_sqlite_is_set_up_to_lose_nothing(sqlite_url: str) -> None:
    """Whoever reads, and whoever writes."""
    database = Database(sqlite_url, busy_timeout=1.5)
    await database.start()

    async def values(session: AsyncSession) -> list[object]:
        connection = await session.connection()
        return [
            (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        ]

    async with database.session() as session:
        assert await values(session) == ["wal", 2, 1, 1500, 1]
    assert await database.write(values) == ["wal", 2, 1, 1500, 1]
    await database.close()


async def test_a_full_disk_is_an_outage_and_ends(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    await database.start()

    async def limit(session: AsyncSession, pages: int) -> None:
        await (await session.connection()).exec_driver_sql(f"PRAGMA max_page_count={pages}")

    async def fill(session: AsyncSession) -> None:
        await limit(session, 1)  # SQLite makes that the present size
        session.add(event_row(payload=b"x" * 100_000))
        await session.flush()

    async def fits(session: AsyncSession) -> None:
        await limit(session, 1_000_000)
        session.add(event_row(payload=b"x" * 100_000))

    with pytest.raises(DatabaseUnavailable, match="full"):
        await database.write(fill)
    await database.write(fits)
    await database.close()


@pytest.mark.parametrize("place", ["/proc/feishu/db.sqlite3", "/dev/null/x/db.sqlite3"])
async def test_a_place_that_cannot_be_written_is_an_outage(place: str) -> None:
    database = Database(f"sqlite+aiosqlite:///{place}")
    with pytest.raises(DatabaseUnavailable):
        await database.start()
    await database.close()


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    path.write_bytes(os.urandom(4096))
    database = Database(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(DatabaseUnavailable, match="not a database"):
        await database.start()
    await database.close()


async def test_postgres_goes_away_and_comes_back(postgres: Any, caplog: pytest.LogCaptureFixture) -> None:
    database = Database(postgres.create_database())
    await database.start()
    await add(database, event_row())
    await asyncio.to_thread(postgres.stop)
    try:
        with caplog.at_level(logging.DEBUG):
            for _ in range(2):
                with pytest.raises(DatabaseUnavailable) as caught:
                    await add(database, event_row(event_id="ev2"))
            with pytest.raises(DatabaseUnavailable):
                async with database.session() as session:
                    await session.exec(select(EventRow))
            with pytest.raises(DatabaseUnavailable):
                await database.start()
    finally:
        await asyncio.to_thread(postgres.start)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(database)
    assert "canary-password" not in shown
    await database.start()
    await add(database, event_row(event_id="ev3"))
    async with database.session() as session:
        assert len((await session.exec(select(EventRow))).all()) == 2
    await database.close()


async def test_postgres_restarted_while_nobody_looked(postgres: Any) -> None:
    """A connection that died in the pool is replaced: the next write does not notice."""
    database = Database(postgres.create_database())
    await database.start()
    await add(database, event_row())
    await asyncio.to_thread(postgres.stop)
    await asyncio.to_thread(postgres.start)
    await add(database, event_row(event_id="ev2"))
    await database.close()


async def test_a_read_of_postgres_is_no_transaction(postgres: Any) -> None:
    """It would cost its begin and its end; what it would promise is what each statement has anyway."""
    database = Database(postgres.create_database())
    await database.start()
    now = text("SELECT now()")
    async with database.session() as session:
        first, second = [(await (await session.connection()).execute(now)).scalar_one() for _ in range(2)]
    assert first < second

    async def work(session: AsyncSession) -> bool:
        first, second = [(await (await session.connection()).execute(now)).scalar_one() for _ in range(2)]
        return first == second

    assert await database.write(work)
    await database.close()


async def test_more_writers_than_connections_all_get_their_turn(database: Database) -> None:
    await asyncio.gather(*(add(database, event_row(event_id=f"ev{number}")) for number in range(60)))
    async with database.session() as session:
        assert len((await session.exec(select(EventRow))).all()) == 60


async def test_a_statement_that_takes_too_long_is_an_outage(postgres: Any) -> None:
    database = Database(postgres.create_database(), command_timeout=0.2)

    async def stall(session: AsyncSession) -> None:
        await (await session.connection()).execute(text("SELECT pg_sleep(30)"))

    with pytest.raises(DatabaseUnavailable):
        await database.write(stall)
    await database.write(lambda session: session.connection())
    await database.close()


async def test_errors_show_neither_statement_nor_values(database: Database) -> None:
    await add(database, event_row(error="canary-value"))
    with pytest.raises(IntegrityError) as caught:
        await add(database, event_row(error="canary-value"))
    assert "canary-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "not a database URL"),
        ("somewhere", "not a database URL"),
        ("postgresql+asyncpg://me:canary@host:canary/x", "not a database URL"),
        ("postgresql://me:canary@host/x", "'postgresql' is not supported"),
        ("sqlite:///x.db", "'sqlite' is not supported"),
        ("mysql+aiomysql://me:canary@host/x", "'mysql[+]aiomysql' is not supported"),
        ("sqlite+aiosqlite://", "needs a file"),
        ("sqlite+aiosqlite:///:memory:", "needs a file"),
        ("sqlite+aiosqlite:///file:x?mode=memory&uri=true", "needs a file"),
    ],
)
def test_urls_that_cannot_be_used_are_explained_without_showing_them(url: str, message: str) -> None:
    with pytest.raises(DatabaseUrlError, match=message) as caught:
        Database(url)
    shown = "".join(traceback.format_exception(caught.value))
    assert "FEISHU_WS__DATABASE_URL" in shown
    assert "sqlite+aiosqlite:///path" in shown
    assert "canary" not in shown.replace('"canary', "")


async def test_a_connection_that_breaks_under_way_is_an_outage(postgres: Any) -> None:
    database = Database(postgres.create_database())
    await database.start()

    async def work(session: AsyncSession) -> None:
        await session.exec(text("SELECT pg_terminate_backend(pg_backend_pid())"))  # pyright: ignore

    try:
        with pytest.raises(DatabaseUnavailable):
            await database.write(work)
    finally:
        await database.close()


def test_what_the_driver_raises_by_itself() -> None:
    """SQLAlchemy lets some errors of asyncpg's through as they are."""
    assert is_outage(asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"))
    assert is_outage(asyncpg.InterfaceError("connection is closed"))
    assert not is_outage(asyncpg.exceptions.DataError("invalid input for query argument $1"))
    assert not is_outage(asyncpg.UniqueViolationError("duplicate key"))
    assert not is_outage(ValueError("of our own"))
