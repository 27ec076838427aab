"""Events in the database: the statements behind the inbox."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, EventRow, EventState
from .lease import Lease, orphaned
from .pruning import DELETE_AT_ONCE, delete_in_pieces

NOBODY = ""
"""The owner of a row that was given back: none, so that it is anybody's."""
_MESSAGE = "im.message.receive_v1"


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as it comes in."""

    app_id: str
    event_id: str
    event_type: str
    payload: bytes = field(repr=False)
    """The event's JSON as Feishu sent it."""
    message_id: str | None = None
    """A second key, for `im.message.receive_v1` alone: Feishu may push a message again under a new event id.
    Other events about the same message carry its id too; theirs is not stored."""
    chat_id: str | None = None

    @property
    def message_key(self) -> str | None:
        """The message id if it identifies this event."""
        return (self.message_id or None) if self.event_type == _MESSAGE else None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An event that somebody left unfinished: a worker that died, or one that gave it back."""

    row_id: int
    owner: str
    """The worker it belongs to now, see `Lease`."""
    incoming: Incoming
    received_at: datetime
    attempts: int
    """How often it was handed out, this time included."""
    error: str | None = None
    """Why it was given back the last time, if that was its own fault."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an event came out of somebody's hands.

    Attributes:
        owner: Whose hands those were.
        state: RECEIVED: it was not handled, and is anybody's.
        at: When it ended; None if it has not.
        counts: Whether that was an attempt at it.
    """

    row_id: int
    owner: str
    state: EventState
    at: datetime | None
    error: str | None = None
    counts: bool = True


class EventStore:
    """Statements on the event table, on behalf of one inbox.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease
        self._insert = database.insert(EventRow).on_conflict_do_nothing()

    async def insert(self, events: Sequence[Incoming], at: datetime) -> tuple[str, list[int | None]]:
        """Insert in order, in one transaction.

        Returns:
            The owner of the new rows, and for each event the row that stands for it, if that is this owner's and
            unfinished, else None. Repetitions have the same row.

        Raises:
            Fenced: again and again; nothing was inserted.
        """

        async def work(
            session: AsyncSession, owner: str
        ) -> tuple[str, list[tuple[int, str, str, str | None]]]:
            values = [
                {
                    "connector": event.app_id,
                    "event_id": event.event_id,
                    "message_id": event.message_key,
                    "event_type": event.event_type,
                    "chat_id": event.chat_id,
                    "payload": event.payload,
                    "state": EventState.RECEIVED,
                    "attempts": 1,
                    "owner": owner,
                    "received_at": at,
                }
                for event in events
            ]
            await (await session.connection()).execute(self._insert, values)
            # Not RETURNING: SQLite has it since 3.35, and rows of a commit whose outcome was unknown count
            # too.
            mine = select(EventRow.id, EventRow.connector, EventRow.event_id, EventRow.message_id).where(
                col(EventRow.owner) == owner,
                col(EventRow.state) == EventState.RECEIVED,
                or_(*_any_key_of(events)),
            )
            found = (await session.exec(mine)).all()
            return owner, [(row[0] or 0, row[1], row[2], row[3]) for row in found]

        owner, rows = await self._lease.write(work)
        by_event = {(connector, event_id): id_ for id_, connector, event_id, _ in rows}
        by_message = {(connector, message): id_ for id_, connector, _, message in rows if message}
        return owner, [
            by_event.get((event.app_id, event.event_id))
            or by_message.get((event.app_id, event.message_key or ""))
            for event in events
        ]

    async def end(self, endings: Sequence[Ending]) -> None:
        """Finish rows, or give them back, in one transaction. Those that are finished already, or another's by now,
        stay as they are."""
        finished: list[dict[str, object]] = []
        given_back: list[dict[str, object]] = []
        for ending in endings:
            values: dict[str, object] = {"row": ending.row_id, "mine": ending.owner, "why": ending.error}
            if ending.state is EventState.RECEIVED:
                given_back.append({**values, "uncounted": 0 if ending.counts else 1})
            else:
                finished.append({**values, "to": ending.state, "at": ending.at})

        async def work(session: AsyncSession) -> None:
            connection = await session.connection()
            if finished:
                await connection.execute(_FINISH, finished)
            if given_back:
                await connection.execute(_GIVE_BACK, given_back)

        await self._database.write(work)

    async def give_back_all(self) -> None:
        """Everything unfinished of this worker is anybody's."""
        statement = (
            update(EventRow)
            .where(col(EventRow.owner) == self._lease.id, col(EventRow.state) == EventState.RECEIVED)
            .values(owner=NOBODY)
        )

        async def work(session: AsyncSession) -> None:
            await (await session.connection()).execute(statement)

        await self._database.write(work)

    async def dead_owners(self, app_ids: Collection[str] | None) -> Sequence[str]:
        """Owners of unfinished rows that are not at work. Only reads: mostly there are none."""
        statement = (
            select(EventRow.owner)
            .where(col(EventRow.state) == EventState.RECEIVED, orphaned(col(EventRow.owner)))
            .distinct()
        )
        if app_ids is not None:
            statement = statement.where(col(EventRow.connector).in_(app_ids))
        async with self._database.session() as session:
            return (await session.exec(statement)).all()

    async def claim(
        self,
        owners: Sequence[str],
        app_ids: Collection[str] | None,
        *,
        after: int,
        limit: int,
        held: Collection[int],
        last_attempt: int,
        one_is_held: bool,
    ) -> tuple[list[Unfinished], int | None]:
        """Make unfinished rows of dead owners ours, except those that are `held`; oldest first, behind `after`.

        Several may claim at once: what one is about to take the others pass over.

        Args:
            last_attempt: Of rows for which this is the number of the attempt, one at a time is taken.
            one_is_held: It is among `held`.

        Returns:
            The rows, and the row behind which to go on; None when there are no more.

        Raises:
            Fenced: again and again; nothing was claimed.
        """
        # The owners by name, not `orphaned`: PostgreSQL looks at a row that has changed meanwhile once more, but not
        # at the workers, and would take it from one that has just begun.
        theirs = (
            select(EventRow)
            .where(
                col(EventRow.state) == EventState.RECEIVED,
                col(EventRow.owner).in_(owners),
                col(EventRow.id) > after,
            )
            .order_by(col(EventRow.id))
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if app_ids is not None:
            theirs = theirs.where(col(EventRow.connector).in_(app_ids))

        async def work(session: AsyncSession, owner: str) -> tuple[list[Unfinished], int | None]:
            rows = (await session.exec(theirs)).all()
            taken: list[Unfinished] = []
            passed_over = one_is_held
            for row in rows:
                is_last = row.attempts + 1 == last_attempt
                if row.id in held or (is_last and passed_over):
                    continue
                passed_over = passed_over or is_last
                row.owner = owner
                row.attempts += 1
                taken.append(_unfinished(row))
            return taken, rows[-1].id if len(rows) == limit else None

        return await self._lease.write(work)

    async def prune(self, state: EventState, before: datetime) -> int:
        """Delete rows in a state that were received earlier; in small transactions, so that nobody waits
        long."""
        old = (
            select(EventRow.id)
            .where(col(EventRow.state) == state, col(EventRow.received_at) < before)
            .order_by(col(EventRow.received_at))  # by its index: nothing that is kept is looked at
            .limit(DELETE_AT_ONCE)
        )
        # The state once more: a dead letter may have been revived since it was found.
        statement = delete(EventRow).where(col(EventRow.id).in_(old), col(EventRow.state) == state)
        return await delete_in_pieces(self._database, statement)


_MINE = (
    update(EventRow)
    .where(
        col(EventRow.id) == bindparam("row"),
        col(EventRow.owner) == bindparam("mine"),
        col(EventRow.state) == EventState.RECEIVED,
    )
    .values(error=bindparam("why"))
)
_FINISH = _MINE.values(state=bindparam("to"), done_at=bindparam("at"))
_GIVE_BACK = _MINE.values(owner=NOBODY, attempts=EventRow.attempts - bindparam("uncounted"))


def _any_key_of(events: Sequence[Incoming]) -> list[ColumnElement[bool]]:
    """One condition per connector, in the shape of the unique indexes."""
    keys: dict[str, tuple[set[str], set[str]]] = {}
    for event in events:
        event_ids, message_ids = keys.setdefault(event.app_id, (set(), set()))
        event_ids.add(event.event_id)
        if event.message_key:
            message_ids.add(event.message_key)
    return [
        and_(
            col(EventRow.connector) == app_id,
            or_(col(EventRow.event_id).in_(event_ids), col(EventRow.message_id).in_(message_ids)),
        )
        for app_id, (event_ids, message_ids) in keys.items()
    ]


def _unfinished(row: EventRow) -> Unfinished:
    incoming = Incoming(
        app_id=row.connector,
        event_id=row.event_id,
        event_type=row.event_type,
        payload=row.payload,
        message_id=row.message_id,
        chat_id=row.chat_id,
    )
    return Unfinished(row.id or 0, row.owner, incoming, row.received_at, row.attempts, row.error)
