"""Answers that must not be begun again: those that wait for people, and those of which it is known what to say.

ASKING → WAITING → RESUMING → … → ANSWERED → DONE. A model that is asked twice calls other tools under other names: so
the moment it has called one that needs approval, its messages are stored, and from then on the same calls are asked for
and go on from the same place, in whatever process (faults.md, "pydantic-ai 2.68.0": it does not deduplicate).
"""

import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, tuple_
from sqlmodel import col, delete, exists, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ...delivery import DELETE_AT_ONCE, Fenced, Lease, delete_in_pieces, orphaned
from ...storage import ApprovalRow, Database, EventRow, RunRow, RunState, one_of, utc_now
from ..history import Conversation
from ..turn import Turn

Also = Callable[[AsyncSession], Awaitable[None]]
"""More for the same transaction."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a model that needs approval.

    Attributes:
        id: As the model's server has named it.
        tool: The tool's name.
        arguments: JSON, as the model wrote it.
        key: Of its approval among those of the event. Ours: names that servers give repeat.
        refused: What the model is told where nobody was asked; empty: somebody was.
    """

    id: str
    tool: str
    arguments: str
    key: str
    refused: str = ""


def calls_of(run: RunRow) -> list[Call]:
    """The open calls of a run, in the model's order."""
    return [Call(**fields) for fields in json.loads(run.calls)]


def dumped(calls: Sequence[Call]) -> str:
    """Calls as they are stored."""
    return json.dumps([asdict(call) for call in calls])


