"""Deleting much without keeping anybody waiting."""

import asyncio

from sqlalchemy import Delete
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database

DELETE_AT_ONCE = 500
"""Rows: what one transaction may delete."""
_PAUSE = 0.01  # seconds between two of them: whoever waits to write comes first


async def delete_in_pieces(database: Database, statement: Delete) -> int:
    """Run a statement that deletes at most `DELETE_AT_ONCE` rows until there are none left for it.

    Returns:
        How many were deleted.

    Raises:
        DatabaseUnavailable: the database is away.
    """

    async def work(session: AsyncSession) -> int:
        return (await (await session.connection()).execute(statement)).rowcount

    deleted = 0
    while (now := await database.write(work)) > 0:
        deleted += now
        await asyncio.sleep(_PAUSE)
    return deleted
