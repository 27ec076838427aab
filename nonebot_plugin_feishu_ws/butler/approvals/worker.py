"""Carrying out what was approved, once; telling what became of it, once; whatever process does it.

A claim is one conditional UPDATE, so one worker has it. A worker that died in the middle leaves an approval nobody
carries out again by itself (`idempotent` tools are the exception). Every process looks once a second for what another
has left: approved and not begun, begun by a worker that is gone, past its time, decided and not told.
"""

import asyncio
import logging
from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession
from typing_extensions import override

from ...delivery import Fenced, Lease, LogAction, LogBook, LogLevel, Outbox
from ...storage import ApprovalRow, ApprovalState, DatabaseUnavailable
from ...telemetry import about
from ..rounds import Rounds
from ..tools import ToolRegistry
from .carrying import Carrying, Seats
from .face import answers
from .showing import Showing
from .store import OVER, ApprovalStore

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_AT_ONCE = 100  # rows of one look
_WAIT_FIRST, _WAIT_MOST = 0.2, 5.0  # seconds between two tries to write what came of it


class _NotNowError(Exception):
    """It was not begun and is to be tried again."""


class Worker(Rounds[ApprovalRow]):
    """Makes the rounds of approvals.

    Args:
        store: The approvals.
        showing: Brings their cards up to date.
        tools: What can be called.
        carrying: Runs them.
        outbox, logbook: Where what became of it is told.
        lease: This process at work.
        seats: The connectors it runs.
        every: Seconds between two looks.
    """

    def __init__(
        self,
        store: ApprovalStore,
        showing: Showing,
        tools: ToolRegistry,
        carrying: Carrying,
        outbox: Outbox,
        logbook: LogBook,
        lease: Lease,
        seats: Seats,
        *,
        every: float = 1.0,
    ) -> None:
        super().__init__("approvals", every)
        self._store = store
        self._showing = showing
        self._tools = tools
        self._carrying = carrying
        self._outbox = outbox
        self._logbook = logbook
        self._lease = lease
        self._seats = seats
        self._next_cards = 0.0

    @override
    async def stop(self, grace: float) -> None:
        """As all rounds do; what is cancelled is of unknown outcome."""
        await super().stop(grace)
        await self._showing.stop()

    @override
    async def sweep(self) -> None:
        await super().sweep()
        now = asyncio.get_running_loop().time()
        if now >= self._next_cards:  # not each time somebody has decided something
            self._next_cards = now + self._every
            if seats := self._seats():
                await self._showing.catch_up(seats)

    @override
    async def _due(self) -> Sequence[ApprovalRow]:
        seats = self._seats()
        return await self._store.due(seats.keys(), self._lease.id, _AT_ONCE) if seats else ()

    @override
    def _key(self, row: ApprovalRow) -> str:
        return row.id

    # --- one approval -------------------------------------------------------------------------------------------

    @override
    async def _see_to(self, row: ApprovalRow) -> None:
        """Take it a step further, as far as this process may."""
        seat = self._seats().get(row.connector)
        with about(seat.name if seat else row.connector, row.connector, row.event_id):
            await self._see_through(row)

    async def _see_through(self, row: ApprovalRow) -> None:
        try:
            if row.state not in OVER and not await self._step(row):
                return
            await self._tell(row.id)
        except Fenced as error:
            logger.warning("approval %s is left to others: %s", row.id, error)
        except (DatabaseUnavailable, _NotNowError) as error:
            logger.warning("approval %s waits for the database: %s", row.id, error)
        except Exception:
            logger.exception("approval %s cannot be seen to", row.id)

    async def _step(self, row: ApprovalRow) -> bool:
        """Whether it is over now, by this process."""
        match row.state:
            case ApprovalState.PENDING:
                return await self._store.expire(row.id)
            case ApprovalState.APPROVED:
                await self._tools.ready(row.tool)
                owner = await self._store.claim(row.id, self._lease.hold)
            case _ if row.owner == self._lease.id and not self._carrying.begun(row.id):
                owner = row.owner  # claimed, though the answer to the claim was lost
            case _ if row.owner == self._lease.id:
                return await self._store.finish(
                    row.id, row.owner, ApprovalState.UNKNOWN, result=None, error="interrupted"
                )
            case _ if (tool := self._tools.get(row.tool)) is not None and tool.terms.idempotent:
                owner = await self._store.reclaim(row.id, row.owner, self._lease.hold)
            case _:
                return await self._store.abandon(row.id, row.owner)
        return owner is not None and await self._execute(row, owner)

    async def _execute(self, row: ApprovalRow, owner: str) -> bool:
        seat = self._seats().get(row.connector)
        if seat is None:
            raise _NotNowError("its connector was stopped")
        self._showing.soon(row.id, seat)
        end = await self._carrying.carry_out(row, owner, seat)
        wait = _WAIT_FIRST
        while True:
            try:
                written = await self._store.finish(
                    row.id, owner, end.state, result=end.result, error=end.error
                )
                break
            except DatabaseUnavailable:  # it was done, and that must not be forgotten
                await asyncio.sleep(wait)
                wait = min(2 * wait, _WAIT_MOST)
        self._carrying.written(row.id)
        if not written:
            logger.warning("approval %s came to an end (%s) after it was given up", row.id, end.state)
        return written

    async def _tell(self, approval_id: str) -> None:
        """Say what became of it: by one process, in one transaction with the note that it was said."""

        async def say(session: AsyncSession, row: ApprovalRow) -> None:
            seat = self._seats().get(row.connector)
            if seat is None:
                raise _NotNowError("its connector was stopped")
            await self._outbox.put(session, answers(seat.texts, row))

        row = await self._store.settle(approval_id, say)
        if row is None:
            return
        self._outbox.wake()
        if (seat := self._seats().get(row.connector)) is not None:
            self._showing.soon(row.id, seat)
        trouble = row.state in (ApprovalState.FAILED, ApprovalState.UNKNOWN)
        self._logbook.write(
            LogAction.WS_AUTH_CARD,
            level=LogLevel.ERROR if trouble else LogLevel.INFO,
            connector=row.connector,
            event_id=row.event_id,
            message_id=row.message_id,
            detail={"approval": row.id, "tool": row.tool, "state": row.state, "error": row.error},
        )
