"""The inbox: an event is acknowledged only after it is committed here, and taken only once.

Group commit: while one batch is being committed the next one gathers, so that an acknowledgement waits for
one short transaction and never for a queue of them.

An event belongs to the worker that stored it (`owner`, see `Lease`). When that dies, or gives the event back, it is
anybody's, and one of those that look for orphans takes it over.

Ownership also settles what a commit of unknown outcome leaves behind, a row nobody was told of: when Feishu pushes the
event again, a row that is ours, unfinished and in nobody's hands is handed out as if it were new (faults.md 9, 23).
"""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..storage import Database, DatabaseUnavailable, EventState, utc_now
from .errors import EventRejected, Fenced, InboxUnavailable
from .events import EventStore
from .hands import Hands
from .incoming import Accepted, Duplicate, Incoming, Unfinished
from .isolate import write_isolated
from .lease import Lease

_log = logging.getLogger(__name__)
KEYS_KEPT = timedelta(hours=8)
"""Feishu pushes an event again for 7.1 h (feishu-facts.md, Platform limits); so long its keys must be
known."""
_PAGE = 100


@dataclass(slots=True)
class _Waiting:
    incoming: Incoming
    answer: asyncio.Future[Accepted | Duplicate] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Inbox:
    """Durable events of all connectors. Make it, `start()` it on the running loop, `stop()` it.

    Every event it hands out, by `accept` or `unfinished`, must come back by `done`, `dead` or `give_back`: as long as
    it is in somebody's hands it is handed out to nobody else here, and while the lease lasts nowhere.

    Args:
        database: started.
        lease: of this process, on the same database; started before, and stopped after, the inbox.
        max_batch: events in one transaction.
        capacity: events being taken in at the same time; further callers wait in order.
        most_attempts: how often an event is handed out before it is a dead letter (faults.md 21). The last time no
            other such one is in hand here: of all that processes died with, only what they died over is given up.
        buried: told of an event for which that was not enough, and why.
        retry_first, retry_most: seconds until endings are written again while the database is away.
        now: the time, aware.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        *,
        max_batch: int = 100,
        capacity: int = 1000,
        most_attempts: int = 5,
        buried: Callable[[Incoming, str], None] = lambda _incoming, _why: None,
        retry_first: float = 0.5,
        retry_most: float = 15.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._now = now
        self._max_batch = max_batch
        self._most_attempts = most_attempts
        self._last_chance = 0
        """The row that was handed out for its last time, most recently."""
        self._buried = buried
        self._lease = lease
        self._store = EventStore(database, lease)
        self._database = database
        self._room = asyncio.Semaphore(capacity)
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._running = False
        self.refused_at: float | None = None
        """When events could not be stored, by the loop's clock; None: the last ones were."""
        self._task: asyncio.Task[None] | None = None
        self._hands = Hands(
            self._store.end,
            moment=database.moment,
            max_batch=max_batch,
            retry_first=retry_first,
            retry_most=retry_most,
        )

    def start(self) -> None:
        """Begin to take events."""
        if self._task is None:
            self._running = True
            self._task = asyncio.create_task(self._run(), name="feishu-ws inbox")
            self._hands.start()

    @property
    def alive(self) -> bool:
        """Whether events can be taken, as far as this process is concerned."""
        return self._task is not None and not self._task.done()

    async def stop(self) -> None:
        """Answer everybody who waits, write what was finished, give back the rest, end all tasks. Later calls are
        refused."""
        self._running = False
        if self._task is not None:
            self._wake.set()
            await self._task
            self._task = None
        await self._hands.stop()
        try:
            await self._store.give_back_all()
        except DatabaseUnavailable as error:
            _log.warning("unfinished events are not given back; the end of the lease does it: %s", error)

    async def accept(self, incoming: Incoming) -> Accepted | Duplicate:
        """Store an event; returns once it is committed. Order of arrival is kept.

        Raises:
            InboxUnavailable: it cannot be stored now, or nobody knows whether it is. Do not acknowledge it.
            EventRejected: this event cannot be stored.
        """
        if not incoming.event_id:
            raise EventRejected("the event has no id")
        async with self._room:
            if not self._running:
                raise InboxUnavailable("the inbox is stopped")
            waiting = _Waiting(incoming)
            self._waiting.append(waiting)
            self._wake.set()
            try:
                return await waiting.answer
            except asyncio.CancelledError:
                if (
                    waiting.answer.done()
                    and not waiting.answer.cancelled()
                    and not waiting.answer.exception()
                ):
                    self._take_back(waiting.answer.result())
                raise

    def done(self, row_id: int) -> None:
        """The event's handlers have finished. Written with the next batch, however long the database is
        away."""
        self._hands.end(row_id, EventState.DONE, self._now())

    def dead(self, row_id: int, error: str) -> None:
        """The event is given up: a dead letter. Written like `done`.

        Args:
            row_id: as in `Accepted`.
            error: why, for a person to read; without secrets.
        """
        self._hands.end(row_id, EventState.DEAD, self._now(), error)

    def give_back(self, row_id: int, *, error: str | None = None) -> None:
        """The event was not handled after all; whoever looks for orphans first takes it. Written like `done`.

        Args:
            row_id: as in `Accepted`.
            error: what went wrong with it, for a person to read, without secrets: then it counts as an attempt. None:
                it was not the event's fault.
        """
        self._hands.end(row_id, EventState.RECEIVED, None, error, counts=error is not None)

    async def flush(self) -> None:
        """Wait until all endings so far are written."""
        await self._hands.flush()

    async def unfinished(
        self, app_ids: Collection[str] | None = None, *, limit: int | None = None
    ) -> AsyncGenerator[Unfinished]:
        """Take over the orphans: events whose worker died or gave them back. Oldest first, each now in the caller's
        hands. Cheap when there are none. Those that were handed out too often become dead letters instead.

        Args:
            app_ids: only these bots'.
            limit: how many at most; the others stay where they are.

        Raises:
            InboxUnavailable: the database is away; what was not yielded can be asked for again.
        """
        try:
            owners = await self._store.dead_owners(app_ids)
        except DatabaseUnavailable as error:
            raise InboxUnavailable(str(error)) from error
        in_hand = self._hands.rows
        after: int | None = 0
        left = sys.maxsize if limit is None else limit
        while owners and after is not None and left > 0:
            try:
                async with self._hands.kept:
                    page, after = await self._store.claim(
                        owners,
                        app_ids,
                        after=after,
                        limit=min(_PAGE, left),
                        held=in_hand,
                        last_attempt=self._most_attempts,
                        one_is_held=self._last_chance in in_hand,
                    )
                    # Some may have been accepted while the page was read.
                    page = [event for event in page if event.row_id not in in_hand]
                    self._take_in_hand(page)
            except (DatabaseUnavailable, Fenced) as error:
                raise InboxUnavailable(str(error)) from error
            left -= len(page)
            waiting = [event.row_id for event in page]
            try:
                for event in page:
                    waiting.remove(event.row_id)
                    if event.attempts <= self._most_attempts:
                        yield event
                    else:
                        self._bury(event)
            finally:
                for row_id in waiting:
                    self.give_back(row_id)

    async def prune(self, older_than: timedelta, *, dead_older_than: timedelta = timedelta(days=30)) -> int:
        """Delete finished events, and dead letters, that were received longer ago. What is unfinished stays.

        Args:
            older_than: at least `KEYS_KEPT`, or Feishu's next push would be taken for a new event.
            dead_older_than: the same for dead letters, which people may want to see.

        Returns:
            How many were deleted.

        Raises:
            ValueError: a limit is too short.
            InboxUnavailable: the database is away.
        """
        if min(older_than, dead_older_than) < KEYS_KEPT:
            raise ValueError(f"events must be kept for at least {KEYS_KEPT}")
        now = self._now()
        try:
            done = await self._store.prune(EventState.DONE, now - older_than)
            return done + await self._store.prune(EventState.DEAD, now - dead_older_than)
        except DatabaseUnavailable as error:
            raise InboxUnavailable(str(error)) from error

    async def _run(self) -> None:
        while True:
            if not self._waiting:
                if not self._running:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            if len(self._waiting) < self._max_batch:
                await self._database.moment()
            batch = [self._waiting.popleft() for _ in range(min(self._max_batch, len(self._waiting)))]
            try:
                await write_isolated(batch, self._write_batch, self._reject)
                self.refused_at = None
            except (DatabaseUnavailable, Fenced) as error:
                self.refused_at = asyncio.get_running_loop().time()
                _log.warning("events refused, Feishu will push them again: %s", error)
                for waiting in batch:
                    if not waiting.answer.done():
                        waiting.answer.set_exception(InboxUnavailable(str(error)))

    async def _write_batch(self, batch: Sequence[_Waiting]) -> None:
        # PostgreSQL may end an event while we read it as unfinished here.
        (ended := self._hands.let_go).clear()
        owner, rows = await self._store.insert([waiting.incoming for waiting in batch], self._now())
        for waiting, row_id in zip(batch, rows, strict=True):
            if waiting.answer.cancelled():  # nobody is told of the row: the next push hands it out
                continue
            if row_id is None or row_id in self._hands.rows or row_id in ended:
                waiting.answer.set_result(Duplicate())
            else:
                self._hands.rows[row_id] = owner
                waiting.answer.set_result(Accepted(row_id, owner))

    @staticmethod
    def _reject(waiting: _Waiting, error: Exception) -> None:
        _log.error("event %r cannot be stored: %s", waiting.incoming, type(error).__name__)
        if not waiting.answer.done():
            waiting.answer.set_exception(EventRejected(f"the database refuses it: {type(error).__name__}"))

    def _take_in_hand(self, page: Sequence[Unfinished]) -> None:
        """All of a page at once: a push of one that is still to be yielded must find it taken."""
        for event in page:
            self._hands.rows[event.row_id] = event.owner
            if event.attempts == self._most_attempts:
                self._last_chance = event.row_id

    def _take_back(self, answer: Accepted | Duplicate) -> None:
        if isinstance(answer, Accepted):
            self._hands.rows.pop(answer.row_id, None)

    def _bury(self, event: Unfinished) -> None:
        tries = self._most_attempts
        why = event.error or f"the process died {tries} times while it was handled"
        _log.error("event %r is a dead letter after %d attempts: %s", event.incoming, tries, why)
        self.dead(event.row_id, why)
        self._buried(event.incoming, why)
