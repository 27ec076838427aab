"""Where somebody last spoke to a bot."""

from sqlmodel import col, select

from ..storage import Database, EventRow


async def latest_chat(database: Database, app_id: str) -> str | None:
    """The chat of the latest event of an app that came from one; None if there is none.

    Raises:
        DatabaseUnavailable: The database is away.
    """
    statement = (
        select(EventRow.chat_id)
        .where(col(EventRow.connector) == app_id, col(EventRow.chat_id).is_not(None))
        .order_by(col(EventRow.id).desc())
        .limit(1)
    )
    async with database.session() as session:
        return (await session.exec(statement)).first()
