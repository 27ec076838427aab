"""Reports who blocks the event loop: every bot of the process is deaf meanwhile (faults.md 33)."""

import asyncio
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_FRAMES = 12  # of the stack; the innermost say enough


class Watchdog:
    """A thread that asks the loop for a sign of life now and then, and looks at what it is doing when none comes.

    Args:
        patience: Seconds without a sign after which the loop counts as blocked.
        pause: Seconds between two questions.
        clock: Seconds; goes on while the process is stopped.
    """

    def __init__(
        self, *, patience: float = 1.0, pause: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._pause = pause
        self._clock = clock
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.lag = 0.0
        """Seconds the loop took to answer the last time it was asked; while it does not answer, so far."""
        self.blocked = 0
        """How often it was blocked."""

    def start(self) -> None:
        """Watch the running loop, in this thread."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(
                target=self._watch,
                args=(asyncio.get_running_loop(), threading.get_ident()),
                name="feishu-ws watchdog",
                daemon=True,
            )
            self._thread.start()

    def stop(self) -> None:
        """End the thread. From the loop it watches, which is therefore not blocked."""
        if self._thread is not None:
            self._stopping.set()
            self._thread.join(self._patience)
            self._thread = None

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        while not self._stopping.wait(self._pause):
            alive = threading.Event()
            asked = self._clock()
            try:
                loop.call_soon_threadsafe(alive.set)
            except RuntimeError:  # the loop is closed
                return
            answered = alive.wait(self._patience)
            self.lag = self._clock() - asked
            if answered or self._stopping.is_set():
                continue
            if self._clock() - asked > 2 * self._patience:
                continue  # this thread was stopped as well: the host was, not the loop alone
            self.blocked += 1
            # Documented, in spite of its name.
            frame = sys._current_frames().get(thread)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            where = "".join(traceback.format_stack(frame)[-_FRAMES:])
            logger.error("the event loop is blocked, no bot can do anything; it is here:\n%s", where)
            while not alive.wait(self._pause):
                self.lag = self._clock() - asked
                if self._stopping.is_set() or loop.is_closed():
                    return
            logger.error("the event loop was blocked for %.1f s", self._clock() - asked)
