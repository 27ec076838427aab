"""Turns of one conversation run one after another; `stop` cuts in."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable


class Conversations:
    """What is running and waiting, by conversation. Different conversations never wait for each other."""

    def __init__(self) -> None:
        self._turns: dict[Hashable, list[asyncio.Task[None]]] = {}

    async def run(self, conversation: Hashable, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` after every earlier turn of the conversation, and wait for it.

        Ends quietly when the turn is stopped. If the caller is cancelled, so is the turn. What `work` raises is raised.
        """
        turns = self._turns.setdefault(conversation, [])
        task = asyncio.create_task(self._after(tuple(turns), work))
        turns.append(task)
        try:
            await asyncio.wait([task])
        finally:
            # Still running only if the caller was cancelled.
            task.cancel()
            turns.remove(task)
            if not turns:
                self._turns.pop(conversation, None)
        if not task.cancelled():
            task.result()

    def stop(self, conversation: Hashable) -> int:
        """Cancel what runs and what waits in a conversation.

        Returns:
            How many turns were stopped.
        """
        turns = self._turns.get(conversation, [])
        for task in turns:
            task.cancel()
        return len(turns)

    @staticmethod
    async def _after(earlier: tuple[asyncio.Task[None], ...], work: Callable[[], Awaitable[None]]) -> None:
        if earlier:
            await asyncio.wait(earlier)
        await work()
