"""What time it is, for everybody: clocks of several machines are never compared (faults.md 32)."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, func, literal
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from .base import UtcDateTime, utc_now
from .database import Database


class DatabaseClock:
    """PostgreSQL's own clock; SQLite's file belongs to one machine, and so does its time.

    Args:
        database: whose.
        now: the time on SQLite, aware.
    """

    def __init__(self, database: Database, now: Callable[[], datetime] = utc_now) -> None:
        self._own = not database.is_sqlite
        self._now = now

    def sql(self) -> ColumnElement[datetime]:
        """The time, for a statement that is made now."""
        return func.now(type_=UtcDateTime) if self._own else literal(self._now(), UtcDateTime)

    async def read(self, session: AsyncSession) -> datetime:
        """The time."""
        return (await session.exec(select(self.sql()))).one() if self._own else self._now()
