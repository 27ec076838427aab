"""The event being handled, as far as what is sent while it is must know it."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass


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


handling: ContextVar[Handling | None] = ContextVar("feishu_ws_handling", default=None)
"""Set while an event is handled, for everything its handlers run; None elsewhere, and for card clicks."""
