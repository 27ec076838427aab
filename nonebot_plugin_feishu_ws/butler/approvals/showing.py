"""Cards brought to the state of their approval. What was carried out stands, whatever becomes of the cards.

An approval that is over has one last state, and whoever brings its cards to that brings them to the same. States on
the way are shown by the one process that carries it out, one after another, so that none of them comes last.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from ...openapi import (
    ChatUnavailable,
    FeishuClient,
    FeishuError,
    InvalidRequest,
    MessageGone,
    MessageLocked,
    TooLarge,
)
from ...storage import ApprovalRow, DatabaseUnavailable
from ...texts.approvals import ApprovalTexts
from ..tools import ToolRegistry
from .cardrows import CardRows
from .face import card
from .store import ApprovalStore

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_AFTER = 0.5  # seconds: an update that overtakes the answer to a click is undone by it (…/延时更新消息卡片)
_AT_ONCE = 100  # approvals of one look
_WAIT_FIRST, _WAIT_MOST = 1.0, 300.0  # seconds
_FOR_GOOD = (MessageGone, MessageLocked, ChatUnavailable, InvalidRequest, TooLarge)


class Stage(Protocol):
    """What is needed to show something."""

    @property
    def client(self) -> FeishuClient: ...
    @property
    def texts(self) -> ApprovalTexts: ...


class Showing:
    """Updates cards, those of one approval one after another.

    Args:
        store, rows: The approvals and their cards.
        tools: What can be called.
        after: Seconds to wait before, for the answer to a click to reach Feishu first.
        clock: Seconds.
    """

    def __init__(
        self,
        store: ApprovalStore,
        rows: CardRows,
        tools: ToolRegistry,
        *,
        after: float = _AFTER,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._rows = rows
        self._tools = tools
        self._after = after
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: dict[str, tuple[float, float]] = {}
        self._clock = clock or (lambda: asyncio.get_running_loop().time())

    def soon(self, approval_id: str, stage: Stage) -> None:
        """Bring an approval's cards up to date, in a moment. What is missed is caught up on."""
        if approval_id not in self._tasks:
            task = asyncio.create_task(self._show(approval_id, stage), name=f"feishu-ws cards {approval_id}")
            self._tasks[approval_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(approval_id))

    async def catch_up(self, stages: Mapping[str, Stage]) -> None:
        """See to the cards of approvals that are over and do not show it.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        now = self._clock()
        for approval_id, app_id in await self._rows.behind(stages.keys(), _AT_ONCE):
            if self._again.get(approval_id, (0.0, 0.0))[0] <= now:
                self.soon(approval_id, stages[app_id])

    async def stop(self) -> None:
        """Update no more."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _show(self, approval_id: str, stage: Stage) -> None:
        try:
            await asyncio.sleep(self._after)
            while True:
                row = await self._store.get(approval_id)
                if row is None:
                    return
                cards = await self._rows.of(row)
                stale = [one for one in cards if one.message_id is not None and one.shown != row.state]
                for one in stale:
                    await self._update(row, one.message_id or "", stage)
                    await self._rows.showed(one, row.state)
                if not stale:
                    break
            self._again.pop(approval_id, None)
            if any(one.message_id is None for one in cards):
                self._later(approval_id)
        except FeishuError as error:
            logger.warning("a card of approval %s is not up to date yet: %s", approval_id, error)
            self._later(approval_id)
        except DatabaseUnavailable:
            self._later(approval_id)
        except Exception:
            logger.exception("the cards of approval %s cannot be brought up to date", approval_id)
            self._later(approval_id)

    async def _update(self, row: ApprovalRow, message_id: str, stage: Stage) -> None:
        tool = self._tools.get(row.tool)
        summary = "" if tool is None else tool.spoken(stage.texts.locale).summary
        content = card(stage.texts, row, summary=summary)
        try:
            await stage.client.update_card(message_id, content)
        except _FOR_GOOD as error:
            logger.warning("card %s of approval %s stays as it is: %s", message_id, row.id, error)

    def _later(self, approval_id: str) -> None:
        _, waited = self._again.get(approval_id, (0.0, _WAIT_FIRST / 2))
        wait = min(2 * waited, _WAIT_MOST)
        self._again[approval_id] = (self._clock() + wait, wait)
