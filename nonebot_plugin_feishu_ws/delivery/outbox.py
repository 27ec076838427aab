"""The outbox: what the Butler says is committed before it is sent, and said once.

A message is QUEUED, then SENDING (committed before Feishu may see its uuid), then SENT, FAILED or UNKNOWN. Messages to
one place go out one after another, places side by side. What a dead process left is sent by any other that runs the
connector, with the same uuid, so that Feishu shows it once (faults.md 29, 31, 34).
"""

import asyncio
import contextlib
import logging
from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, DatabaseUnavailable, OutboxState, utc_now
from .drafts import Draft, Posted
from .errors import DraftRejected, Fenced, OutboxStopped, SendFailed, SendUnknown
from .inbox import KEYS_KEPT
from .lease import Lease
from .logbook import LogAction, LogBook, LogLevel
from .outbox_rows import UNFINISHED, Change, Kept, Key, OutboxRows
from .sending import WINDOW, Item, NoWay, Outcome, Sender, Way
from .spool import Spool

_log = logging.getLogger(__name__)
_PAGE = 100
_MAX_ERROR = 2000
_LOOK_FIRST, _LOOK_MOST = 0.05, 1.0  # seconds between looks at a message that another process sends


@dataclass(eq=False, slots=True)
class _Post:
    """Drafts to be committed, and whoever waits for it."""

    drafts: Sequence[Draft]
    done: asyncio.Future[list[Posted]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(eq=False, slots=True)
class _Step:
    """A row that changes. `done` is for whoever waits for the commit."""

    item: Item
    state: OutboxState
    keep: bool = True
    """Whether the item stays in this process's hands."""
    outcome: Outcome | None = None
    done: asyncio.Future[None] | None = None


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
        self._logbook = logbook
        self._ways = ways
        self._sweep_every = sweep_every
        self._now = now
        self._rows = OutboxRows(database, now)
        self._sender = Sender(
            lease,
            ways,
            self._claim,
            lambda item: self._spool.put(_Step(item, OutboxState.QUEUED)),
            window=window,
            retry_first=retry_first,
            retry_most=retry_most,
        )
        self._spool: Spool[_Post | _Step] = Spool(
            "messages to be sent",
            self._write,
            max_batch=max_batch,
            capacity=None,  # somebody waits for each
            retry_first=retry_first,
            retry_most=retry_most,
            lost=self._lost,
        )
        self._items: dict[Key, Item] = {}
        self._lanes: dict[tuple[str, str, str], list[Item]] = {}
        self._drivers: dict[asyncio.Task[None], list[Item]] = {}
        self._bell = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False
        lease.on_fenced(self._drop)

    def start(self) -> None:
        """Begin to send."""
        if self._sweeper is None:
            self._stopping = False
            self._spool.start()
            self._sweeper = asyncio.create_task(self._sweep_on(), name="feishu-ws outbox")

    async def stop(self, grace: float = 0.0) -> None:
        """Let requests that are under way end, hand the rest back, end all tasks. Later posts are refused.

        Args:
            grace: seconds for that.
        """
        self._stopping = True
        if self._sweeper is None:
            return
        self._sweeper.cancel()
        await asyncio.wait([self._sweeper])
        self._sweeper = None
        if self._drivers:
            await asyncio.wait(self._drivers, timeout=grace)
        for driver in self._drivers:
            driver.cancel()
        if self._drivers:
            await asyncio.wait(self._drivers)
        await self._spool.stop()
        owner = self._lease.id
        try:
            await self._database.write(lambda session: self._rows.hand_back(session, owner))
        except DatabaseUnavailable as error:
            _log.warning("what was not sent will be found when this process is known to be gone: %s", error)
        self._drop(owner)

    async def put(self, session: AsyncSession, drafts: Sequence[Draft]) -> None:
        """Add messages in the caller's own transaction; call `wake` once it is committed.

        They are nobody's until then: if this process dies in between, another sends them.
        """
        await self._rows.insert(session, drafts, owner="")

    def wake(self) -> None:
        """Look for messages at once, not only at the next sweep."""
        self._bell.set()

    async def post(self, drafts: Sequence[Draft]) -> list[Posted]:
        """Commit messages; returns once they are, and waits for as long as the database is away.

        All of them are one answer: if the first was put before, so were the others, and nothing is added.

        Raises:
            OutboxStopped: this process is about to end.
            Fenced: this process was taken for dead, and what it does is with another.
            DraftRejected: the database refuses these messages.
        """
        if self._stopping:
            raise OutboxStopped
        post = _Post(drafts)
        self._spool.put(post)
        return await post.done

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
            if (item := self._items.get((app_id, uuid))) is not None:
                await asyncio.wait([item.outcome])
                outcome = item.outcome.result()
            else:
                outcome = await self._looked_up(app_id, uuid)
            if outcome is not None:
                return _message_id(outcome)
            if self._stopping:
                raise OutboxStopped
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LOOK_MOST)

    async def answered(self, app_id: str, event_id: str) -> bool:
        """Whether a final message for the event is committed.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        async with self._database.session() as session:
            return any(kept.draft.final for kept in await self._rows.of_event(session, app_id, event_id))

    async def delivered(self, app_id: str, event_id: str) -> None:
        """Wait until what was said in answer to an event is settled, sent or not.

        Raises:
            OutboxStopped: this process is about to end.
        """
        async with self._database.session() as session:
            said = await self._rows.of_event(session, app_id, event_id)
        for kept in said:
            with contextlib.suppress(SendFailed, SendUnknown):
                await self.sent(app_id, kept.draft.uuid)

    async def drained(self) -> None:
        """Wait until everything in this process's hands is settled and written."""
        while self._drivers:
            await asyncio.wait(self._drivers)
        await self._spool.flush()

    async def sweep(self) -> None:
        """Take what nobody alive owns, of connectors that run here.

        Raises:
            DatabaseUnavailable: the database is away.
            Fenced: this process was taken for dead; the next sweep is made anew.
        """
        while app_ids := list(self._ways):

            async def work(session: AsyncSession, app_ids: list[str] = app_ids) -> list[Kept]:
                owner = await self._lease.hold(session)
                return await self._rows.take_over(session, app_ids, owner, _PAGE)

            page = await self._database.write(work)
            for kept in page:
                self._adopt(kept, unsure=kept.state is OutboxState.SENDING)
            if len(page) < _PAGE:
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
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._sweep_every):
                    await self._bell.wait()

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

    def _adopt(self, kept: Kept, *, unsure: bool) -> None:
        """Send a message that is ours from now on; once, however often it is found."""
        draft = kept.draft
        key = draft.app_id, draft.uuid
        if key in self._items or self._stopping:
            return
        item = Item(kept.row_id, draft, kept.owner, kept.attempts, None, unsure)
        if kept.tried_at is not None:
            item.was_tried(kept.tried_at, kept.age)
        self._items[key] = item
        lane = self._lanes.get(draft.place)
        if lane is None:
            lane = self._lanes[draft.place] = []
            driver = asyncio.create_task(self._drive(draft.place, lane), name="feishu-ws lane")
            self._drivers[driver] = lane
            driver.add_done_callback(self._drivers.pop)
        insort(lane, item, key=lambda item: item.row_id)

    async def _drive(self, place: tuple[str, str, str], lane: list[Item]) -> None:
        """Send what goes to one place, in order."""
        try:
            while lane and not self._stopping:
                item = lane.pop(0)
                try:
                    outcome = await self._sender.send(item)
                except NoWay:
                    for each in (item, *lane):
                        self._hand_back(each)
                    lane.clear()
                    return
                except Fenced:
                    return  # and `_drop` has been called, or is about to be
                except Exception as error:
                    _log.exception("message %s cannot be sent", item.draft.uuid)
                    outcome = Outcome(OutboxState.UNKNOWN, error=f"sending broke off: {type(error).__name__}")
                self._settle(item, outcome)
        finally:
            if self._lanes.get(place) is lane:
                del self._lanes[place]

    def _settle(self, item: Item, outcome: Outcome) -> None:
        item.settle(outcome)
        self._spool.put(_Step(item, outcome.state, keep=False, outcome=outcome))
        draft, way = item.draft, self._ways.get(item.draft.app_id)
        self._logbook.write(
            LogAction.WS_OUTBOUND,
            level=LogLevel.INFO if outcome.error is None else LogLevel.ERROR,
            connector=draft.app_id,
            name=way and way.name,
            event_id=draft.event_id,
            message_id=draft.reply_to,
            detail={
                "sent": outcome.message_id,
                "to": draft.receive_id,
                "type": draft.msg_type,
                "error": outcome.error,
                "state": outcome.state,
            },
        )

    def _hand_back(self, item: Item) -> None:
        state = OutboxState.QUEUED if item.tried_at is None else OutboxState.SENDING
        item.settle(None)
        self._spool.put(_Step(item, state, keep=False))

    def _drop(self, owner: str) -> None:
        """What was owned under this id is in other hands."""
        for driver in self._drivers:
            driver.cancel()
        for key, item in list(self._items.items()):
            if item.owner == owner:
                item.settle(None)
                del self._items[key]

    async def _claim(self, item: Item) -> None:
        step = _Step(item, OutboxState.SENDING, done=asyncio.get_running_loop().create_future())
        self._spool.put(step)
        await step.done  # pyright: ignore[reportGeneralTypeIssues] - it has just been made

    async def _write(self, batch: Sequence[_Post | _Step]) -> None:
        """All of a batch in one transaction, while this process holds its lease."""
        posts = [entry for entry in batch if isinstance(entry, _Post)]
        steps = [entry for entry in batch if isinstance(entry, _Step)]

        async def work(session: AsyncSession) -> tuple[str, datetime, dict[Key, Kept]]:
            owner = await self._lease.hold(session)
            now = await self._rows.clock(session)
            await self._rows.insert(session, await self._new(session, posts), owner)
            kept = await self._rows.read(session, [_key(draft) for post in posts for draft in post.drafts])
            claimed = self._claimed_at_once(kept, owner, now)
            changes = [_change(step, owner, now) for step in steps if step.item.owner == owner]
            await self._rows.change(session, [*changes, *map(_as_change, claimed.values())], owner)
            return owner, now, {**kept, **claimed}

        try:
            owner, now, kept = await self._database.write(work)
        except Fenced as error:
            for entry in batch:
                _refuse(entry.done, error)
            return
        for post in posts:
            self._posted(post, owner, kept)
        for step in steps:
            self._stepped(step, owner, now)

    async def _new(self, session: AsyncSession, posts: Sequence[_Post]) -> list[Draft]:
        """The drafts to insert: of an answer in several messages all or none."""
        firsts = [_key(post.drafts[0]) for post in posts if len(post.drafts) > 1]
        known = await self._rows.read(session, firsts)
        return [draft for post in posts if _key(post.drafts[0]) not in known for draft in post.drafts]

    def _claimed_at_once(self, kept: Mapping[Key, Kept], owner: str, now: datetime) -> dict[Key, Kept]:
        """The new messages that can be sent right now; claiming them here saves a commit."""
        claimed: dict[tuple[str, str, str], Kept] = {}
        for found in sorted(kept.values(), key=lambda found: found.row_id):
            place = found.draft.place
            if (
                found.state is OutboxState.QUEUED
                and found.owner == owner
                and place not in self._lanes
                and place not in claimed
                and found.draft.app_id in self._ways
            ):
                claimed[place] = replace(found, state=OutboxState.SENDING, tried_at=now, age=0.0)
        return {_key(found.draft): found for found in claimed.values()}

    def _posted(self, post: _Post, owner: str, kept: Mapping[Key, Kept]) -> None:
        answer: list[Posted] = []
        for found in (kept[key] for key in map(_key, post.drafts) if key in kept):
            fresh = (
                found.state in UNFINISHED and found.owner == owner and _key(found.draft) not in self._items
            )
            if fresh:
                self._adopt(found, unsure=False)
            answer.append(Posted(found.draft.app_id, found.draft.uuid, fresh))
        if not all(posted.fresh for posted in answer):
            self.wake()  # it may be nobody's
        if not post.done.done():
            post.done.set_result(answer)

    def _stepped(self, step: _Step, owner: str, now: datetime) -> None:
        item = step.item
        if item.owner != owner:
            _refuse(step.done, Fenced(item.owner))
            return
        if step.state is OutboxState.SENDING and item.tried_at is None:
            item.was_tried(now)
        if not step.keep:
            self._items.pop(_key(item.draft), None)
        if step.done is not None and not step.done.done():
            step.done.set_result(None)

    def _lost(self, entry: _Post | _Step, error: Exception) -> None:
        """The database refuses it, or is away to the end."""
        if isinstance(entry, _Post):
            _refuse(
                entry.done,
                OutboxStopped() if isinstance(error, DatabaseUnavailable) else DraftRejected(error),
            )
        else:
            _refuse(entry.done, error)
            if not entry.keep:
                self._items.pop(_key(entry.item.draft), None)


def _key(draft: Draft) -> Key:
    return draft.app_id, draft.uuid


def _change(step: _Step, owner: str, now: datetime) -> Change:
    item, outcome = step.item, step.outcome or Outcome(step.state)
    handed_back = not step.keep and step.outcome is None
    return Change(
        row_id=item.row_id,
        state=step.state,
        owner="" if handed_back else owner,
        attempts=item.attempts,
        tried_at=item.tried_at or (now if step.state is OutboxState.SENDING else None),
        sent_at=now if step.state is OutboxState.SENT else None,
        message_id=outcome.message_id,
        error=outcome.error and outcome.error.replace("\0", "")[:_MAX_ERROR],
    )


def _as_change(kept: Kept) -> Change:
    return Change(kept.row_id, kept.state, kept.owner, kept.attempts, kept.tried_at)


def _message_id(outcome: Outcome) -> str:
    if outcome.state is OutboxState.FAILED:
        raise SendFailed(outcome.error or "")
    if outcome.state is OutboxState.UNKNOWN:
        raise SendUnknown(outcome.error or "")
    return outcome.message_id or ""


def _refuse(done: asyncio.Future[Any] | None, error: Exception) -> None:
    if done is not None and not done.done():
        done.set_exception(error)
