"""What differs between SQLite and PostgreSQL: the engine, waiting for each other, and what an error means."""

import sqlite3
import time
from functools import partial
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from .errors import DatabaseUrlError

_VALID = (
    "valid forms: sqlite+aiosqlite:///path/to/file.sqlite3, postgresql+asyncpg://user:password@host/database"
)
_FRESH = 0.2  # seconds; PostgreSQL's connections that were used since are taken for alive
_VALUES = ("22", "23", "54")  # PostgreSQL's classes: data, constraints, too large
WRITES = "feishu_ws_writes"
"""Execution option: the transaction will write."""


def parse_url(text: str) -> URL:
    """Check `FEISHU_WS__DATABASE_URL`.

    Raises:
        DatabaseUrlError: naming the valid forms, and never the URL, which may hold a password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise DatabaseUrlError(f"FEISHU_WS__DATABASE_URL is not a database URL; {_VALID}") from None
    if url.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise DatabaseUrlError(f"FEISHU_WS__DATABASE_URL: '{url.drivername}' is not supported; {_VALID}")
    if url.get_backend_name() == "sqlite" and (
        not url.database or url.database.startswith((":memory:", "file:"))
    ):
        raise DatabaseUrlError(
            f"FEISHU_WS__DATABASE_URL: SQLite needs a file, memory forgets events; {_VALID}"
        )
    return url


def make_engine(
    url: URL,
    *,
    busy_timeout: float,
    connect_timeout: float,
    command_timeout: float | None,
    idle_timeout: float = 5.0,
) -> AsyncEngine:
    """An engine whose transactions begin and wait as this room expects.

    Args:
        url: checked by `parse_url`.
        busy_timeout: seconds SQLite waits for another writer.
        connect_timeout: seconds to reach PostgreSQL, and to wait for a free connection.
        command_timeout: seconds a PostgreSQL statement may take; None: no limit.
        idle_timeout: seconds PostgreSQL waits for the next statement of a transaction.

    Raises:
        DatabaseUrlError: the driver is not installed.
    """
    common: dict[str, Any] = {"hide_parameters": True, "pool_timeout": connect_timeout}
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_async_engine(url, connect_args={"timeout": busy_timeout}, **common)
            event.listen(engine.sync_engine, "connect", _prepare_sqlite)
            event.listen(engine.sync_engine, "begin", _begin_sqlite)
            return engine
        timeouts = {"timeout": connect_timeout, "command_timeout": command_timeout}
        engine = create_async_engine(url, connect_args=timeouts, **common)
        event.listen(engine.sync_engine, "connect", partial(_prepare_postgres, idle_timeout))
        event.listen(engine.sync_engine, "checkin", _put_away)
        event.listen(engine.sync_engine, "checkout", _take_out)
        return engine
    except ModuleNotFoundError as error:
        raise DatabaseUrlError(
            f"FEISHU_WS__DATABASE_URL needs the package {error.name}: "
            "pip install 'nonebot-plugin-feishu-ws[postgres]'"
        ) from None


def make_writer(url: URL, *, busy_timeout: float) -> Engine:
    """The engine of SQLite's one writer, see `Writer`; `busy_timeout` as above."""
    engine = create_engine(
        url.set(drivername="sqlite"),
        connect_args={"timeout": busy_timeout, "check_same_thread": False},
        poolclass=StaticPool,
        hide_parameters=True,
        execution_options={WRITES: True},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin in _begin_sqlite, not behind our back
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")  # readers and the writer do not wait for each other
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what was deleted is not found in the file either
    # FULL: what was committed survives a power cut too; an acknowledged event is never pushed again.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _prepare_postgres(idle_timeout: float, connection: Any, _record: object) -> None:
    # A process that is paused, or cut off, in the middle of a transaction must not keep its rows locked.
    # Not as a parameter of the connection: poolers in between refuse what they do not know.
    async def limit(raw: Any) -> None:
        await raw.execute(f"SET idle_in_transaction_session_timeout = {idle_timeout * 1000:.0f}")

    connection.run_async(limit)


def _put_away(_connection: object, record: Any) -> None:
    record.info["since"] = time.monotonic()


def _take_out(connection: Any, record: Any, _fairy: object) -> None:
    """A connection that died while idle is replaced without anybody noticing.

    As `pool_pre_ping`, which asks each time, in a transaction of its own: of a read it would be the larger part.
    """
    since: float | None = record.info.get("since")  # None: made just now
    if since is None or time.monotonic() - since < _FRESH:
        return
    try:
        connection.ping()
    except Exception as error:
        raise InvalidatePoolError from error


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once if somebody else wrote in between, without
    # waiting. Taking the lock at the beginning waits for it instead.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_conflict(error: BaseException) -> bool:
    """Nothing was committed and only others stood in the way: the same transaction may succeed right now.

    SQLITE_BUSY and SQLITE_LOCKED; PostgreSQL's serialization failure, deadlock and lock timeout.
    """
    original = _original(error)
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return _sqlstate(original) in ("40001", "40P01", "55P03")


def is_outage(error: BaseException) -> bool:
    """The database is at fault, not the values: gone, locked, full, read-only, out of connections, wrong
    schema.

    False for what concerns the values given: PostgreSQL's classes 22 (data), 23 (constraints), 54 (too
    large) and
    their like, and errors of Python's own on the way there.
    """
    if isinstance(error, DBAPIError) or _is_asyncpgs(error):
        return (
            not isinstance(error, DataError | IntegrityError)
            and _sqlstate(_original(error))[:2] not in _VALUES
        )
    return isinstance(error, OSError | TimeoutError | PoolTimeout)


def _is_asyncpgs(error: BaseException) -> bool:
    """Raised as it is where the connection breaks while SQLAlchemy makes ready or puts away.

    Not what asyncpg finds wrong with a value before it sends it.
    """
    return type(error).__module__.startswith("asyncpg.") and not isinstance(error, ValueError | TypeError)


def explain(error: BaseException) -> str:
    """The driver's own words in one line, without statement and parameters."""
    original = _original(error)
    first = (str(original).splitlines() or [""])[0]
    name = type(original).__name__
    return f"{name}: {first}" if first else name


def _original(error: BaseException) -> BaseException:
    """What the driver raised, beneath SQLAlchemy's wrappers."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return error


def _sqlstate(error: BaseException) -> str:
    return str(getattr(error, "sqlstate", None) or "")
