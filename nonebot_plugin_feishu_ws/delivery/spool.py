"""Rows nobody waits for: kept in memory, in order, until the database has taken them."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from ..storage import DatabaseUnavailable
from .isolate import write_isolated

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Spool(Generic[_T]):
    """Written in batches by one task; tried again for as long as the database is away.

    Args:
        name: what is spooled, for messages.
        write: writes some in one transaction, all or none.
        moment: waits for a good time to write, see `Database.moment`.
        max_batch: how many at most in one transaction.
        capacity: how many may wait; None: as many as come.
        retry_first, retry_most: seconds until the database is tried again, doubling from the one to the
            other.
        linger: seconds the first one waits for others to be written with it; not where somebody waits for it.
        lost: told each item that was dropped, and why.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[_T]], Awaitable[None]],
        *,
        moment: Callable[[], Awaitable[None]],
        max_batch: int,
        capacity: int | None,
        retry_first: float,
        retry_most: float,
        linger: float = 0.0,
        lost: Callable[[_T, Exception], None] = lambda _item, _error: None,
    ) -> None:
        self._name = name
        self._write = write
        self._moment = moment
        self._max_batch = max_batch
        self._capacity = capacity
        self._retry_first = retry_first
        self._retry_most = retry_most
        self._linger = linger
        self._lost = lost
        self._items: deque[_T] = deque()
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0
        """How many were lost: there was no room, the database refused them, or it was away at the end."""

    def start(self) -> None:
        """Begin writing. What was put before is written first."""
        if self._task is None:
            self._stopping.clear()
            self._hurry.clear()
            self._task = asyncio.create_task(self._run(), name=f"feishu-ws {self._name}")

    async def stop(self) -> None:
        """Write what waits, trying once, and end the task."""
        if self._task is None:
            return
        self._stopping.set()
        self._hurry.set()
        self._wake.set()
        await self._task
        self._task = None

    def put(self, item: _T) -> None:
        """Add one; never waits. Without room it is dropped, and counted: what led to the jam is worth
        more."""
        if self._capacity is not None and len(self._items) >= self._capacity:
            self._drop(1, "there is no more room")
            return
        self._items.append(item)
        self._empty.clear()
        self._wake.set()
        if len(self._items) >= self._max_batch:
            self._hurry.set()

    async def flush(self) -> None:
        """Wait until nothing waits to be written."""
        if self._items:
            self._hurry.set()
        await self._empty.wait()

    async def _run(self) -> None:
        retry = self._retry_first
        while True:
            if not self._items:
                self._empty.set()
                if self._stopping.is_set():
                    return
                self._hurry.clear()
                self._wake.clear()
                await self._wake.wait()
                continue
            if self._linger:
                await self._first_of(self._hurry, self._linger)
            if len(self._items) < self._max_batch:
                await self._moment()
            batch = list(islice(self._items, self._max_batch))
            try:
                await write_isolated(batch, self._write_and_forget, self._refused)
                retry = self._retry_first
            except DatabaseUnavailable as error:
                if self._stopping.is_set():
                    self._drop(len(self._items), str(error))
                    while self._items:
                        self._lost(self._items.popleft(), error)
                    continue
                _log.warning("%s: %s; again in %g s, %d waiting", self._name, error, retry, len(self._items))
                await self._first_of(self._stopping, retry)
                retry = min(retry * 2, self._retry_most)

    @staticmethod
    async def _first_of(event: asyncio.Event, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()

    async def _write_and_forget(self, items: Sequence[_T]) -> None:
        await self._write(items)
        for _ in items:
            self._items.popleft()

    def _refused(self, item: _T, error: Exception) -> None:
        # The item itself is not shown: it may be long, or secret.
        self._items.popleft()
        self._drop(1, type(error).__name__)
        self._lost(item, error)

    def _drop(self, count: int, why: str) -> None:
        if self.dropped == 0 or why != "there is no more room":  # a jam is reported once, not once per item
            _log.error("%s: %d dropped: %s", self._name, count, why)
        self.dropped += count
