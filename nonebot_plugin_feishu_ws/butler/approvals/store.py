"""The rows, and the steps they may take.

PENDING → APPROVED → EXECUTING → DONE | FAILED | UNKNOWN, or PENDING → REJECTED | EXPIRED | CANCELLED. Each step is one
conditional UPDATE: of any number that race, in any number of processes, one changes the row, and the others find what
it has become. Nothing here asks who may; that is `rules`.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Update, and_, delete, or_
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ...delivery import orphaned
from ...storage import ApprovalCardRow, ApprovalRow, ApprovalState, DatabaseClock, EventRow, one_of
from ...telemetry import Counts
from .share import Share

OVER = frozenset(
    {
        ApprovalState.DONE,
        ApprovalState.FAILED,
        ApprovalState.UNKNOWN,
        ApprovalState.REJECTED,
        ApprovalState.EXPIRED,
        ApprovalState.CANCELLED,
    }
)
"""States after which nothing comes; `finished_at` says that the chat was told."""

_PRUNED_AT_ONCE = 200

Then = Callable[[AsyncSession, ApprovalRow], Awaitable[None]]
"""More for the same transaction."""


class ApprovalStore:
    """Reads and writes `feishu_ws_approval` and `feishu_ws_approvalcard`.

    Every method raises DatabaseUnavailable where the database does not work.

    Args:
        database: started.
        clock: its time.
    """

    def __init__(self, database: Share, clock: DatabaseClock) -> None:
        self._database = database
        self._clock = clock
        self.settled = Counts()
        """Approvals whose end this process has told, by state; over all processes each is told once."""

    # --- looking --------------------------------------------------------------------------------------------

    async def get(self, approval_id: str) -> ApprovalRow | None:
        async with self._database.session() as session:
            return await session.get(ApprovalRow, approval_id)

    async def pending(self, limit: int) -> Sequence[ApprovalRow]:
        """What waits for a decision, oldest first."""
        async with self._database.session() as session:
            waiting = and_(
                col(ApprovalRow.state) == ApprovalState.PENDING,
                col(ApprovalRow.expires_at) > self._clock.sql(),
            )
            found = select(ApprovalRow).where(waiting).order_by(col(ApprovalRow.created_at)).limit(limit)
            return (await session.exec(found)).all()

    async def decided(self, limit: int) -> Sequence[ApprovalRow]:
        """What does not wait for a decision any more, the latest first."""
        async with self._database.session() as session:
            found = (
                select(ApprovalRow)
                .where(col(ApprovalRow.state) != ApprovalState.PENDING)
                .order_by(col(ApprovalRow.decided_at).desc(), col(ApprovalRow.id))
                .limit(limit)
            )
            return (await session.exec(found)).all()

    async def due(self, apps: Collection[str], owner: str, limit: int) -> Sequence[ApprovalRow]:
        """What must be seen to, of some bots: what is past its time, approved, left by a worker that died, begun by
        `owner`, or over and not yet told."""
        state = col(ApprovalRow.state)
        async with self._database.session() as session:
            wanted = or_(
                and_(state == ApprovalState.PENDING, col(ApprovalRow.expires_at) <= self._clock.sql()),
                state == ApprovalState.APPROVED,
                and_(state == ApprovalState.EXECUTING, self._free_or(owner)),
                state.in_(OVER),
            )
            found = (
                select(ApprovalRow)
                .where(
                    col(ApprovalRow.finished_at).is_(None), one_of(col(ApprovalRow.connector), apps), wanted
                )
                .order_by(col(ApprovalRow.created_at))
                .limit(limit)
            )
            return (await session.exec(found)).all()

    async def origin(self, row: ApprovalRow) -> tuple[bytes | None, bool]:
        """Where it came from, and whether that is too long ago.

        Returns:
            The event that asked, as it was received (None: it is no longer kept); and whether it was approved longer
            ago than it would have waited: what has changed since nobody knows.
        """
        payload = select(EventRow.payload).where(
            col(EventRow.connector) == row.connector, col(EventRow.event_id) == row.event_id
        )
        async with self._database.session() as session:
            now = await self._clock.read(session)
            late = row.decided_at is not None and now - row.decided_at > row.expires_at - row.created_at
            return (await session.exec(payload)).first(), late

    # --- steps ----------------------------------------------------------------------------------------------

    async def decide(
        self, approval_id: str, state: ApprovalState, by: str
    ) -> tuple[ApprovalRow | None, bool]:
        """PENDING → APPROVED, REJECTED or CANCELLED, unless its time is over.

        Returns:
            The row as it is now, and whether this call changed it.
        """

        async def work(session: AsyncSession) -> tuple[ApprovalRow | None, bool]:
            now = self._clock.sql()
            pending = _from(approval_id, ApprovalState.PENDING)
            step = pending.where(col(ApprovalRow.expires_at) > now)
            row = await _became(session, step.values(state=state, decided_by=by, decided_at=now))
            if row is not None:
                return row, True
            row = await session.get(ApprovalRow, approval_id)
            if row is not None and row.state is ApprovalState.PENDING:
                late = pending.values(state=ApprovalState.EXPIRED, decided_at=now)
                row = await _became(session, late) or await session.get(
                    ApprovalRow, approval_id, populate_existing=True
                )
            return row, False

        return await self._database.write(work)

    async def expire(self, approval_id: str) -> bool:
        """PENDING → EXPIRED, once its time is over."""

        async def work(session: AsyncSession) -> bool:
            now = self._clock.sql()
            step = _from(approval_id, ApprovalState.PENDING).where(col(ApprovalRow.expires_at) <= now)
            return await _took(session, step.values(state=ApprovalState.EXPIRED, decided_at=now))

        return await self._database.write(work)

    async def claim(self, approval_id: str, hold: Callable[[AsyncSession], Awaitable[str]]) -> str | None:
        """APPROVED → EXECUTING, by one worker.

        Args:
            approval_id: Which.
            hold: The worker's `Lease.hold`.

        Returns:
            The owner that may carry it out now; None: somebody else does.

        Raises:
            Fenced: This worker is taken for dead.
        """
        return await self._take(approval_id, hold, ApprovalState.APPROVED, None)

    async def reclaim(
        self, approval_id: str, dead: str, hold: Callable[[AsyncSession], Awaitable[str]]
    ) -> str | None:
        """EXECUTING → EXECUTING by another worker, where the one that had it died: for what may run again.

        Args:
            approval_id, hold: See `claim`.
            dead: The worker that had it when somebody looked; by now it may be another.
        """
        return await self._take(approval_id, hold, ApprovalState.EXECUTING, _left_by(dead))

    async def _take(
        self,
        approval_id: str,
        hold: Callable[[AsyncSession], Awaitable[str]],
        state: ApprovalState,
        also: ColumnElement[bool] | None,
    ) -> str | None:
        async def work(session: AsyncSession) -> str | None:
            owner = await hold(session)
            step = _from(approval_id, state).values(state=ApprovalState.EXECUTING, owner=owner)
            return owner if await _took(session, step if also is None else step.where(also)) else None

        return await self._database.write(work)

    async def abandon(self, approval_id: str, dead: str) -> bool:
        """EXECUTING → UNKNOWN, where the worker that had it died in the middle."""

        async def work(session: AsyncSession) -> bool:
            step = _from(approval_id, ApprovalState.EXECUTING).where(_left_by(dead))
            return await _took(session, step.values(state=ApprovalState.UNKNOWN, error="interrupted"))

        return await self._database.write(work)

    async def finish(
        self, approval_id: str, owner: str, state: ApprovalState, *, result: str | None, error: str | None
    ) -> bool:
        """EXECUTING → DONE, FAILED or UNKNOWN, by the worker that has it and nobody else."""

        async def work(session: AsyncSession) -> bool:
            step = _from(approval_id, ApprovalState.EXECUTING).where(col(ApprovalRow.owner) == owner)
            return await _took(session, step.values(state=state, result=result, error=error))

        return await self._database.write(work)

    async def settle(self, approval_id: str, then: Then) -> ApprovalRow | None:
        """Tell what became of it, once: `then` puts the words into the outbox, in the same transaction.

        Returns:
            The row if this call has settled it.
        """

        async def work(session: AsyncSession) -> ApprovalRow | None:
            step = (
                update(ApprovalRow)
                .where(col(ApprovalRow.id) == approval_id)
                .where(col(ApprovalRow.state).in_(OVER), col(ApprovalRow.finished_at).is_(None))
            )
            if not await _took(session, step.values(finished_at=self._clock.sql())):
                return None
            row = await session.get_one(ApprovalRow, approval_id)
            await then(session, row)
            return row

        row = await self._database.write(work)
        if row is not None:
            self.settled.add(row.state)
        return row

    async def prune(self, older_than: timedelta) -> None:
        """Forget what was over longer ago, and its cards."""

        async def work(session: AsyncSession) -> int:
            before = await self._clock.read(session) - older_than
            old = select(ApprovalRow.id).where(col(ApprovalRow.finished_at) < before).limit(_PRUNED_AT_ONCE)
            ids = (await session.exec(old)).all()
            await session.exec(delete(ApprovalCardRow).where(col(ApprovalCardRow.approval_id).in_(ids)))
            await session.exec(delete(ApprovalRow).where(col(ApprovalRow.id).in_(ids)))
            return len(ids)

        while await self._database.write(work) == _PRUNED_AT_ONCE:
            pass

    def _free_or(self, owner: str) -> ColumnElement[bool]:
        return or_(orphaned(col(ApprovalRow.owner)), col(ApprovalRow.owner) == owner)


def _left_by(dead: str) -> ColumnElement[bool]:
    # By name as well: where PostgreSQL looks at a changed row once more, it does not look at the workers again.
    return and_(col(ApprovalRow.owner) == dead, orphaned(col(ApprovalRow.owner)))


def _from(approval_id: str, state: ApprovalState) -> Update:
    return update(ApprovalRow).where(col(ApprovalRow.id) == approval_id, col(ApprovalRow.state) == state)


async def _became(session: AsyncSession, step: Update) -> ApprovalRow | None:
    """The row as a step has left it; None: it was not taken."""
    return (await session.exec(step.returning(ApprovalRow))).scalars().first()


async def _took(session: AsyncSession, step: Update) -> bool:
    return (await session.exec(step)).rowcount == 1
