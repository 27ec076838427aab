"""Looks for answers that can go on: people have decided, what they approved was carried out; or a process has died."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Collection

from ...delivery import Fenced, OutboxError
from ...openapi import FeishuError
from ...storage import DatabaseUnavailable, RunRow
from ..butler import Butler
from ..turn import Turn
from .brain import LlmBrain

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_AT_ONCE = 20  # runs of one look


class Resumer:
    """One for each process. Make it, `start()` it, `stop()` it.

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
        self._brain = brain
        self._butler = butler
        self._apps = apps
        self._turn_of = turn_of
        self._every = every
        self._in_hand: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="feishu-ws resumer")

    async def stop(self, grace: float) -> None:
        """Look no more; let what runs finish for `grace` seconds, then leave it to another process."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        if tasks := tuple(self._in_hand.values()):
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def sweep(self) -> None:
        """One look; returns when everything it found is in hand.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        apps = self._apps()
        if not apps:
            return
        for run in await self._brain.runs.due(apps, _AT_ONCE):
            key = run.connector, run.event_id
            if key not in self._in_hand:
                task = asyncio.create_task(self._see_to(run), name=f"feishu-ws run {run.event_id}")
                self._in_hand[key] = task
                task.add_done_callback(lambda _, key=key: self._in_hand.pop(key))

    async def _run(self) -> None:
        away = False
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.sweep()
                away = False
            except DatabaseUnavailable as error:
                if not away:
                    logger.warning("answers that wait are not seen to for now: %s", error)
                away = True
            except Exception:  # a defect must not end all looks
                logger.exception("answers that wait cannot be looked for")

    async def _see_to(self, run: RunRow) -> None:
        turn: Turn | None = None
        try:
            payload = await self._brain.runs.origin(run)
            if payload is None:
                logger.warning("%s: what was asked is no longer kept, nothing is answered", run.event_id)
                await self._brain.runs.drop(run)
                return
            turn = await self._turn_of(run, payload)
            if turn is not None:
                await self._butler.attend(turn.conversation, lambda: self._brain.resume(turn))
        except Fenced as error:
            logger.warning("the answer to %s is left to others: %s", run.event_id, error)
        except DatabaseUnavailable as error:
            logger.warning("the answer to %s waits for the database: %s", run.event_id, error)
        except (FeishuError, OutboxError) as error:
            logger.error("%s: no answer to %s: %s", run.connector, run.event_id, error)
            await self._give_up(run)
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s: going on with %s failed (%s)", run.connector, run.event_id, reference)
            await self._give_up(run)
            if turn is not None:
                await turn.say(turn.texts.failed(reference))

    async def _give_up(self, run: RunRow) -> None:
        """It would fail again each second."""
        with contextlib.suppress(DatabaseUnavailable):
            await self._brain.runs.drop(run)
