"""How connectors are doing, shared between processes through the database."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, delete, exists, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ..delivery import Lease, orphaned
from ..storage import Database, DatabaseClock, LinkRow, StatusRow, WorkerRow, utc_now
from .headcount import Headcount
from .standing import Standing, together

_SAID = tuple(field.name for field in fields(Standing))
_BELIEVED = timedelta(seconds=75)
"""A report is renewed every 30 s (`runtime.keeper`): an older one is of the dead, where nobody removes their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Standing):
    """What one process last said of a connector.

    Attributes:
        worker: The process, see `Lease`.
        label: Its host and number, for people.
    """

    worker: str
    label: str
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported(Standing):
    """What the processes that run a connector last said of it.

    Attributes:
        held: Disconnected by hand.
        strangers: Open connections of the app that are not ours, as far as Feishu tells; they take events away.
        updated_at: When one of them last said anything; None: it runs nowhere.
        parts: What each process said, the one that began first, first.
    """

    held: bool = False
    strangers: int = 0
    updated_at: datetime | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What people have asked of a connector.

    Attributes:
        held: To be disconnected.
        asked: How often they have asked for a connection; a new number is a new wish.
    """

    held: bool
    asked: int


@dataclass(frozen=True, slots=True)
class Look:
    """A look at an app's connections, and what it adds to the one before.

    Attributes:
        count: What was seen.
        strangers: Those seen by this look and the one before: the platform notices the end of a connection late.
        known: How many strangers were known before.
    """

    count: Headcount
    strangers: int
    known: int


class Statuses:
    """Reads and writes `feishu_ws_status` and `feishu_ws_link`.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._time = DatabaseClock(database).read  # processes on several machines have several clocks
        self._lease: Lease | None = None

    @property
    def worker(self) -> str:
        """Who reports: another one after this process was fenced off. Empty in a process that runs no connectors."""
        return "" if self._lease is None else self._lease.id

    def work_as(self, lease: Lease) -> None:
        """Say who this process is. Before `report` and `release_all`."""
        self._lease = lease

    # --- what people asked for --------------------------------------------------------------------------------

    async def wishes(self) -> dict[str, Wish]:
        """What people have asked of connectors since the bot was started, by app id; only those they have."""
        async with self._database.session() as session:
            columns = StatusRow.app_id, StatusRow.held, StatusRow.asked
            statement = select(*columns).where(or_(col(StatusRow.held), col(StatusRow.asked) > 0))
            return {
                app_id: Wish(held, asked) for app_id, held, asked in (await session.exec(statement)).all()
            }

    async def hold(self, app_id: str, held: bool) -> None:
        """Ask that a connector be disconnected, or be connected again."""
        asked = 0 if held else 1
        row = {"app_id": app_id, "held": held, "asked": asked, "updated_at": utc_now()}

        async def work(session: AsyncSession) -> None:
            changed = {"held": held, "asked": col(StatusRow.asked) + asked}
            await self._upsert(session, StatusRow, [row], ["app_id"], changed)

        await self._database.write(work)

    async def release_all(self) -> None:
        """Nothing is held any more if the bot is started anew: unless another process has been at work for a while.

        Of replicas that start together each may be the first; all of them release then.
        """

        async def work(session: AsyncSession) -> None:
            release = update(StatusRow).values(held=False)
            if not self._database.is_sqlite:  # an SQLite file has one bot
                others = col(WorkerRow.id) != self.worker, col(WorkerRow.beat) > 0
                release = release.where(~exists().where(*others))
            await session.exec(release)
            await session.exec(delete(LinkRow).where(orphaned(col(LinkRow.worker))))

        await self._database.write(work)

    # --- how they are doing -----------------------------------------------------------------------------------

    async def all(self) -> dict[str, Reported]:
        """Every report, by app id. What a process that has died left behind counts for nothing."""
        async with self._database.session() as session:
            living = (
                select(LinkRow, WorkerRow.label)
                .where(*await self._alive(session))
                .order_by(col(WorkerRow.started_at), col(WorkerRow.id))
            )
            links = (await session.exec(living)).all()
            rows = {row.app_id: row for row in (await session.exec(select(StatusRow))).all()}
        parts: dict[str, list[Part]] = {app_id: [] for app_id in rows}
        for link, label in links:
            parts.setdefault(link.app_id, []).append(Part(**link.model_dump(exclude={"app_id"}), label=label))
        return {app_id: _reported(rows.get(app_id), said) for app_id, said in parts.items()}

    async def report(self, standings: Mapping[str, Standing]) -> None:
        """Say how this process's links are doing; what people asked for stays as it is.

        Raises:
            Fenced: This process is taken for dead by the others.
        """
        if not standings:
            return
        lease = self._lease
        assert lease is not None, "work_as was called"

        async def work(session: AsyncSession) -> None:
            common = {"worker": await lease.hold(session), "updated_at": await self._time(session)}
            rows = [
                {"app_id": app_id, **{name: getattr(said, name) for name in _SAID}, **common}
                for app_id, said in standings.items()
            ]
            await self._upsert(session, LinkRow, rows, ["app_id", "worker"])

        await self._database.write(work)

    async def forget(self) -> None:
        """Take back what this process has reported: it runs no connector any more."""

        async def work(session: AsyncSession) -> None:
            await session.exec(delete(LinkRow).where(col(LinkRow.worker) == self.worker))

        await self._database.write(work)

    # --- what the platform sees -------------------------------------------------------------------------------

    async def may_look(self, app_id: str, every: timedelta) -> bool:
        """Ask for the right to count an app's connections now: one process has it, once in that time."""

        async def work(session: AsyncSession) -> bool:
            now = await self._time(session)
            due = or_(col(StatusRow.online_at).is_(None), col(StatusRow.online_at) <= now - every)
            rows = [{"app_id": app_id, "held": False, "asked": 0, "online_at": now, "updated_at": now}]
            return await self._upsert(session, StatusRow, rows, ["app_id"], {"online_at": now}, due) == 1

        return await self._database.write(work)

    async def looked(self, app_id: str, online: int) -> Look:
        """Remember what the platform sees: its open connections of the app, whoever opened them. After `may_look`."""

        async def work(session: AsyncSession) -> Look:
            own = select(func.coalesce(func.sum(LinkRow.connections), 0)).where(
                *await self._alive(session), col(LinkRow.app_id) == app_id
            )
            count = Headcount(online, (await session.exec(own)).one())
            row = (await session.exec(select(StatusRow).where(col(StatusRow.app_id) == app_id))).one()
            known = row.strangers
            row.strangers = min(row.suspected, count.strangers)
            row.online, row.suspected = online, count.strangers
            return Look(count, row.strangers, known)

        return await self._database.write(work)

    # --- in common --------------------------------------------------------------------------------------------

    async def _alive(self, session: AsyncSession) -> tuple[ColumnElement[bool], ...]:
        """Of links: their process is at work, as far as anybody knows."""
        since = await self._time(session) - _BELIEVED
        return col(WorkerRow.id) == col(LinkRow.worker), col(LinkRow.updated_at) > since

    async def _upsert(
        self,
        session: AsyncSession,
        table: type[LinkRow | StatusRow],
        rows: Sequence[Mapping[str, Any]],
        keys: Sequence[str],
        changed: Mapping[str, Any] | None = None,
        only: ColumnElement[bool] | None = None,
    ) -> int:
        """Insert rows; of those that are there change some columns, else all.

        Returns:
            How many were inserted or changed, if it was one row.
        """
        insert = self._database.insert(table)
        values = changed or {name: insert.excluded[name] for name in rows[0] if name not in keys}
        statement = insert.on_conflict_do_update(index_elements=keys, set_=values, where=only)
        connection = await session.connection()
        return (await connection.execute(statement, [dict(row) for row in rows])).rowcount


def _reported(row: StatusRow | None, parts: Sequence[Part]) -> Reported:
    all_told = together(parts)
    return Reported(
        **asdict(all_told),
        held=row is not None and row.held,
        strangers=row.strangers if row is not None and all_told.connections else 0,
        updated_at=max((part.updated_at for part in parts), default=None),
        parts=tuple(parts),
    )
