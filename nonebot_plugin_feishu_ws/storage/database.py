"""The database: one engine, sessions, and writes that survive being in somebody's way."""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from .base import Base
from .dialects import explain, is_conflict, is_outage, make_engine, make_writer, parse_url
from .errors import DatabaseUnavailable
from .lull import Lull
from .migrate import NEWEST, current, migrate
from .native import Native
from .writer import Writer

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Database:
    """One database. Make it, `start()` it, `close()` it; all on one event loop.

    Args:
        url: `sqlite+aiosqlite:///…` or `postgresql+asyncpg://…`.
        busy_timeout: seconds SQLite waits for another process's write.
        connect_timeout: seconds to reach PostgreSQL, and to wait for a free connection.
        command_timeout: seconds a PostgreSQL statement may take.
        attempts: how often `write` tries when only others stand in the way.
        linger: seconds after a commit in which `moment` lets others gather.

    Raises:
        DatabaseUrlError: the URL is malformed, not supported, or its driver is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        busy_timeout: float = 2.0,
        connect_timeout: float = 5.0,
        command_timeout: float = 15.0,
        attempts: int = 4,
        linger: float = 0.002,
    ) -> None:
        self._url = parse_url(url)
        self._engine = make_engine(
            self._url,
            busy_timeout=busy_timeout,
            connect_timeout=connect_timeout,
            command_timeout=command_timeout,
        )
        # PostgreSQL shows each statement what is committed by then, so a transaction would only cost its begin and end.
        self._reader = (
            self._engine if self.is_sqlite else self._engine.execution_options(isolation_level="AUTOCOMMIT")
        )
        self.native = Native(self._engine.dialect)
        """Statements for what is written with every event."""
        self._connect_timeout = connect_timeout
        self._attempts = attempts
        self._lull = Lull(linger)
        # SQLite has one writer. In one process waiting in line is faster and fairer than polling for the lock.
        self._writer = Writer(make_writer(self._url, busy_timeout=busy_timeout)) if self.is_sqlite else None

    @override
    def __repr__(self) -> str:
        return f"Database({self._url.render_as_string(hide_password=True)!r})"

    @property
    def is_sqlite(self) -> bool:
        """SQLite: one file, one writer at a time."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path | None:
        """SQLite's file; None on PostgreSQL."""
        return Path(self._url.database or "") if self.is_sqlite else None

    def insert(self, table: type[Base]) -> "sqlite.Insert | postgresql.Insert":
        """An insert that knows "on conflict": spelled the same on both, yet part of no standard."""
        if self.is_sqlite:
            from sqlalchemy.dialects import sqlite as dialect
        else:
            from sqlalchemy.dialects import postgresql as dialect  # 2 MiB

        return dialect.insert(table)

    async def start(self) -> None:
        """Bring the schema up to date. May be called again after it failed, and by several processes at once.

        Raises:
            DatabaseUnavailable: it cannot be reached or opened.
            MigrationError: the schema could not be brought up to date; nothing was changed.
        """
        await migrate(self._url, connect_timeout=self._connect_timeout)

    async def revisions(self) -> tuple[str | None, str]:
        """The schema's revision (None: there is none yet) and the one `start` brings. Changes nothing.

        Raises:
            DatabaseUnavailable: it cannot be reached or opened.
        """
        if self.path is not None and not self.path.exists():
            return None, NEWEST  # to look into it would make the file
        async with self.session() as session:
            connection = await session.connection()
            return await connection.run_sync(current), NEWEST

    async def settle(self) -> None:
        """Leave nothing of what was deleted in SQLite's write-ahead log, unless somebody reads all the time. PostgreSQL
        sees to it by itself, later (VACUUM).

        Raises:
            DatabaseUnavailable: it cannot be reached or used.
        """
        if self.is_sqlite:
            async with self.session() as session:
                connection = await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
                await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Close every connection. The object can be used again after `start()`."""
        if self._writer is not None:
            await self._writer.close()
        await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A session for reading; what it loaded stays usable afterwards.

        Raises:
            DatabaseUnavailable: the database cannot be reached or used.
        """
        try:
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session
        except Exception as error:
            if is_outage(error):
                raise DatabaseUnavailable(explain(error)) from error
            raise

    async def moment(self) -> None:
        """Wait until it is a good time to write: whoever does so now shares a commit with those who have waited too.
        At once when nothing was written for a while; else some milliseconds."""
        if self._writer is not None:
            await self._writer.under_way()
        await self._lull.over()

    async def write(self, work: Callable[[AsyncSession], Awaitable[_T]], *, shared: bool = False) -> _T:
        """Run `work` in one transaction and commit it.

        Where only others stood in the way (a lock, a deadlock, a serialization failure) nothing was committed, and it
        is run again with a fresh session a few times: `work` must not leave anything behind but rows. Nor may it wait
        for anything but its session: on SQLite it runs in a thread, see `Writer`.

        Args:
            work: makes up the transaction.
            shared: SQLite may commit it together with others that are written now; refused (see below) is each for
                itself. For statements: `work` neither adds rows as objects nor rolls back.

        Raises:
            DatabaseUnavailable: the database cannot be reached or used, or stayed locked. Whether the
                transaction was committed is unknown if the connection broke.
            Exception: whatever else `work` or the commit raised, such as IntegrityError; nothing was
                committed.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                result = await self._transact(work, shared=shared)
                self._lull.begin()
                return result
            except Exception as error:
                if is_conflict(error) and attempt < self._attempts:
                    _log.debug("transaction stood in somebody's way, again: %s", explain(error))
                elif is_outage(error):
                    raise DatabaseUnavailable(explain(error)) from error
                else:
                    raise
            await asyncio.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 - not for secrecy

    async def _transact(self, work: Callable[[AsyncSession], Awaitable[_T]], *, shared: bool) -> _T:
        if self._writer is not None:
            return await self._writer.write(work, shared=shared)
        async with AsyncSession(self._engine, expire_on_commit=False) as session:
            result = await work(session)
            await session.commit()
            return result
