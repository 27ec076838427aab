"""The event being handled, as far as what is sent while it is must know it."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from ..delivery import uuid_for


@dataclass(frozen=True, slots=True)
class Handling:
    """An event in the hands of this process.

    Attributes:
        app_id: The connector's that received it.
        event_id: Feishu's id of it.
        confirm: Raises `Fenced` if another process has taken the event over; to be awaited before anything is sent.
    """

    app_id: str
    event_id: str
    confirm: Callable[[], Awaitable[None]]
    _said: Counter[str] = field(default_factory=Counter[str], repr=False)

    def uuid_for(self, *what: str) -> str:
        """An id for saying something: another one each time the same is said, and again the same ones when the event is
        handled again after a crash, so that Feishu shows nothing twice (within an hour)."""
        key = uuid_for(*what)
        self._said[key] += 1
        return uuid_for(self.app_id, self.event_id, key, str(self._said[key]))


handling: ContextVar[Handling | None] = ContextVar("feishu_ws_handling", default=None)
"""Set while an event is handled, for everything its handlers run; None elsewhere, and for card clicks."""
