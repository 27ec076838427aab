"""The schema is brought up to date by alembic, from migrations inside the package.

Migrations only ever add: a process of the previous version goes on working beside the new one, and a database
that is ahead of this code (an update was rolled back, a replica restarts half-way) is used as it is.
"""

import asyncio
import time
from pathlib import Path

from sqlalchemy import Connection, String, column, inspect, select, table, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from .dialects import WRITES, explain, is_conflict, is_outage, make_engine
from .errors import DatabaseUnavailable, MigrationError

NEWEST = "0007"
"""The revision this version of the plugin brings."""
VERSION_TABLE = "feishu_ws_version"
# Any number will do that nobody else uses: "feishuws" in ASCII.
_PG_LOCK = int.from_bytes(b"feishuws", "big", signed=True)
_PATIENCE = 60.0


def current(connection: Connection) -> str | None:
    """The revision a database is at; None before its first migration."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(select(column("version_num", String)).select_from(table(VERSION_TABLE)))


async def migrate(url: URL, *, connect_timeout: float) -> None:
    """Bring the schema up to date; where several processes start together one does it and the others wait.

    Raises:
        DatabaseUnavailable: it cannot be reached or opened.
        MigrationError: a migration failed; nothing was changed.
    """
    # An engine of its own: others may take their time here, and so may statements.
    engine = make_engine(
        url,
        busy_timeout=_PATIENCE,
        connect_timeout=connect_timeout,
        command_timeout=None,
        idle_timeout=_PATIENCE,
    )
    give_up = time.monotonic() + _PATIENCE
    try:
        while True:
            try:
                await _migrate(engine, url)
                return
            except Exception as error:
                # While a new file is switched to write-ahead logging SQLite refuses others without waiting.
                if not is_conflict(error) or time.monotonic() > give_up:
                    raise
            await asyncio.sleep(0.05)
    except Exception as error:
        if is_outage(error):
            raise DatabaseUnavailable(explain(error)) from error
        raise MigrationError(f"the database could not be brought up to date: {explain(error)}") from error
    finally:
        await engine.dispose()


async def _migrate(engine: AsyncEngine, url: URL) -> None:
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(Path(url.database or "").parent.mkdir, parents=True, exist_ok=True)
    async with engine.execution_options(**{WRITES: True}).begin() as connection:
        if url.get_backend_name() == "postgresql":
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _PG_LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    revision = current(connection)
    if revision != NEWEST:
        from .upgrade import upgrade  # alembic, which most starts have no use for

        upgrade(connection, revision)
