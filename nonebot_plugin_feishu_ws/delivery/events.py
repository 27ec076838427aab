"""Events in the database: the statements behind the inbox."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, EventRow, EventState
from .pruning import DELETE_AT_ONCE, delete_in_pieces

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
    """An event from an earlier life of the process."""

    row_id: int
    incoming: Incoming
    received_at: datetime
    attempts: int
    """How often it was handed out, this time included."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an event ended."""

    row_id: int
    state: EventState
    at: datetime
    error: str | None = None


class EventStore:
    """Statements on the event table, on behalf of one inbox.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        # "On conflict" is spelled the same on both, but belongs to neither's standard.
        dialect = sqlite if database.is_sqlite else postgresql
        self._insert = dialect.insert(EventRow).on_conflict_do_nothing()

    async def insert(self, events: Sequence[Incoming], at: datetime) -> list[int | None]:
        """Insert in order, in one transaction.

        Returns:
            For each event the row that stands for it, if that is this owner's and unfinished, else None.
            Repetitions have the same row.
        """
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
                "owner": self._owner,
                "received_at": at,
            }
            for event in events
        ]

        async def work(session: AsyncSession) -> list[tuple[int, str, str, str | None]]:
            await (await session.connection()).execute(self._insert, values)
            # Not RETURNING: SQLite has it since 3.35, and rows of a commit whose outcome was unknown count
            # too.
            mine = select(EventRow.id, EventRow.connector, EventRow.event_id, EventRow.message_id).where(
                col(EventRow.owner) == self._owner,
                col(EventRow.state) == EventState.RECEIVED,
                or_(*_any_key_of(events)),
            )
            return [(row[0] or 0, row[1], row[2], row[3]) for row in (await session.exec(mine)).all()]

        rows = await self._database.write(work)
        by_event = {(connector, event_id): id_ for id_, connector, event_id, _ in rows}
        by_message = {(connector, message): id_ for id_, connector, _, message in rows if message}
        return [
            by_event.get((event.app_id, event.event_id))
            or by_message.get((event.app_id, event.message_key or ""))
            for event in events
        ]

    async def end(self, endings: Sequence[Ending]) -> None:
        """Finish rows, in one transaction. Rows finished already, or taken over by another owner, stay as
        they are."""
        statement = (
            update(EventRow)
            .where(
                col(EventRow.id) == bindparam("row"),
                col(EventRow.owner) == self._owner,
                col(EventRow.state) == EventState.RECEIVED,
            )
            .values(state=bindparam("to"), done_at=bindparam("at"), error=bindparam("why"))
        )
        values = [{"row": e.row_id, "to": e.state, "at": e.at, "why": e.error} for e in endings]

        async def work(session: AsyncSession) -> None:
            await (await session.connection()).execute(statement, values)

        await self._database.write(work)

    async def take_over(
        self, app_id: str | None, *, after: int, limit: int, held: Collection[int]
    ) -> tuple[list[Unfinished], int | None]:
        """Make unfinished rows that are not `held` ours, oldest first, beginning behind the row `after`.

        Returns:
            The rows, and the row behind which to go on; None when there are no more.
        """
        theirs = (
            select(EventRow)
            .where(col(EventRow.state) == EventState.RECEIVED, col(EventRow.id) > after)
            .order_by(col(EventRow.id))
            .limit(limit)
            .with_for_update()
        )
        if app_id is not None:
            theirs = theirs.where(col(EventRow.connector) == app_id)

        async def work(session: AsyncSession) -> tuple[list[Unfinished], int | None]:
            rows = (await session.exec(theirs)).all()
            taken: list[Unfinished] = []
            for row in rows:
                if row.id not in held:
                    row.owner = self._owner
                    row.attempts += 1
                    taken.append(_unfinished(row))
            return taken, rows[-1].id if len(rows) == limit else None

        return await self._database.write(work)

    async def prune(self, state: EventState, before: datetime) -> int:
        """Delete rows in a state that were received earlier; in small transactions, so that nobody waits
        long."""
        old = (
            select(EventRow.id)
            .where(col(EventRow.state) == state, col(EventRow.received_at) < before)
            .limit(DELETE_AT_ONCE)
        )
        statement = delete(EventRow).where(col(EventRow.id).in_(old))
        return await delete_in_pieces(self._database, statement)


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
    return Unfinished(row.id or 0, incoming, row.received_at, row.attempts)
