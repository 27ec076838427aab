"""What people use of the model in a day, counted in the database and so over all processes."""

from datetime import date, timedelta

from sqlalchemy import ColumnElement
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ...config import ButlerLimits
from ...storage import Database, SpendingRow, utc_now

_KEPT = timedelta(days=8)


class Spending:
    """Counts. Every method raises DatabaseUnavailable where the database does not work.

    Args:
        database: started.
        limits: Of the settings.
    """

    def __init__(self, database: Database, limits: ButlerLimits) -> None:
        self._database = database
        self._limits = limits

    async def begin(self, app_id: str, open_id: str) -> bool:
        """Count a turn; False, and nothing is counted, if this person has used up the day's share."""
        key = app_id, open_id, _today().isoformat()

        async def work(session: AsyncSession) -> bool:
            row = await session.get(SpendingRow, key)
            if row is None:
                session.add(SpendingRow(connector=app_id, open_id=open_id, day=key[2], turns=1))
                await session.flush()
                return True
            step = update(SpendingRow).where(
                *_is(key),
                col(SpendingRow.turns) < self._limits.daily_turns,
                col(SpendingRow.tokens) < self._limits.daily_tokens,
            )
            return bool((await session.exec(step.values(turns=SpendingRow.turns + 1))).rowcount)

        try:
            return await self._database.write(work)
        except IntegrityError:  # another process has just made the row
            return await self._database.write(work)

    async def add(self, app_id: str, open_id: str, tokens: int) -> None:
        """Count tokens of a turn that was begun."""
        key = app_id, open_id, _today().isoformat()

        async def work(session: AsyncSession) -> None:
            step = update(SpendingRow).where(*_is(key)).values(tokens=SpendingRow.tokens + tokens)
            if not (await session.exec(step)).rowcount:  # it is another day by now
                session.add(SpendingRow(connector=app_id, open_id=open_id, day=key[2], tokens=tokens))

        try:
            await self._database.write(work)
        except IntegrityError:
            await self._database.write(work)

    async def prune(self) -> None:
        """Forget days that are over."""
        old = delete(SpendingRow).where(col(SpendingRow.day) < (_today() - _KEPT).isoformat())

        async def work(session: AsyncSession) -> None:
            await session.exec(old)

        await self._database.write(work)


def _today() -> date:
    return utc_now().date()


def _is(key: tuple[str, str, str]) -> tuple[ColumnElement[bool], ...]:
    columns = col(SpendingRow.connector), col(SpendingRow.open_id), col(SpendingRow.day)
    return tuple(column == value for column, value in zip(columns, key, strict=True))
