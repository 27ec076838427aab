"""Dead letters: events that were given up, for people to see and to have handled after all."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, EventRow, EventState
from .events import NOBODY


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event nobody tries to handle any more.

    Attributes:
        attempts: How often it was handed out.
        error: Why it was given up.
    """

    row_id: int
    app_id: str
    event_id: str
    event_type: str
    chat_id: str | None
    message_id: str | None
    received_at: datetime
    attempts: int
    error: str | None


async def dead_letters(database: Database, app_ids: Collection[str], *, limit: int = 50) -> list[DeadLetter]:
    """The dead letters of some apps, the latest first.

    Args:
        database: started.
        app_ids: the bots'.
        limit: how many at most.

    Raises:
        DatabaseUnavailable: the database is away.
    """
    wanted = (
        select(EventRow)
        .where(col(EventRow.connector).in_(app_ids), col(EventRow.state) == EventState.DEAD)
        .order_by(col(EventRow.id).desc())
        .limit(limit)
    )
    async with database.session() as session:
        rows = (await session.exec(wanted)).all()
    return [
        DeadLetter(
            row_id=row.id or 0,
            app_id=row.connector,
            event_id=row.event_id,
            event_type=row.event_type,
            chat_id=row.chat_id,
            message_id=row.message_id,
            received_at=row.received_at,
            attempts=row.attempts,
            error=row.error,
        )
        for row in rows
    ]


async def replay(database: Database, app_id: str, event_id: str | None = None) -> int:
    """Have dead letters handled after all, as if they had just come in; whoever runs the connector takes them within
    a second or two. Asked for by several at once it happens once.

    Args:
        database: started.
        app_id: the bot's.
        event_id: only this event; None: all of the app's.

    Returns:
        How many there were.

    Raises:
        DatabaseUnavailable: the database is away.
    """
    statement = (
        update(EventRow)
        .where(col(EventRow.connector) == app_id, col(EventRow.state) == EventState.DEAD)
        .values(state=EventState.RECEIVED, attempts=0, owner=NOBODY, done_at=None, error=None)
    )
    if event_id is not None:
        statement = statement.where(col(EventRow.event_id) == event_id)

    async def work(session: AsyncSession) -> int:
        return (await (await session.connection()).execute(statement)).rowcount

    return await database.write(work)
