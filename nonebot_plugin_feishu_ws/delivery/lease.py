"""This process at work, as the others see it: who owns a row, and when an owner is dead.

Every worker raises a number in its row again and again. Whoever sees the number of another stand still for several
observations of its own removes that row, and with it fences the other off: what it owned is anybody's, and each of
its writes finds the row gone. Observations are counted, not seconds: no clock is compared with another, a clock that
is set changes nothing, and after a machine slept nobody is dead before it had its chance (faults.md 31, 32).
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import ColumnElement, SQLColumnExpression
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, DatabaseUnavailable, LinkRow, WorkerRow
from .errors import Fenced

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_HOLD = "SELECT id FROM feishu_ws_worker WHERE id = ?"
_LOCK = " FOR KEY SHARE"  # nobody can delete the row before the commit, and beats do not wait for it
_TRUSTED = 3  # beats: so long after its last one a worker is sure to be alive; less than `patience`


def orphaned(owner: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """SQL: the worker in a column is dead, or it is none at all (`""`), so that the row is anybody's.

    An id never comes back: what is orphaned stays so until somebody writes another owner. To lock orphans read their
    owners first and name them: a statement that waits or skips looks again at a row that has changed meanwhile, but not
    at the workers, and may take it from one that has just begun.
    """
    return owner.not_in(select(WorkerRow.id))


@dataclass(frozen=True, slots=True)
class _Seen:
    beat: int
    still: int = 0
    """How many observations in a row found the same beat."""


def _seconds() -> float:
    """A clock nobody sets, which runs on while the machine sleeps, where the system has one."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class Lease:
    """A worker. Make it, `start()` it on the running loop, `stop()` it.

    Args:
        database: started.
        label: host and process, for people.
        beat_every: seconds between two beats, and between two looks at the others.
        patience: after how many looks that found it unchanged another is dead; more than 3. With the defaults a dead
            worker is removed within 12 s.
        clock: seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        label: str,
        beat_every: float = 2.0,
        patience: int = 5,
        clock: Callable[[], float] = _seconds,
    ) -> None:
        if patience <= _TRUSTED:
            raise ValueError(f"patience must be more than {_TRUSTED}")
        self._database = database
        self._label = label
        self._beat_every = beat_every
        self._patience = patience
        self._clock = clock
        self.id = _new_id()
        """The owner written into rows. It changes when this worker was fenced off and began anew."""
        self._hold = database.native.sql(_HOLD if database.is_sqlite else _HOLD + _LOCK)
        self._trusted_until = clock()
        self._trouble: str | None = "not at work"
        self._others: dict[str, _Seen] = {}
        self._callbacks: list[Callable[[str], None]] = []
        self._renewing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str | None:
        """Why this worker cannot show that it is alive; None: it does."""
        late = self._clock() >= self._trusted_until
        return self._trouble or ("the database does not answer" if late else None)

    async def start(self) -> None:
        """Begin to be at work. On SQLite, whose file belongs to one bot, all others are dead from now on.

        Raises:
            DatabaseUnavailable: it cannot be reached.
        """
        if self._task is not None:
            return

        async def work(session: AsyncSession) -> None:
            if self._database.is_sqlite:
                await session.exec(delete(WorkerRow))
                await session.exec(delete(LinkRow))
            session.add(WorkerRow(id=me, label=self._label))

        me, asked = _new_id(), self._clock()
        await self._database.write(work)
        self.id = me
        self._trust(asked)
        self._trouble = None
        self._others.clear()
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name="feishu-ws lease")

    async def stop(self) -> None:
        """Be at work no more: what is left is anybody's at once. Without a database the others find out."""
        if self._task is None:
            return
        self._stopping.set()
        await self._task

        async def work(session: AsyncSession) -> None:
            await session.exec(delete(WorkerRow).where(col(WorkerRow.id) == self.id))

        async with self._renewing:
            self._task, self._trusted_until, self._trouble = None, -math.inf, "not at work"
            try:
                await self._database.write(work)
            except DatabaseUnavailable as error:
                _log.warning("others will take this process for dead only after a while: %s", error)

    def on_fenced(self, callback: Callable[[str], None]) -> None:
        """Be told of being fenced off: called with the old id, before anything is done under the new one."""
        self._callbacks.append(callback)

    async def hold(self, session: AsyncSession) -> str:
        """In a transaction that writes: stay at work until it ends.

        Returns:
            The owner to write into rows.

        Raises:
            Fenced: this worker's row is gone; `renew` begins anew.
        """
        me = self.id
        if (await (await session.connection()).exec_driver_sql(self._hold, (me,))).first() is None:
            raise Fenced(me)
        return me

    async def write(self, work: Callable[[AsyncSession, str], Awaitable[_T]], *, shared: bool = False) -> _T:
        """Run `work` in one transaction as this worker, with the owner to write into rows; see `Database.write`.

        Raises:
            Fenced: again, after beginning anew; nothing was committed.
            DatabaseUnavailable: as `Database.write`.
        """

        async def held(session: AsyncSession) -> _T:
            return await work(session, await self.hold(session))

        try:
            return await self._database.write(held, shared=shared)
        except Fenced:
            await self.renew()
            return await self._database.write(held, shared=shared)

    async def confirm(self, owner: str) -> None:
        """Before an effect outside the database: make sure that `owner` is still this worker.

        Costs nothing if the last beat was not long ago. Passes while the database is away: then nobody can have taken
        over.

        Raises:
            Fenced: it is not.
        """
        if owner == self.id and self._clock() >= self._trusted_until:
            with contextlib.suppress(DatabaseUnavailable):
                await self.renew()
        if owner != self.id:
            raise Fenced(owner)

    async def renew(self) -> None:
        """Beat now; if this worker was fenced off, begin anew under another id.

        Raises:
            DatabaseUnavailable: it cannot be reached.
            Fenced: it was stopped.
        """
        async with self._renewing:
            if self._task is None:
                raise Fenced(self.id)
            old, new, asked = self.id, _new_id(), self._clock()

            async def work(session: AsyncSession) -> bool:
                beat = update(WorkerRow).where(col(WorkerRow.id) == old).values(beat=WorkerRow.beat + 1)
                if (await session.exec(beat)).rowcount:
                    return True
                session.add(WorkerRow(id=new, label=self._label))
                return False

            alive = await self._database.write(work)
            self._trust(asked)
            if alive:
                return
            self.id = new
            _log.error("this process was taken for dead (paused? cut off from the database?) and begins anew")
            for callback in self._callbacks:
                callback(old)

    def _trust(self, asked: float) -> None:
        """Counted from before the beat: the answer may have taken its time."""
        self._trusted_until = asked + _TRUSTED * self._beat_every

    async def _run(self) -> None:
        away = False
        while not await self._stopped(self._beat_every):
            try:
                await self.renew()
                await self._watch()
                away, self._trouble = False, None
            except DatabaseUnavailable as error:
                self._trouble = str(error)
                if not away:
                    _log.warning("this process cannot show that it is alive: %s", error)
                away = True
            except Exception as error:  # without beats it would be taken for dead
                self._trouble = type(error).__name__
                _log.exception("a beat failed")

    async def _stopped(self, within: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._stopping.wait()
        return self._stopping.is_set()

    async def _watch(self) -> None:
        """One observation of the others; those that stood still for long enough are removed."""
        theirs = select(WorkerRow).where(col(WorkerRow.id) != self.id)
        async with self._database.session() as session:
            rows = (await session.exec(theirs)).all()
        before, self._others = self._others, {}
        for row in rows:
            seen = before.get(row.id)
            still = seen.still + 1 if seen is not None and seen.beat == row.beat else 0
            self._others[row.id] = _Seen(row.beat, still)
            if still >= self._patience and await self._remove(row):
                _log.warning("%s stands still; others take over its work", row.label)

    async def _remove(self, worker: WorkerRow) -> bool:
        # SKIP LOCKED: where it is in the middle of a write, it has until the next look.
        still = (
            select(WorkerRow.id)
            .where(col(WorkerRow.id) == worker.id, col(WorkerRow.beat) == worker.beat)
            .with_for_update(skip_locked=True)
        )

        async def work(session: AsyncSession) -> bool:
            if (await session.exec(still)).first() is None:
                return False
            await session.exec(delete(LinkRow).where(col(LinkRow.worker) == worker.id))
            await session.exec(delete(WorkerRow).where(col(WorkerRow.id) == worker.id))
            return True

        return await self._database.write(work)


def _new_id() -> str:
    return str(uuid4())
