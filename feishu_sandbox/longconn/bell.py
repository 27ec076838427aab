"""Waiting for something to become true without polling."""

import asyncio
from collections.abc import Callable


class Bell:
    """Rung at every change; whoever waits looks again."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def ring(self) -> None:
        for event in self._waiting:
            event.set()

    async def until(self, true: Callable[[], bool], timeout: float, what: str) -> None:  # noqa: ASYNC109
        """Return as soon as ``true()``; TimeoutError naming ``what`` after ``timeout`` seconds."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            async with asyncio.timeout(timeout):
                while not true():
                    event.clear()
                    await event.wait()
        except TimeoutError as error:
            raise TimeoutError(f"waited {timeout} s for {what}") from error
        finally:
            self._waiting.discard(event)
