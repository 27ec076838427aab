"""How links are doing, shared between processes through the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ..gateway import Status
from ..storage import Database, StatusRow, utc_now

_BELIEVED = timedelta(seconds=75)
"""A report is renewed every 20 s (`runtime.keeper`): whoever wrote an older one has died."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What the process that runs a connector last said of it.

    Attributes:
        state: The contract's states, less `disabled`.
        held: Disconnected by hand.
        reason: The kind of error, as `gateway.Reason`.
    """

    state: str = "disconnected"
    held: bool = False
    connected_at: datetime | None = None
    last_heartbeat: datetime | None = None
    last_event_at: datetime | None = None
    attempt: int = 0
    error: str | None = None
    reason: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What people have asked of a connector.

    Attributes:
        held: To be disconnected.
        asked: How often they have asked for a connection; a new number is a new wish.
    """

    held: bool
    asked: int


class Statuses:
    """Reads and writes `feishu_ws_status`.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = sqlite if database.is_sqlite else postgresql

    async def all(self) -> dict[str, Reported]:
        """Every report, by app id. What a process that has died left behind is `disconnected`."""
        async with self._database.session() as session:
            rows = (await session.exec(select(StatusRow))).all()
        believed = utc_now() - _BELIEVED
        reports = {row.app_id: Reported(**row.model_dump(exclude={"app_id", "asked"})) for row in rows}
        return {
            app_id: report
            if report.updated_at is None or report.updated_at > believed
            else replace(report, state="disconnected", connected_at=None)
            for app_id, report in reports.items()
        }

    async def wishes(self) -> dict[str, Wish]:
        """What people have asked of connectors since the bot was started, by app id."""
        async with self._database.session() as session:
            statement = select(StatusRow.app_id, StatusRow.held, StatusRow.asked)
            return {
                app_id: Wish(held, asked) for app_id, held, asked in (await session.exec(statement)).all()
            }

    async def report(self, statuses: Mapping[str, Status]) -> None:
        """Say how links are doing; whether they are held stays as it is."""
        now = utc_now()
        rows = [
            {
                "app_id": app_id,
                "held": False,
                "asked": 0,
                "state": status.state.value,
                "connected_at": status.connected_at,
                "last_heartbeat": status.last_heartbeat,
                "last_event_at": status.last_event_at,
                "attempt": status.attempt,
                "error": None if status.error is None else str(status.error),
                "reason": None if status.error is None else status.error.reason.value,
                "updated_at": now,
            }
            for app_id, status in statuses.items()
        ]
        if rows:
            await self._upsert(rows, [name for name in rows[0] if name not in ("app_id", "held", "asked")])

    async def hold(self, app_id: str, held: bool) -> None:
        """Ask that a connector be disconnected, or be connected again."""
        asked = 0 if held else 1
        row = {
            "app_id": app_id,
            "held": held,
            "asked": asked,
            "state": "disconnected",
            "attempt": 0,
            "updated_at": utc_now(),
        }
        await self._upsert([row], ["held"], asked=col(StatusRow.asked) + asked)

    async def release_all(self) -> None:
        """Nothing is held any more: the bot was started anew."""

        async def work(session: AsyncSession) -> None:
            await session.exec(update(StatusRow).values(held=False, state="disconnected"))

        await self._database.write(work)

    async def _upsert(
        self, rows: Sequence[Mapping[str, object]], changed: Sequence[str], **computed: ColumnElement[int]
    ) -> None:
        insert = self._dialect.insert(StatusRow)
        statement = insert.on_conflict_do_update(
            index_elements=["app_id"], set_={**{name: insert.excluded[name] for name in changed}, **computed}
        )

        async def work(session: AsyncSession) -> None:
            await (await session.connection()).execute(statement, [dict(row) for row in rows])

        await self._database.write(work)
