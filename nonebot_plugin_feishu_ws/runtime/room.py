"""How many events may be in hand at once: whoever brings one more waits a little, and is then sent away."""

import asyncio
from collections import Counter, deque
from collections.abc import Hashable


class Room:
    """Counts the events that were taken in and are not finished, and keeps their number, and so memory, bounded.

    A handler may wait for the next message of its chat. Were that message kept out because there are too many events,
    the handler would keep its place for nothing: so each chat that has something in hand may have one event beyond the
    limit. With it there are never more than twice `limit`.

    Args:
        limit: Events in hand.
        patience: Seconds one waits for a place. Feishu pushes again what is not acked within 3 s.
        queue: How many may wait; the next ones are sent away at once. Waiting takes one of the places that a connection
            has for unanswered frames (256, `gateway.Limits`), and a click must always find one.
    """

    def __init__(self, limit: int = 4000, *, patience: float = 2.0, queue: int = 100) -> None:
        self._limit = limit
        self._patience = patience
        self._longest = queue
        self._held: Counter[Hashable] = Counter()
        self._beyond: set[Hashable] = set()
        self._queue: deque[tuple[Hashable, asyncio.Future[bool]]] = deque()
        self._in_hand = 0
        self._refused = 0
        self._closed = False

    @property
    def in_hand(self) -> int:
        """Events taken in and not finished; those that are being stored count."""
        return self._in_hand

    @property
    def free(self) -> int:
        """How many more may come without waiting."""
        return max(0, self._limit - self._in_hand)

    @property
    def waiting(self) -> int:
        """Events that wait for a place."""
        return len(self._queue)

    @property
    def refused(self) -> int:
        """Events that were sent away so far."""
        return self._refused

    async def enter(self, chat: Hashable) -> bool:
        """Take a place, in order of arrival; True: it is to be given up with `leave`. False: there is none."""
        if self._closed or (len(self._queue) >= self._longest and not self._fits(chat)):
            self._refused += 1
            return False
        if self._fits(chat):
            self._count(chat)
            return True
        place = asyncio.get_running_loop().create_future()
        entry = chat, place
        self._queue.append(entry)
        try:
            await asyncio.wait((place,), timeout=self._patience)
        except asyncio.CancelledError:
            if place.done() and place.result():
                self.leave(chat)
            raise
        finally:
            if not place.done():
                self._queue.remove(entry)
        if place.done() and place.result():
            return True
        self._refused += 1
        return False

    def add(self, chat: Hashable) -> None:
        """Take a place, whether there is one or not: for what an earlier process had in hand, and its room allowed."""
        self._count(chat)
        self._admit()

    def leave(self, chat: Hashable) -> None:
        """Give up a place."""
        self._in_hand -= 1
        self._held[chat] -= 1
        if not self._held[chat]:
            del self._held[chat]
        self._beyond.discard(chat)
        if self._queue:
            self._admit()

    def close(self) -> None:
        """Let nobody in any more, those who wait included."""
        self._closed = True
        while self._queue:
            self._queue.popleft()[1].set_result(False)

    def _fits(self, chat: Hashable) -> bool:
        return self._in_hand < self._limit or (chat in self._held and chat not in self._beyond)

    def _count(self, chat: Hashable) -> None:
        if self._in_hand >= self._limit:
            self._beyond.add(chat)
        self._in_hand += 1
        self._held[chat] += 1

    def _admit(self) -> None:
        """Whoever is kept waiting does not fit: those of one chat never overtake each other."""
        for entry in tuple(self._queue):
            chat, place = entry
            if self._fits(chat):
                self._queue.remove(entry)
                self._count(chat)
                place.set_result(True)
