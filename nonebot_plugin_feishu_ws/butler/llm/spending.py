"""What people use of the model in a day, counted in the database and so over all processes; and in this one."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from pydantic_ai.usage import RunUsage
from sqlalchemy import ColumnElement, tuple_
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ...config import ButlerLimits
from ...delivery import DELETE_AT_ONCE, delete_in_pieces
from ...storage import Database, SpendingRow, utc_now
from ...telemetry import Counts

_KEPT = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Use:
    """What this process has used since it began.

    Attributes:
        tokens: `input` and `output`.
        requests: To the model's server; `sent`.
        turns: By outcome: `answered`, `waiting` for people, `stopped`, `spent` (somebody's share of the day), `failed`,
            or what is wrong with the model (`Trouble.kind`).
    """

    tokens: Counts = field(default_factory=Counts)
    requests: Counts = field(default_factory=Counts)
    turns: Counts = field(default_factory=Counts)

    def add(self, usage: RunUsage) -> None:
        """Count what was used."""
        self.tokens.add("input", by=usage.input_tokens)
        self.tokens.add("output", by=usage.output_tokens)
        self.requests.add("sent", by=usage.requests)


class Spending:
    """Counts. Every method raises DatabaseUnavailable where the database does not work.

    Args:
        database: started.
        limits: Of the settings.
    """

    def __init__(self, database: Database, limits: ButlerLimits) -> None:
        self._database = database
        self._limits = limits
        self.use = Use()

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
            begun = await self._database.write(work)
        except IntegrityError:  # another process has just made the row
            begun = await self._database.write(work)
        if not begun:
            self.use.turns.add("spent")
        return begun

    async def add(self, app_id: str, open_id: str, usage: RunUsage) -> None:
        """Count the tokens of a turn that was begun."""
        self.use.add(usage)
        tokens = usage.total_tokens
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
        key = tuple_(col(SpendingRow.connector), col(SpendingRow.open_id), col(SpendingRow.day))
        old = select(SpendingRow.connector, SpendingRow.open_id, SpendingRow.day).where(
            col(SpendingRow.day) < (_today() - _KEPT).isoformat()
        )
        await delete_in_pieces(self._database, delete(SpendingRow).where(key.in_(old.limit(DELETE_AT_ONCE))))


def _today() -> date:
    return utc_now().date()


def _is(key: tuple[str, str, str]) -> tuple[ColumnElement[bool], ...]:
    columns = col(SpendingRow.connector), col(SpendingRow.open_id), col(SpendingRow.day)
    return tuple(column == value for column, value in zip(columns, key, strict=True))
