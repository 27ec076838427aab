"""The approvals' share of the database: many clicks at once wait in line for it, instead of for each other's
connections, and leave some to those who take in messages.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from ...storage import Database

_AT_ONCE = 6  # of the 15 connections of a process
_T = TypeVar("_T")


class Share:
    """A few transactions at a time. Methods as those of `Database`.

    Args:
        database: started.
        at_once: how many.
    """

    def __init__(self, database: Database, at_once: int = _AT_ONCE) -> None:
        self._database = database
        self._room = asyncio.Semaphore(at_once)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A session for reading."""
        async with self._room, self._database.session() as session:
            yield session

    async def write(self, work: Callable[[AsyncSession], Awaitable[_T]]) -> _T:
        """Run `work` in one transaction and commit it."""
        async with self._room:
            return await self._database.write(work)
