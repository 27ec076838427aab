"""What is open in a browser, kept up to date: a stream that says which kind of thing has changed (server-sent events).

The page then asks for itself once more and takes the new parts of it (htmx), so that what may be seen is decided in
one place. What changes is looked for in the database, where every process writes: the bot's, a shell, other replicas.
"""

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, func, select
from sqlalchemy.orm import Mapped
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from ...storage import (
    ApprovalRow,
    Base,
    ConnectorRow,
    Database,
    DatabaseUnavailable,
    EventRow,
    EventState,
    LinkRow,
    LogRow,
    StatusRow,
)

Marks = Mapping[str, str]
"""For each topic something that is another one whenever anything of it has changed."""


class Watch:
    """Looks for changes, for all open pages together.

    Args:
        database: Started.
        every: Seconds between two looks.
    """

    def __init__(self, database: Database, every: float = 0.5) -> None:
        self.every = every
        self._database = database
        self._marks: Marks = {}
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def marks(self) -> Marks:
        """How things are; while the database is away, as they were."""
        async with self._looking:
            if time.monotonic() - self._looked >= self.every:
                with contextlib.suppress(DatabaseUnavailable):
                    async with self._database.session() as session:
                        self._marks = await _look(session)
                self._looked = time.monotonic()
            return self._marks


def _columns(table: type[Base], *names: str) -> list[Mapped[Any]]:
    return [col(getattr(table, name)) for name in names]


_LOOKS: Mapping[str, Sequence[Executable]] = {
    "connectors": (
        select(*_columns(ConnectorRow, "id", "updated_at")),
        select(*_columns(StatusRow, "app_id", "held", "strangers")),
        select(*_columns(LinkRow, *(LinkRow.model_fields.keys() - {"updated_at"}))),
    ),
    "log": (select(func.max(LogRow.id)),),
    "approvals": (
        select(*_columns(ApprovalRow, "state"), func.count(), func.max(ApprovalRow.finished_at)).group_by(
            col(ApprovalRow.state)
        ),
    ),
    "letters": (select(func.count(), func.max(EventRow.id)).where(col(EventRow.state) == EventState.DEAD),),
}


async def _look(session: AsyncSession) -> Marks:
    connection = await session.connection()
    marks: dict[str, str] = {}
    for topic, looks in _LOOKS.items():
        found = [[list(row) for row in (await connection.execute(look)).all()] for look in looks]
        marks[topic] = hashlib.sha256(json.dumps(found, default=str).encode()).hexdigest()
    return marks
