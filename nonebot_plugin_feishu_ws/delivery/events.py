"""Events in the database: the statements behind the inbox."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, EventRow, EventState, one_of
from .incoming import Ending, Incoming, Unfinished
from .lease import Lease, orphaned
from .pruning import DELETE_AT_ONCE, delete_in_pieces

NOBODY = ""
"""The owner of a row that was given back: none, so that it is anybody's."""


class EventStore:
    """Statements on the event table, on behalf of one inbox.

    Every method raises DatabaseUnavailable where the database does not work.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease
        self._native = native = database.native
        self._insert, self._read, self._finish = map(native.sql, (_INSERT, _READ, _FINISH))
        self._read_to = 0
        """The last row of ours that `insert` has read."""

    async def insert(self, events: Sequence[Incoming], at: datetime) -> tuple[str, list[int | None]]:
        """Insert in order, in one transaction.

        Returns:
            The owner of the new rows, and for each event the row that stands for it, if that is this owner's and
            unfinished, else None. Repetitions have the same row.

        Raises:
            Fenced: again and again; nothing was inserted.
        """
        time = self._native.time(at)

        async def work(session: AsyncSession, owner: str) -> tuple[str, Sequence[Any], Sequence[Any]]:
            connection = await session.connection()
            values = [
                (e.app_id, e.event_id, e.message_key, e.event_type, e.chat_id, e.payload, owner, time)
                for e in events
            ]
            await connection.exec_driver_sql(self._insert, values)
            # Numbers only grow: what is new of ours is behind what was read last.
            new = (await connection.exec_driver_sql(self._read, (owner, self._read_to))).all()
            stored = {row[1:3] for row in new}
            # Others were known; of a commit whose outcome was unknown they may be ours.
            known = [e for e in events if (e.app_id, e.event_id) not in stored]
            return owner, new, await self._known(session, owner, known) if known else ()

        owner, new, known = await self._lease.write(work, shared=True)
        if new:
            self._read_to = new[-1][0]
        by_event = {row[1:3]: row[0] for row in (*known, *new)}
        by_message = {(row[1], row[3]): row[0] for row in (*known, *new) if row[3]}
        return owner, [
            by_event.get((event.app_id, event.event_id))
            or by_message.get((event.app_id, event.message_key or ""))
            for event in events
        ]

    async def _known(self, session: AsyncSession, owner: str, events: Sequence[Incoming]) -> Sequence[Any]:
        mine = select(EventRow.id, EventRow.connector, EventRow.event_id, EventRow.message_id).where(
            col(EventRow.owner) == owner,
            col(EventRow.state) == EventState.RECEIVED,
            or_(*_any_key_of(events)),
        )
        return (await session.exec(mine)).all()

    async def end(self, endings: Sequence[Ending]) -> None:
        """Finish rows, or give them back, in one transaction. Those that are finished already, or another's by now,
        stay as they are."""
        time = self._native.time
        finished = [
            (e.state.value, time(e.at), e.error, e.row_id, e.owner)
            for e in endings
            if e.state is not EventState.RECEIVED
        ]
        given_back = [
            {"row": e.row_id, "mine": e.owner, "why": e.error, "uncounted": 0 if e.counts else 1}
            for e in endings
            if e.state is EventState.RECEIVED
        ]

        async def work(session: AsyncSession) -> None:
            connection = await session.connection()
            if finished:
                await connection.exec_driver_sql(self._finish, finished)
            if given_back:
                await connection.execute(_GIVE_BACK, given_back)

        await self._database.write(work, shared=True)

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
            statement = statement.where(one_of(col(EventRow.connector), app_ids))
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


_INSERT = """
INSERT INTO feishu_ws_event
    (connector, event_id, message_id, event_type, chat_id, payload, owner, received_at, state, attempts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'received', 1) ON CONFLICT DO NOTHING
"""
_READ = """
SELECT id, connector, event_id, message_id FROM feishu_ws_event
WHERE state = 'received' AND owner = ? AND id > ? ORDER BY id
"""
_FINISH = """
UPDATE feishu_ws_event SET state = ?, done_at = ?, error = ? WHERE id = ? AND owner = ? AND state = 'received'
"""
_GIVE_BACK = (
    update(EventRow)
    .where(
        col(EventRow.id) == bindparam("row"),
        col(EventRow.owner) == bindparam("mine"),
        col(EventRow.state) == EventState.RECEIVED,
    )
    .values(error=bindparam("why"), owner=NOBODY, attempts=EventRow.attempts - bindparam("uncounted"))
)


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