class Runs:
    """Reads and writes `feishu_ws_run`. Every method raises DatabaseUnavailable where the database does not work.

    Args:
        database: started.
        lease: This process at work.
    """

    def __init__(self, database: Database, lease: Lease) -> None:
        self._database = database
        self._lease = lease

    async def get(self, app_id: str, event_id: str) -> RunRow | None:
        async with self._database.session() as session:
            return await session.get(RunRow, (app_id, event_id))

    async def put(
        self,
        turn: Turn,
        stage: int,
        state: RunState,
        *,
        messages: str = "[]",
        calls: Sequence[Call] = (),
        answer: str = "",
        also: Also | None = None,
    ) -> RunRow:
        """Store how far an answer has come.

        Raises:
            Fenced: It is another process's by now; nothing was stored.
        """
        connector, chat_id, thread_id = turn.conversation

        async def work(session: AsyncSession) -> RunRow:
            owner = await self._lease.hold(session)
            old = await session.get(RunRow, (connector, turn.event.event_id), with_for_update=True)
            # The first stage belongs to whoever has the event in hand, later ones to whoever claimed them.
            if old is not None and (old.stage > stage or (stage and old.owner != owner)):
                raise Fenced(owner)
            row = RunRow(
                connector=connector,
                event_id=turn.event.event_id,
                chat_id=chat_id,
                thread_id=thread_id or "",
                stage=stage,
                state=state,
                owner=owner,
                messages=messages,
                calls=dumped(calls),
                answer=answer,
            )
            if old is not None:
                row.created_at = old.created_at
            row = await session.merge(row)
            if also is not None:
                await also(session)
            return row

        return await self._database.write(work)

    async def done(self, app_id: str, event_id: str, stage: int) -> None:
        """ANSWERED → DONE: the card of that stage says it all."""

        async def work(session: AsyncSession) -> None:
            step = update(RunRow).where(
                _is(app_id, event_id),
                col(RunRow.stage) == stage,
                col(RunRow.state) == RunState.ANSWERED,
            )
            await session.exec(step.values(state=RunState.DONE))

        await self._database.write(work)

    async def due(self, app_ids: Collection[str], limit: int) -> Sequence[RunRow]:
        """Runs that can go on, of some bots."""
        found = select(RunRow).where(_due(self._lease.id), one_of(col(RunRow.connector), app_ids))
        async with self._database.session() as session:
            return (await session.exec(found.order_by(col(RunRow.created_at)).limit(limit))).all()

    async def claim(self, app_id: str, event_id: str) -> RunRow | None:
        """Take a run that can go on; None: somebody else has it. What waited is RESUMING in the next stage.

        Raises:
            Fenced: This process is taken for dead.
        """

        async def work(session: AsyncSession) -> RunRow | None:
            owner = await self._lease.hold(session)
            found = select(RunRow).where(_is(app_id, event_id), _due(owner)).with_for_update()
            row = (await session.exec(found)).first()
            if row is None:
                return None
            state, stage = row.state, row.stage
            if state is RunState.WAITING:
                state, stage = RunState.RESUMING, row.stage + 1
            step = update(RunRow).where(
                _is(app_id, event_id),
                col(RunRow.state) == row.state,
                col(RunRow.owner) == row.owner,
                col(RunRow.stage) == row.stage,
            )
            if not (await session.exec(step.values(state=state, stage=stage, owner=owner))).rowcount:
                return None
            await session.refresh(row)
            return row

        return await self._database.write(work)

    async def approvals(self, run: RunRow) -> dict[str, ApprovalRow]:
        """What became of its calls, by key."""
        mine = select(ApprovalRow).where(
            col(ApprovalRow.connector) == run.connector, col(ApprovalRow.event_id) == run.event_id
        )
        async with self._database.session() as session:
            return {row.call: row for row in (await session.exec(mine)).all()}

    async def origin(self, run: RunRow) -> bytes | None:
        """The event that was asked with, as it was received; None: it is no longer kept."""
        payload = select(EventRow.payload).where(
            col(EventRow.connector) == run.connector, col(EventRow.event_id) == run.event_id
        )
        async with self._database.session() as session:
            return (await session.exec(payload)).first()

    async def drop(self, run: RunRow) -> None:
        """Never go on with it."""

        async def work(session: AsyncSession) -> None:
            step = update(RunRow).where(_is(run.connector, run.event_id)).values(state=RunState.DONE)
            await session.exec(step)

        await self._database.write(work)

    async def forget(self, conversation: Conversation) -> None:
        """Go on with nothing that waits in a conversation. What people approve is carried out all the same."""
        connector, chat_id, thread_id = conversation

        async def work(session: AsyncSession) -> None:
            step = update(RunRow).where(
                col(RunRow.connector) == connector,
                col(RunRow.chat_id) == chat_id,
                col(RunRow.thread_id) == (thread_id or ""),
                col(RunRow.state) == RunState.WAITING,
            )
            await session.exec(step.values(state=RunState.DONE))

        await self._database.write(work)

    async def prune(self, older_than: timedelta) -> None:
        """Forget runs that were begun longer ago."""
        key = tuple_(col(RunRow.connector), col(RunRow.event_id))
        old = select(RunRow.connector, RunRow.event_id).where(col(RunRow.created_at) < utc_now() - older_than)
        await delete_in_pieces(self._database, delete(RunRow).where(key.in_(old.limit(DELETE_AT_ONCE))))


def _is(app_id: str, event_id: str) -> ColumnElement[bool]:
    return and_(col(RunRow.connector) == app_id, col(RunRow.event_id) == event_id)


def _due(owner: str) -> ColumnElement[bool]:
    """SQL: it can go on, as far as one worker sees: what it has in hand itself it knows. The first stage of a process
    that died comes again with its event."""
    undecided = exists().where(
        col(ApprovalRow.connector) == col(RunRow.connector),
        col(ApprovalRow.event_id) == col(RunRow.event_id),
        col(ApprovalRow.finished_at).is_(None),
    )
    left = and_(
        col(RunRow.stage) > 0,
        col(RunRow.state).in_((RunState.ASKING, RunState.RESUMING, RunState.ANSWERED)),
        or_(orphaned(col(RunRow.owner)), col(RunRow.owner) == owner),
    )
    return or_(and_(col(RunRow.state) == RunState.WAITING, ~undecided), left)
