"""Which messages are answered in the turn of a later one, in the database: so that each is answered once.

From the moment on that is committed, the later message's event stands for all of them. Handled again after a crash, in
whatever process, it brings the earlier ones along, and theirs have nothing left to do.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import and_, or_, tuple_
from sqlmodel import col, delete, exists, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ...adapter import MessageEvent, parse_event
from ...delivery import DELETE_AT_ONCE, Fenced, Lease, delete_in_pieces
from ...storage import (
    Database,
    DatabaseUnavailable,
    EventRow,
    EventState,
    MergedRow,
    OutboxRow,
    RunRow,
    utc_now,
)
from ..turn import Turn

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_T = TypeVar("_T")
_AGAIN = 0.5  # seconds until the database is tried again
_RECENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a message.

    Attributes:
        elsewhere: It is answered in the turn of a later one.
        earlier: What was said in those that are answered in its turn, and the events, where they are still kept.
        begun: Something was said in answer to it, or is stored.
    """

    elsewhere: bool = False
    earlier: Sequence[tuple[str, bytes | None]] = field(default=(), repr=False)
    begun: bool = False


class Merges:
    """Reads and writes `feishu_ws_merged`. Where the database is away it waits: whoever does not know what was merged
    would answer twice.

    Args:
        database: started.
        lease: This process at work.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    async def known(self, app_id: str, event_id: str) -> Known:
        """What is known of a message."""
        rows = (
            select(MergedRow, EventRow.payload)
            .join(
                EventRow,
                and_(
                    col(EventRow.connector) == col(MergedRow.connector),
                    col(EventRow.event_id) == col(MergedRow.event_id),
                ),
                isouter=True,
            )
            .where(
                col(MergedRow.connector) == app_id,
                or_(col(MergedRow.event_id) == event_id, col(MergedRow.turn) == event_id),
            )
            .order_by(col(MergedRow.position))
        )
        said = exists().where(col(OutboxRow.connector) == app_id, col(OutboxRow.event_id) == event_id)
        run = exists().where(col(RunRow.connector) == app_id, col(RunRow.event_id) == event_id)

        async def read() -> Known:
            async with self._database.session() as session:
                found = (await session.exec(rows)).all()
                begun = (await session.exec(select(or_(said, run)))).one()
            return Known(
                any(row.event_id == event_id for row, _ in found),
                [(row.text, payload) for row, payload in found if row.turn == event_id],
                bool(begun),
            )

        return await _patiently(read)

    async def commit(self, turns: Sequence[Turn]) -> None:
        """Store that all but the last one are answered in the turn of the last.

        Raises:
            Fenced: They are not all this process's. Nothing was stored.
        """
        *earlier, last = turns
        events = [turn.event.event_id for turn in turns]
        rows = [
            MergedRow(
                connector=turn.app_id,
                event_id=turn.event.event_id,
                turn=last.event.event_id,
                position=position,
                text=turn.text,
            )
            for position, turn in enumerate(earlier)
        ]

        async def work(session: AsyncSession) -> None:
            owner = await self._lease.hold(session)
            mine = select(EventRow.id).where(
                col(EventRow.connector) == last.app_id,
                col(EventRow.event_id).in_(events),
                col(EventRow.state) == EventState.RECEIVED,
                col(EventRow.owner) == owner,
            )
            if len((await session.exec(mine.with_for_update())).all()) < len(events):
                raise Fenced(owner)
            for row in rows:  # the same again, where nobody knew whether it was committed
                await session.merge(row)

        await _patiently(lambda: self._database.write(work))

    async def prune(self) -> None:
        """Forget those whose turn's event is no longer kept."""
        kept = exists().where(
            col(EventRow.connector) == col(MergedRow.connector), col(EventRow.event_id) == col(MergedRow.turn)
        )

        key = tuple_(col(MergedRow.connector), col(MergedRow.event_id))
        old = select(MergedRow.connector, MergedRow.event_id).where(
            col(MergedRow.created_at) < utc_now() - _RECENT, ~kept
        )
        await delete_in_pieces(self._database, delete(MergedRow).where(key.in_(old.limit(DELETE_AT_ONCE))))


def together(turn: Turn, texts: Sequence[str], events: Sequence[MessageEvent]) -> Turn:
    """A turn with what was said before it."""
    text = "\n".join(said for said in (*texts, turn.text) if said.strip())
    return replace(turn, text=text, earlier=tuple(events))


def rebuilt(turn: Turn, known: Known) -> Turn:
    """A turn that was begun before, as it was then."""
    events = [
        parse_event(json.loads(payload), app_id=turn.app_id)
        for _, payload in known.earlier
        if payload is not None
    ]
    return together(
        turn,
        [text for text, _ in known.earlier],
        [event for event in events if isinstance(event, MessageEvent)],
    )


async def _patiently(work: Callable[[], Awaitable[_T]]) -> _T:
    while True:
        try:
            return await work()
        except DatabaseUnavailable as error:
            logger.debug("what is merged is not known now: %s", error)
        await asyncio.sleep(_AGAIN)
