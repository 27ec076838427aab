"""Messages to be said, in the database: the statements behind the outbox."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..openapi import ReceiveIdType
from ..storage import Database, DatabaseClock, EventRow, EventState, OutboxRow, OutboxState
from .drafts import Draft
from .lease import orphaned
from .pruning import DELETE_AT_ONCE, delete_in_pieces

PAGE = 500
"""Rows taken over at once."""
UNFINISHED = (OutboxState.QUEUED, OutboxState.SENDING)
_FINISHED = (OutboxState.SENT, OutboxState.FAILED, OutboxState.UNKNOWN)

Key = tuple[str, str]
"""app_id and uuid: one message."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as the outbox keeps it.

    Attributes:
        tried_at: When Feishu may have seen its uuid first, by the database's clock; None: it cannot have.
        age: Seconds from then until it was read, by the same clock.
        unsure: Somebody has tried to send it, with an outcome that is not known here.
    """

    row_id: int
    draft: Draft
    state: OutboxState
    owner: str
    attempts: int
    tried_at: datetime | None
    age: float
    message_id: str | None
    error: str | None
    unsure: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What a row is to become."""

    row_id: int
    state: OutboxState
    owner: str
    attempts: int
    tried_at: datetime | None
    sent_at: datetime | None = None
    message_id: str | None = None
    error: str | None = None


class OutboxRows:
    """Statements on the outbox table. Those that take a session belong to its transaction.

    Args:
        database: started.
        now: the time, aware; of SQLite, which is of one machine. PostgreSQL's own clock is the same for all.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self.clock = DatabaseClock(database, now).read
        """What the database's clock says."""
        self._insert = database.insert(OutboxRow).on_conflict_do_nothing()
        self._change = (
            update(OutboxRow)
            .where(col(OutboxRow.id) == bindparam("row"), col(OutboxRow.owner) == bindparam("mine"))
            .values({name: bindparam(f"to_{name}") for name in _CHANGED})
        )

    async def insert(self, session: AsyncSession, drafts: Iterable[Draft], owner: str) -> None:
        """Add messages, those that are known already left as they are."""
        values = [
            {
                "connector": draft.app_id,
                "uuid": draft.uuid,
                "event_id": draft.event_id,
                "final": draft.final,
                "reply_to": draft.reply_to,
                "receive_id": draft.receive_id,
                "receive_id_type": draft.receive_id_type,
                "in_thread": draft.in_thread,
                "msg_type": draft.msg_type,
                "content": draft.content,
                "state": OutboxState.QUEUED,
                "attempts": 0,
                "owner": owner,
                "created_at": self._now(),
            }
            for draft in drafts
        ]
        if values:
            await (await session.connection()).execute(self._insert, values)

    async def change(self, session: AsyncSession, changes: Sequence[Change], mine: str) -> None:
        """Change rows that are `mine`; others stay as they are."""
        values = [
            {"row": change.row_id, "mine": mine, **{f"to_{name}": getattr(change, name) for name in _CHANGED}}
            for change in changes
        ]
        if values:
            await (await session.connection()).execute(self._change, values)

    async def read(self, session: AsyncSession, keys: Collection[Key]) -> dict[Key, Kept]:
        """Those of these messages that there are."""
        if not keys:
            return {}
        rows = (await session.exec(select(OutboxRow).where(_any_of(keys)))).all()
        now = await self.clock(session)
        return {(row.connector, row.uuid): _kept(row, now) for row in rows}

    async def of_event(self, session: AsyncSession, app_id: str, event_id: str) -> list[Kept]:
        """What was said in answer to an event, in order."""
        wanted = (
            select(OutboxRow)
            .where(col(OutboxRow.connector) == app_id, col(OutboxRow.event_id) == event_id)
            .order_by(col(OutboxRow.id))
        )
        now = await self.clock(session)
        return [_kept(row, now) for row in (await session.exec(wanted)).all()]

    async def orphans(self) -> bool:
        """Whether there is anything to take over."""
        wanted = select(OutboxRow.id).where(_ORPHANED).limit(1)
        async with self._database.session() as session:
            return (await session.exec(wanted)).first() is not None

    async def take_over(self, session: AsyncSession, app_ids: Collection[str], owner: str) -> list[Kept]:
        """Make messages ours that are to be sent and whose owner is dead or none; oldest first, `PAGE` at most."""
        dead = (await session.exec(select(OutboxRow.owner).where(_ORPHANED).distinct())).all()
        if not dead:
            return []
        # The owners by name, not `orphaned`: see `EventStore.claim`.
        theirs = (
            select(OutboxRow)
            .where(
                col(OutboxRow.state).in_(UNFINISHED),
                col(OutboxRow.owner).in_(dead),
                col(OutboxRow.connector).in_(app_ids),
            )
            .order_by(col(OutboxRow.id))
            .limit(PAGE)
            .with_for_update(skip_locked=True)
        )
        rows = (await session.exec(theirs)).all()
        now = await self.clock(session)
        for row in rows:
            row.owner = owner
        return [_kept(row, now) for row in rows]

    async def hand_back(self, session: AsyncSession, owner: str) -> None:
        """Let anybody have what an owner has not sent."""
        unsent = update(OutboxRow).where(col(OutboxRow.owner) == owner, col(OutboxRow.state).in_(UNFINISHED))
        await (await session.connection()).execute(unsent.values(owner=""))

    async def prune(self, before: datetime) -> int:
        """Delete what was finished and was put before then, unless the event it answers may be handled again."""
        again = exists().where(
            col(EventRow.connector) == col(OutboxRow.connector),
            col(EventRow.event_id) == col(OutboxRow.event_id),
            col(EventRow.state) != EventState.DONE,
        )
        old = (
            select(OutboxRow.id)
            .where(col(OutboxRow.state).in_(_FINISHED), col(OutboxRow.created_at) < before, ~again)
            .order_by(col(OutboxRow.created_at))
            .limit(DELETE_AT_ONCE)
        )
        # The state again: one that somebody has revived meanwhile is found by its id only.
        statement = delete(OutboxRow).where(col(OutboxRow.id).in_(old), col(OutboxRow.state).in_(_FINISHED))
        return await delete_in_pieces(self._database, statement)


