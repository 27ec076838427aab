"""Handlers under way: started in order, bounded in number and age."""

import asyncio
import logging
from collections.abc import Coroutine

_log = logging.getLogger("nonebot_plugin_feishu_ws.gateway")


class HandlerPool:
    """Runs one task per event, so that no event waits for another's handler, up to a limit.

    It outlives the links of one app: a handler is not cut short because the one its event came from is gone.

    Args:
        limit: tasks at once; whoever reads events waits for `room()` first, which is the back-pressure.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: dict[asyncio.Task[None], float] = {}  # since when; oldest first
        self._ended = asyncio.Event()

    def __len__(self) -> int:
        return len(self._running)

    @property
    def full(self) -> bool:
        return len(self._running) >= self._limit

    async def room(self) -> None:
        """Wait until one more task may be started."""
        while self.full:
            self._ended.clear()
            await self._ended.wait()

    def start(self, work: Coroutine[object, object, None], now: float) -> None:
        """Start a task, which calls `leave()` in the end. Their first steps come in the order of these calls."""
        self._running[asyncio.get_running_loop().create_task(work)] = now

    def leave(self) -> None:
        """The current task is done, or not to be waited for. (A done callback would cost a turn of the loop.)"""
        self._forget(asyncio.current_task())

    def cancel_older(self, than: float) -> None:
        """Cancel what was started before that moment: who never returns must not hold a place for ever."""
        for task, since in self._running.items():
            if since >= than:
                return
            task.cancel()

    async def drain(self, patience: float, grace: float) -> None:
        """Let what runs come to its end; after `patience` seconds cancel what has not, and give it `grace` more."""
        await self._wait(patience)
        for task in self._running:
            task.cancel()
        await self._wait(grace)
        if self._running:
            _log.error("%d handlers ignore their cancellation and are left behind", len(self._running))
            self._running.clear()

    async def _wait(self, seconds: float) -> None:
        if self._running:
            done, _ = await asyncio.wait(tuple(self._running), timeout=seconds)
            for task in done:
                self._forget(task)  # one that was cancelled before its first step did not leave by itself

    def _forget(self, task: asyncio.Task[None] | None) -> None:
        if task is not None and self._running.pop(task, None) is not None:
            self._ended.set()
