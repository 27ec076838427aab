"""How links are doing, shared between processes through the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ..gateway import State, Status
from ..storage import Database, LinkRow, StatusRow, utc_now

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
    """Reads and writes `feishu_ws_status` and `feishu_ws_link`.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.worker = ""
        self._dialect = sqlite if database.is_sqlite else postgresql

    async def all(self) -> dict[str, Reported]:
        """Every report, by app id. What a process that has died left behind is `disconnected`."""
        async with self._database.session() as session:
            links = (await session.exec(select(LinkRow).order_by(col(LinkRow.updated_at)))).all()
            held = set((await session.exec(select(StatusRow.app_id).where(col(StatusRow.held)))).all())
        believed = utc_now() - _BELIEVED
        reports = {app_id: Reported(held=True) for app_id in held}
        for row in links:
            values = row.model_dump(exclude={"app_id", "worker", "connections"})
            report = Reported(**values, held=row.app_id in held)
            dead = report.updated_at is not None and report.updated_at <= believed
            reports[row.app_id] = replace(report, state="disconnected", connected_at=None) if dead else report
        return reports

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
                "worker": self.worker,
                "connections": int(status.state is State.CONNECTED),
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
            await self._upsert(
                LinkRow, rows, ["app_id", "worker"], [name for name in rows[0] if name != "app_id"]
            )

    async def hold(self, app_id: str, held: bool) -> None:
        """Ask that a connector be disconnected, or be connected again."""
        asked = 0 if held else 1
        row = {"app_id": app_id, "held": held, "asked": asked, "updated_at": utc_now()}
        await self._upsert(StatusRow, [row], ["app_id"], ["held"], asked=col(StatusRow.asked) + asked)

    async def release_all(self) -> None:
        """Nothing is held any more: the bot was started anew."""

        async def work(session: AsyncSession) -> None:
            await session.exec(update(StatusRow).values(held=False))
            await session.exec(delete(LinkRow))

        await self._database.write(work)

    async def _upsert(
        self,
        table: type[LinkRow | StatusRow],
        rows: Sequence[Mapping[str, object]],
        keys: Sequence[str],
        changed: Sequence[str],
        **computed: ColumnElement[int],
    ) -> None:
        insert = self._dialect.insert(table)
        statement = insert.on_conflict_do_update(
            index_elements=keys, set_={**{name: insert.excluded[name] for name in changed}, **computed}
        )

        async def work(session: AsyncSession) -> None:
            await (await session.connection()).execute(statement, [dict(row) for row in rows])

        await self._database.write(work)
