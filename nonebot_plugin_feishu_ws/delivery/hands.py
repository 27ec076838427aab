"""What somebody in this process has in hand: handed out, and not ended yet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from ..storage import EventState
from .incoming import Ending
from .spool import Spool

_MAX_ERROR = 2000


class Hands:
    """Rows that were handed out, each until its ending is written, however long the database is away.

    Args:
        write: writes endings in one transaction.
        moment: waits for a good time to do so, see `Database.moment`.
        max_batch: how many at most in one.
        retry_first, retry_most: seconds until the database is tried again.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Ending]], Awaitable[None]],
        *,
        moment: Callable[[], Awaitable[None]],
        max_batch: int,
        retry_first: float,
        retry_most: float,
    ) -> None:
        self._write = write
        self.rows: dict[int, str] = {}
        """Whom each belonged to when it was handed out: an ending in the name of a worker that was fenced off since
        concerns nobody once another has taken over."""
        self.kept = asyncio.Lock()
        """While it is held nothing is let go of: for whoever reads rows and then looks which are in hand."""
        self.let_go: set[int] = set()
        """The same for who must not hold up endings: what was let go of since this was last cleared."""
        self._endings = Spool(
            "event endings",
            self._write_and_let_go,
            moment=moment,
            max_batch=max_batch,
            capacity=None,  # one per row in hand
            retry_first=retry_first,
            retry_most=retry_most,
        )

    def start(self) -> None:
        """Begin to write endings."""
        self._endings.start()

    async def stop(self) -> None:
        """Write what has ended, trying once, and let go of everything."""
        await self._endings.stop()
        self.rows.clear()

    async def flush(self) -> None:
        """Wait until all endings so far are written."""
        await self._endings.flush()

    def end(
        self,
        row_id: int,
        state: EventState,
        at: datetime | None,
        error: str | None = None,
        *,
        counts: bool = True,
    ) -> None:
        """One has ended, see `Ending`; it is let go of when that is written. Nothing happens if it is not in hand."""
        owner = self.rows.get(row_id)
        if owner is not None:
            self._endings.put(Ending(row_id, owner, state, at, error and _storable(error), counts))

    async def _write_and_let_go(self, endings: Sequence[Ending]) -> None:
        async with self.kept:
            await self._write(endings)
            for ending in endings:
                if self.rows.get(ending.row_id) == ending.owner:
                    del self.rows[ending.row_id]
                    self.let_go.add(ending.row_id)


def _storable(error: str) -> str:
    """An ending must not be refused because of what an exception had to say."""
    return error.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")[:_MAX_ERROR]
