"""When to write, so that others can join in."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Lull:
    """The moment after a commit in which what comes is gathered for the next one. After a longer rest nobody waits.

    Args:
        linger: seconds.
        clock: seconds.
        sleep: waits for so many of them.
    """

    def __init__(
        self,
        linger: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._linger = linger
        self._clock = clock
        self._sleep = sleep
        self._over_at = float("-inf")

    def begin(self) -> None:
        """Something was committed right now."""
        self._over_at = self._clock() + self._linger

    async def over(self) -> None:
        """Wait for the end of it."""
        left = self._over_at - self._clock()
        if left > 0:
            await self._sleep(left)
