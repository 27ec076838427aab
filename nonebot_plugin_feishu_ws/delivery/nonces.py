"""What requests to webhooks were signed with: each counts once, whichever process it comes to."""

from datetime import timedelta

from sqlalchemy import delete, tuple_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, DatabaseClock, NonceRow
from .pruning import DELETE_AT_ONCE, delete_in_pieces

_KEPT = timedelta(minutes=30)
"""A signature is good for 5 minutes before and after its time, by the clock of the process that is asked."""


class Nonces:
    """Rows of `feishu_ws_nonce`, see `gateway.Nonces`.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._clock = DatabaseClock(database)
        self._insert = database.insert(NonceRow).on_conflict_do_nothing()

    async def take(self, app_id: str, nonce: str) -> bool:
        """Remember a nonce; False if it is known already. Of several that ask at the same time one is told True."""

        async def work(session: AsyncSession) -> bool:
            row = {"connector": app_id, "nonce": nonce, "taken_at": await self._clock.read(session)}
            return (await (await session.connection()).execute(self._insert, row)).rowcount == 1

        return await self._database.write(work)

    async def prune(self) -> None:
        """Forget those whose signature is no good any more."""
        async with self._database.session() as session:
            before = await self._clock.read(session) - _KEPT
        key = tuple_(col(NonceRow.connector), col(NonceRow.nonce))
        old = select(NonceRow.connector, NonceRow.nonce).where(col(NonceRow.taken_at) < before)
        await delete_in_pieces(self._database, delete(NonceRow).where(key.in_(old.limit(DELETE_AT_ONCE))))
