"""The outbox: what the Butler says is committed before it is sent, and said once.

A message is QUEUED, then SENDING (committed before Feishu may see its uuid), then SENT, FAILED or UNKNOWN. Messages to
one place go out one after another, places side by side. What a dead process left is sent by any other that runs the
connector, with the same uuid, so that Feishu shows it once (faults.md 29, 31, 34).
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, DatabaseUnavailable, OutboxState, utc_now
from .drafts import Draft, Posted
from .errors import Fenced, OutboxStopped, SendFailed, SendUnknown
from .inbox import KEYS_KEPT
from .lanes import Lanes, Step
from .lease import Lease
from .logbook import LogBook
from .outbox_rows import PAGE, Kept, OutboxRows
from .outbox_writer import OutboxWriter
from .sending import WINDOW, Item, Outcome, Sender, Way

_log = logging.getLogger(__name__)
_LOOK_FIRST, _LOOK_MOST = 0.05, 1.0  # seconds between looks at a message that another process sends


class Outbox:
    """Messages of all connectors. Make it, `start()` it on the running loop, `stop()` it.

    Args:
        database: started.
        lease: started; what it owns is sent from here.
        logbook: told what became of each message.
        ways: of the connectors that run here, by app_id; looked up each time.
        window: seconds for which a uuid may be used again, see `sending.WINDOW`.
        sweep_every: seconds between two looks for what others left.
        max_batch: rows in one transaction.
        retry_first, retry_most: seconds until a message, or the database, is tried again; doubling.
        now: the time, aware.
    """

    def __init__(
        self,
        database: Database,
        lease: Lease,
        logbook: LogBook,
        ways: Mapping[str, Way],
        *,
        window: float = WINDOW,
        sweep_every: float = 1.0,
        max_batch: int = 100,
        retry_first: float = 0.5,
        retry_most: float = 30.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._lease = lease
        self._ways = ways
        self._sweep_every = sweep_every
        self._now = now
        self._rows = OutboxRows(database, now)
        sender = Sender(
            lease,
            ways,
            self._claim,
            self._disclaim,
            window=window,
            retry_first=retry_first,
            retry_most=retry_most,
        )
        self._lanes = Lanes(sender, ways, logbook, lambda step: self._writer.change(step))
        self._writer = OutboxWriter(
            lease,
            self._rows,
            self._lanes,
            ways,
            moment=database.moment,
            max_batch=max_batch,
            retry_first=retry_first,
            retry_most=retry_most,
        )
        self.settled = self._lanes.settled
        """How messages ended in this process, by state."""
        self._bell = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None
        self._running = False
        lease.on_fenced(self._lanes.drop)

    @property
    def waiting(self) -> int:
        """Messages in this process's hands: waiting for their turn, or on their way."""
        return len(self._lanes.items)

    def start(self) -> None:
        """Begin to send."""
        if self._sweeper is None:
            self._running = True
            self._lanes.open()
            self._writer.start()
            self._sweeper = asyncio.create_task(self._sweep_on(), name="feishu-ws outbox")

    async def stop(self, grace: float = 0.0) -> None:
        """Let requests that are under way end, hand the rest back, end all tasks. Later posts are refused.

        Args:
            grace: seconds for that.
        """
        self._running = False
        if self._sweeper is None:
            return
        self._sweeper.cancel()
        await asyncio.wait([self._sweeper])
        self._sweeper = None
        await self._lanes.close(grace)
        await self._writer.stop()
        owner = self._lease.id
        try:
            await self._database.write(lambda session: self._rows.hand_back(session, owner))
        except DatabaseUnavailable as error:
            _log.warning("what was not sent will be found when this process is known to be gone: %s", error)
        self._lanes.drop(owner)

    async def put(self, session: AsyncSession, drafts: Sequence[Draft]) -> None:
        """Add messages in the caller's own transaction; call `wake` once it is committed.

        They are nobody's until then: if this process dies in between, another sends them.
        """
        await self._rows.insert(session, drafts, owner="")

    def wake(self) -> None:
        """Look for messages at once, not only at the next sweep."""
        self._lanes.behind = True
        self._bell.set()

    async def post(self, drafts: Sequence[Draft]) -> list[Posted]:
        """Commit messages; returns once they are, and waits for as long as the database is away.

        All of them are one answer: if the first was put before, so were the others, and nothing is added.

        Raises:
            OutboxStopped: this process is about to end.
            Fenced: this process was taken for dead, and what it does is with another.
            DraftRejected: the database refuses these messages.
        """
        if not self._running:
            raise OutboxStopped
        posted = await self._writer.post(drafts) if drafts else []
        if not all(each.fresh for each in posted):
            self.wake()  # it may be nobody's
        return posted

    async def sent(self, app_id: str, uuid: str) -> str:
        """Wait until Feishu has taken a message, whoever sends it.

        Returns:
            Its message_id.

        Raises:
            SendFailed: Feishu refused it for good.
            SendUnknown: nobody knows whether it was shown.
            LookupError: there is no such message.
            OutboxStopped: this process is about to end.
        """
        pause = _LOOK_FIRST
        while True:
            if (item := self._lanes.items.get((app_id, uuid))) is not None:
                await asyncio.wait([item.outcome])
                outcome = item.outcome.result()
            else:
                outcome = await self._looked_up(app_id, uuid)
            if outcome is not None:
                return _message_id(outcome)
            if not self._running:
                raise OutboxStopped
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LOOK_MOST)

    async def answered(self, app_id: str, event_id: str) -> bool:
        """Whether a final message for the event is committed. Waits for as long as the database is away.

        Raises:
            OutboxStopped: this process is about to end.
        """
        return any(kept.draft.final for kept in await self._said(app_id, event_id))

    async def delivered(self, app_id: str, event_id: str) -> None:
        """Wait until what was said in answer to an event is settled, sent or not.

        Raises:
            OutboxStopped: this process is about to end.
        """
        for kept in await self._said(app_id, event_id):
            with contextlib.suppress(SendFailed, SendUnknown):
                await self.sent(app_id, kept.draft.uuid)

    async def drained(self) -> None:
        """Wait until everything in this process's hands is settled and written."""
        await self._lanes.drained()
        await self._writer.flush()

    async def sweep(self) -> None:
        """Take what nobody alive owns, of connectors that run here.

        Raises:
            DatabaseUnavailable: the database is away.
            Fenced: this process was taken for dead.
        """
        while (app_ids := list(self._ways)) and await self._rows.orphans():

            async def work(session: AsyncSession, owner: str, app_ids: list[str] = app_ids) -> list[Kept]:
                return await self._rows.take_over(session, app_ids, owner)

            page = await self._lease.write(work)
            for kept in page:
                self._lanes.adopt(kept)
            if len(page) < PAGE:
                return

    async def prune(self, older_than: timedelta) -> int:
        """Delete messages that were settled, and put longer ago.

        Raises:
            ValueError: the limit is too short: while an event may be pushed again its answers must be known.
            DatabaseUnavailable: the database is away.
        """
        if older_than < KEYS_KEPT:
            raise ValueError(f"messages must be kept for at least {KEYS_KEPT}")
        return await self._rows.prune(self._now() - older_than)

    async def _sweep_on(self) -> None:
        while True:
            self._bell.clear()
            try:
                await self.sweep()
            except (DatabaseUnavailable, Fenced) as error:
                _log.debug("no sweep now: %s", error)
            except Exception:  # what others left must be found as long as this process lives
                _log.exception("a sweep failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_every):
                    await self._bell.wait()

    async def _said(self, app_id: str, event_id: str) -> list[Kept]:
        pause = _LOOK_FIRST
        while True:
            try:
                async with self._database.session() as session:
                    return await self._rows.of_event(session, app_id, event_id)
            except DatabaseUnavailable as error:
                _log.debug("what was said to %s is not known now: %s", event_id, error)
            if not self._running:
                raise OutboxStopped
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LOOK_MOST)

    async def _looked_up(self, app_id: str, uuid: str) -> Outcome | None:
        try:
            async with self._database.session() as session:
                found = (await self._rows.read(session, [(app_id, uuid)])).get((app_id, uuid))
        except DatabaseUnavailable as error:
            _log.debug("what became of %s is not known now: %s", uuid, error)
            return None
        if found is None:
            raise LookupError(f"there is no message {uuid} of {app_id}")
        return Outcome.of(found)

    async def _claim(self, item: Item) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writer.change(Step(item, OutboxState.SENDING, done=done))
        await done

    def _disclaim(self, item: Item) -> None:
        self._writer.change(Step(item, OutboxState.QUEUED))


def _message_id(outcome: Outcome) -> str:
    if outcome.state is OutboxState.FAILED:
        raise SendFailed(outcome.error or "")
    if outcome.state is OutboxState.UNKNOWN:
        raise SendUnknown(outcome.error or "")
    return outcome.message_id or ""
