"""The outbox's commits: all that changes at about the same time in one transaction, while the lease is held."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import DatabaseUnavailable, OutboxState
from .drafts import Draft, Place, Posted
from .errors import DraftRejected, Fenced, OutboxStopped
from .lanes import Lanes, Step
from .lease import Lease
from .outbox_rows import PAGE, UNFINISHED, Change, Kept, Key, OutboxRows
from .sending import Outcome, Way
from .spool import Spool

_MAX_ERROR = 2000


@dataclass(eq=False, slots=True)
class _Post:
    """Drafts of one answer, to be committed."""

    drafts: Sequence[Draft]
    done: asyncio.Future[list[Posted]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class OutboxWriter:
    """Writes for one outbox.

    Args:
        lease: whose rows are written.
        rows: the statements.
        lanes: take what was committed to be sent.
        ways: of the connectors that run here.
        moment: waits for a good time to write, see `Database.moment`.
        max_batch: rows in one transaction.
        retry_first, retry_most: seconds until the database is tried again, doubling from the one to the other.
    """

    def __init__(
        self,
        lease: Lease,
        rows: OutboxRows,
        lanes: Lanes,
        ways: Mapping[str, Way],
        *,
        moment: Callable[[], Awaitable[None]],
        max_batch: int,
        retry_first: float,
        retry_most: float,
    ) -> None:
        self._lease = lease
        self._rows = rows
        self._lanes = lanes
        self._ways = ways
        self._spool: Spool[_Post | Step] = Spool(
            "messages to be sent",
            self._write,
            moment=moment,
            max_batch=max_batch,
            capacity=None,  # somebody waits for each
            retry_first=retry_first,
            retry_most=retry_most,
            lost=self._lost,
        )
        self.start, self.stop, self.flush = self._spool.start, self._spool.stop, self._spool.flush

    async def post(self, drafts: Sequence[Draft]) -> list[Posted]:
        """See `Outbox.post`."""
        post = _Post(drafts)
        self._spool.put(post)
        return await post.done

    def change(self, step: Step) -> None:
        """Change a row soon; never waits."""
        self._spool.put(step)

    async def _write(self, batch: Sequence[_Post | Step]) -> None:
        """All of a batch in one transaction, while this process holds its lease."""
        posts = [entry for entry in batch if isinstance(entry, _Post)]
        steps = [entry for entry in batch if isinstance(entry, Step)]

        behind = bool(posts) and self._lanes.behind
        if behind:
            self._lanes.behind = False

        async def work(
            session: AsyncSession, owner: str
        ) -> tuple[str, datetime, list[Kept], dict[Key, Kept]]:
            now = await self._rows.clock(session)
            # What was left in the same chats is older, and comes first.
            left = await self._rows.take_over(session, list(self._ways), owner) if behind else []
            await self._rows.insert(session, await self._new(session, posts), owner)
            kept = await self._rows.read(session, [draft.key for post in posts for draft in post.drafts])
            claimed = self._claimed_at_once(kept, owner, now, {found.draft.place for found in left})
            changes = [_change(step, owner, now) for step in steps if step.item.owner == owner]
            await self._rows.change(session, [*changes, *map(_as_change, claimed.values())], owner)
            return owner, now, left, {**kept, **claimed}

        try:
            owner, now, left, kept = await self._lease.write(work, shared=True)
        except Exception as error:
            self._lanes.behind = self._lanes.behind or behind
            if not isinstance(error, Fenced):
                raise
            for entry in batch:
                _refuse(entry.done, error)
            return
        for found in left:
            self._lanes.adopt(found)
        if len(left) == PAGE:
            self._lanes.behind = True
        for post in posts:
            self._posted(post, owner, kept)
        for step in steps:
            self._stepped(step, owner, now)

    async def _new(self, session: AsyncSession, posts: Sequence[_Post]) -> list[Draft]:
        """The drafts to insert: of an answer in several messages all or none."""
        firsts = [post.drafts[0].key for post in posts if len(post.drafts) > 1]
        known = await self._rows.read(session, firsts)
        return [draft for post in posts if post.drafts[0].key not in known for draft in post.drafts]

    def _claimed_at_once(
        self, kept: Mapping[Key, Kept], owner: str, now: datetime, taken: Collection[Place]
    ) -> dict[Key, Kept]:
        """The new messages that can be sent right now; claiming them here saves a commit."""
        claimed: dict[Place, Kept] = {}
        for found in sorted(kept.values(), key=lambda found: found.row_id):
            place = found.draft.place
            if (
                found.state is OutboxState.QUEUED
                and found.owner == owner
                and place not in self._lanes
                and place not in taken
                and place not in claimed
                and found.draft.app_id in self._ways
            ):
                claimed[place] = replace(found, state=OutboxState.SENDING, tried_at=now, age=0.0)
        return {found.draft.key: found for found in claimed.values()}

    def _posted(self, post: _Post, owner: str, kept: Mapping[Key, Kept]) -> None:
        answer: list[Posted] = []
        for found in (kept[draft.key] for draft in post.drafts if draft.key in kept):
            fresh = (
                found.state in UNFINISHED
                and found.owner == owner
                and found.draft.key not in self._lanes.items
            )
            if fresh:
                self._lanes.adopt(replace(found, unsure=False))
            answer.append(Posted(found.draft.app_id, found.draft.uuid, fresh))
        if not post.done.done():
            post.done.set_result(answer)

    def _stepped(self, step: Step, owner: str, now: datetime) -> None:
        item = step.item
        if item.owner != owner:
            _refuse(step.done, Fenced(item.owner))
            return
        if step.state is OutboxState.SENDING and item.tried_at is None:
            item.was_tried(now)
        if not step.keep:
            self._lanes.forget(item)
        if step.done is not None and not step.done.done():
            step.done.set_result(None)

    def _lost(self, entry: _Post | Step, error: Exception) -> None:
        """The database refuses it, or is away to the end."""
        if isinstance(entry, _Post):
            _refuse(
                entry.done,
                OutboxStopped() if isinstance(error, DatabaseUnavailable) else DraftRejected(error),
            )
        else:
            _refuse(entry.done, error)
            if not entry.keep:
                self._lanes.forget(entry.item)


def _change(step: Step, owner: str, now: datetime) -> Change:
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


def _refuse(done: asyncio.Future[Any] | None, error: Exception) -> None:
    if done is not None and not done.done():
        done.set_exception(error)
