"""Carrying out what was approved: everything is looked at once more, then the tool runs."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ...delivery import Fenced, Lease
from ...openapi import FeishuClient
from ...storage import ApprovalRow, ApprovalState, DatabaseUnavailable
from ...texts.approvals import ApprovalTexts
from ..tools import Tool, ToolError, ToolRegistry
from ..turn import Turn
from .canonical import restored
from .deciding import Deciding
from .errors import Changed
from .store import ApprovalStore

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_LONGEST_RESULT = 100_000  # characters


@dataclass(frozen=True, slots=True)
class Seat:
    """A connector that runs in this process.

    Attributes:
        name: Its name.
        client: Its REST client.
        texts: In its language.
        turn: The turn an approval was asked in, from the event that was stored.
    """

    name: str
    client: FeishuClient
    texts: ApprovalTexts
    turn: Callable[[ApprovalRow, bytes], Awaitable[Turn]]


Seats = Callable[[], Mapping[str, Seat]]
"""The connectors that run in this process now, by app id."""


@dataclass(frozen=True, slots=True)
class End:
    """What came of it.

    Attributes:
        error: A word of `texts.approvals`, or the reference of an exception in the log.
    """

    state: ApprovalState
    result: str | None = None
    error: str | None = None


class Carrying:
    """Runs tools, each approval's once in this process.

    Args:
        store: The approvals.
        tools: What can be called.
        deciding: Knows who may.
        lease: This process at work.
        superuser: Whether somebody is one.
        limit: Seconds a tool may take.
    """

    def __init__(
        self,
        store: ApprovalStore,
        tools: ToolRegistry,
        deciding: Deciding,
        lease: Lease,
        superuser: Callable[[str], bool],
        *,
        limit: float,
    ) -> None:
        self._store = store
        self._tools = tools
        self._deciding = deciding
        self._lease = lease
        self._superuser = superuser
        self._limit = limit
        self._begun: set[str] = set()

    def begun(self, approval_id: str) -> bool:
        """Whether its tool was run here, and what came of it is not written yet."""
        return approval_id in self._begun

    def written(self, approval_id: str) -> None:
        """What came of it is in the database."""
        self._begun.discard(approval_id)

    async def carry_out(self, row: ApprovalRow, owner: str, seat: Seat) -> End:
        """Look at everything once more, and run the tool.

        Raises:
            DatabaseUnavailable, Fenced: Nothing was run.
        """
        try:
            if isinstance(ready := await self._ready(row, seat), End):
                return ready
            await self._lease.confirm(owner)
        except (DatabaseUnavailable, Fenced):
            raise
        except Exception as error:
            return _failed(row, error)
        tool, turn, values = ready
        self._begun.add(row.id)
        limit = asyncio.timeout(self._limit)
        try:
            async with limit:
                result = await tool.run(turn, values)
        except ToolError as error:
            state = ApprovalState.UNKNOWN if error.unknown else ApprovalState.FAILED
            return End(state, error.said[:_LONGEST_RESULT] or None, error.reason)
        except Exception as error:
            if limit.expired():
                return End(ApprovalState.UNKNOWN, error="timeout")
            return _failed(row, error)
        return End(ApprovalState.DONE, None if result is None else str(result)[:_LONGEST_RESULT])

    async def _ready(self, row: ApprovalRow, seat: Seat) -> tuple[Tool, Turn, dict[str, object]] | End:
        """What is to be run, or why it must not be."""
        tool = self._tools.get(row.tool)
        if tool is None:
            return _no("tool")
        try:
            values = restored(tool, row.arguments, row.arguments_hash)
        except Changed as error:
            return _no(error.what)
        payload, late = await self._store.origin(row)
        if late:
            return _no("late")
        if not await self._deciding.still(row, tool, self._superuser):
            return _no("approver")
        if payload is None:
            return _no("gone")
        turn = await seat.turn(row, payload)
        if not await tool.permits(turn):
            return _no("asker")
        return tool, turn, values


def _no(error: str) -> End:
    return End(ApprovalState.FAILED, error=error)


def _failed(row: ApprovalRow, error: Exception) -> End:
    reference = secrets.token_hex(4)
    logger.error("approval %s: %s failed (%s)", row.id, row.tool, reference, exc_info=error)
    return _no(reference)
