"""Looks for answers that can go on: people have decided, what they approved was carried out; or a process has died."""

import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence

from typing_extensions import override

from ...delivery import Fenced, OutboxError
from ...openapi import FeishuError
from ...storage import DatabaseUnavailable, RunRow
from ...telemetry import about
from ..butler import Butler
from ..rounds import Rounds
from ..turn import Turn
from .brain import LlmBrain

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_AT_ONCE = 20  # runs of one look


class Resumer(Rounds[RunRow]):
    """Makes the rounds of answers that wait.

    Args:
        brain: Who goes on.
        butler: Keeps the conversations' turns apart.
        apps: The bots that run here now.
        turn_of: The turn a run belongs to, from the event that was stored; None: its bot was stopped.
        every: Seconds between two looks.
    """

    def __init__(
        self,
        brain: LlmBrain,
        butler: Butler,
        apps: Callable[[], Collection[str]],
        turn_of: Callable[[RunRow, bytes], Awaitable[Turn | None]],
        *,
        every: float = 1.0,
    ) -> None:
        super().__init__("answers that wait", every)
        self._brain = brain
        self._butler = butler
        self._apps = apps
        self._turn_of = turn_of

    @override
    async def _due(self) -> Sequence[RunRow]:
        apps = self._apps()
        return await self._brain.runs.due(apps, _AT_ONCE) if apps else ()

    @override
    def _key(self, row: RunRow) -> str:
        return f"{row.connector} {row.event_id}"

    @override
    async def _see_to(self, row: RunRow) -> None:
        turn: Turn | None = None
        try:
            payload = await self._brain.runs.origin(row)
            if payload is None:
                logger.warning("%s: what was asked is no longer kept, nothing is answered", row.event_id)
                await self._brain.runs.drop(row)
                return
            turn = await self._turn_of(row, payload)
            if turn is not None:
                with about(turn.connector, row.connector, row.event_id):
                    await self._butler.attend(turn, lambda: self._brain.resume(turn))
        except Fenced as error:
            logger.warning("the answer to %s is left to others: %s", row.event_id, error)
        except DatabaseUnavailable as error:
            logger.warning("the answer to %s waits for the database: %s", row.event_id, error)
        except (FeishuError, OutboxError) as error:
            logger.error("%s: no answer to %s: %s", row.connector, row.event_id, error)
            await self._give_up(row)
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s: going on with %s failed (%s)", row.connector, row.event_id, reference)
            await self._give_up(row)
            if turn is not None:
                await turn.say(turn.texts.failed(reference))

    async def _give_up(self, run: RunRow) -> None:
        """It would fail again each second."""
        with contextlib.suppress(DatabaseUnavailable):
            await self._brain.runs.drop(run)
