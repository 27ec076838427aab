"""Looking again and again for rows that somebody must see to, and seeing to each of them by itself."""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from ..storage import DatabaseUnavailable

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_Row = TypeVar("_Row")


class Rounds(ABC, Generic[_Row]):
    """One for each process. Make it, `start()` it, `stop()` it.

    Args:
        what: is looked for, for messages.
        every: Seconds between two looks.
    """

    def __init__(self, what: str, every: float) -> None:
        self._what = what
        self._every = every
        self._woken = asyncio.Event()
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _due(self) -> Sequence[_Row]:
        """What must be seen to now; those in hand may be among them.

        Raises:
            DatabaseUnavailable: The database is away.
        """

    @abstractmethod
    def _key(self, row: _Row) -> str:
        """What a row is known by."""

    @abstractmethod
    async def _see_to(self, row: _Row) -> None:
        """Take one a step further. It raises nothing."""

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name=f"feishu-ws {self._what}")

    async def stop(self, grace: float) -> None:
        """Look no more; let what is in hand finish for `grace` seconds, then cancel it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        if tasks := tuple(self._in_hand.values()):
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look at once: there is something new."""
        self._woken.set()

    async def sweep(self) -> None:
        """One look; returns when everything it found is in hand.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        for row in await self._due():
            key = self._key(row)
            if key not in self._in_hand:
                task = asyncio.create_task(self._see_to(row), name=f"feishu-ws {self._what} {key}")
                self._in_hand[key] = task
                task.add_done_callback(lambda _, key=key: self._in_hand.pop(key))

    async def idle(self) -> None:
        """Wait until nothing is in hand."""
        while self._in_hand:
            await asyncio.wait(tuple(self._in_hand.values()))

    async def _run(self) -> None:
        away = False
        while True:
            try:
                await self.sweep()
                away = False
            except DatabaseUnavailable as error:
                if not away:
                    logger.warning("%s are not seen to for now: %s", self._what, error)
                away = True
            except Exception:  # a defect must not end all looks
                logger.exception("%s cannot be looked for", self._what)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._woken.wait()
            self._woken.clear()
