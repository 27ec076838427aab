"""Those who decide about one approval at the same time in one process: one of them asks the database."""

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from ...storage import ApprovalRow

Step = Callable[[], Awaitable[tuple[ApprovalRow | None, bool]]]
"""See `ApprovalStore.decide`."""


class _Race:
    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.row: ApprovalRow | None = None


class Races:
    """Everybody at once on the same button is one write, and not a queue of them in front of the same row."""

    def __init__(self) -> None:
        self._running: WeakValueDictionary[str, _Race] = WeakValueDictionary()

    async def run(self, approval_id: str, step: Step) -> tuple[ApprovalRow | None, bool]:
        """Take a step, unless somebody has while this one waited for its turn.

        Returns:
            The row as the step that was taken has left it, and whether that was this one.
        """
        race = self._running.setdefault(approval_id, _Race())
        async with race.turn:
            if race.row is not None:
                return race.row, False
            race.row, won = await step()
            return race.row, won