_ORPHANED = and_(col(OutboxRow.state).in_(UNFINISHED), orphaned(col(OutboxRow.owner)))
_CHANGED = ("state", "owner", "attempts", "tried_at", "sent_at", "message_id", "error")


def _any_of(keys: Collection[Key]) -> ColumnElement[bool]:
    """One condition per connector, in the shape of the unique index."""
    uuids: dict[str, set[str]] = {}
    for app_id, uuid in keys:
        uuids.setdefault(app_id, set()).add(uuid)
    return or_(
        *(
            and_(col(OutboxRow.connector) == app_id, col(OutboxRow.uuid).in_(wanted))
            for app_id, wanted in uuids.items()
        )
    )


def _kept(row: OutboxRow, now: datetime) -> Kept:
    draft = Draft(
        app_id=row.connector,
        uuid=row.uuid,
        msg_type=row.msg_type,
        content=row.content,
        reply_to=row.reply_to,
        receive_id=row.receive_id,
        receive_id_type=cast("ReceiveIdType", row.receive_id_type),
        in_thread=row.in_thread,
        event_id=row.event_id,
        final=row.final,
    )
    return Kept(
        row_id=row.id or 0,
        draft=draft,
        state=row.state,
        owner=row.owner,
        attempts=row.attempts,
        tried_at=row.tried_at,
        age=0.0 if row.tried_at is None else (now - row.tried_at).total_seconds(),
        message_id=row.message_id,
        error=row.error,
        unsure=row.state is OutboxState.SENDING,
    )
