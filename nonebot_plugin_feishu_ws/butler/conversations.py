"""Turns of one conversation run one after another, in the order in which their messages came; `stop` cuts in."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from contextvars import ContextVar


class Place:
    """A message's place in its conversation, taken when it comes in and kept until it is answered or left to others."""

    def __init__(self, conversations: "Conversations", conversation: Hashable) -> None:
        self._conversations = conversations
        self.conversation = conversation
        self._left = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self.stopped = False
        """Whether somebody has told its work to stop, rather than that the process ends."""

    def leave(self) -> None:
        """Let those behind go on. Idempotent."""
        if not self._left.done():
            self._left.set_result(None)
            self._conversations.forget(self)

    @property
    def was_left(self) -> bool:
        return self._left.done()

    async def gone(self) -> None:
        """Wait until it was left."""
        await asyncio.wait([self._left])

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` once everybody ahead has left, wait for it, and leave.

        Ends quietly when stopped. If the caller is cancelled, so is the work. What `work` raises is raised. Where the
        place was left before, a new one is taken at the end of the line.
        """
        if self._left.done():
            await self._conversations.take(self.conversation).run(work)
            return
        task = self._task = asyncio.create_task(self._when_free(work))
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()  # still running only if the caller was cancelled
            self.leave()
        if not task.cancelled():
            task.result()

    def stop(self) -> bool:
        """Cancel its work; False if there is none."""
        if self._task is None or not self._task.cancel():
            return False
        self.stopped = True
        return True

    def pass_on(self) -> None:
        """Its work is done in another place: here it ends quietly, and those behind go on."""
        if self._task is not None:
            self._task.cancel()
        self.leave()

    async def _when_free(self, work: Callable[[], Awaitable[None]]) -> None:
        _at_work.set(self)
        for place in self._conversations.ahead_of(self):
            await place.gone()
        await work()


_at_work: ContextVar[Place | None] = ContextVar("feishu_ws_place", default=None)


def at_work() -> Place | None:
    """The place whose work this is."""
    return _at_work.get()


class Conversations:
    """Who is in line, by conversation. Different conversations never wait for each other."""

    def __init__(self) -> None:
        self._lines: dict[Hashable, list[Place]] = {}

    def take(self, conversation: Hashable) -> Place:
        """The next place in a conversation. It must be left, or run."""
        place = Place(self, conversation)
        self._lines.setdefault(conversation, []).append(place)
        return place

    def stop(self, conversation: Hashable) -> int:
        """Cancel what runs and what waits in a conversation.

        Returns:
            How many turns were stopped.
        """
        return sum(place.stop() for place in tuple(self._lines.get(conversation, ())))

    def ahead_of(self, place: Place) -> list[Place]:
        """The places ahead of one, nearest last."""
        line = self._lines[place.conversation]
        return line[: line.index(place)]

    def behind(self, place: Place) -> list[Place]:
        """The places behind one, nearest first; none if it was left."""
        line = self._lines.get(place.conversation, [])
        return line[line.index(place) + 1 :] if place in line else []

    def forget(self, place: Place) -> None:
        """A place was left."""
        line = self._lines[place.conversation]
        line.remove(place)
        if not line:
            del self._lines[place.conversation]
