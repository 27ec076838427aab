"""What the inbox takes in and hands out, and what comes back."""

from dataclasses import dataclass, field
from datetime import datetime

from ..storage import EventState

_MESSAGE = "im.message.receive_v1"


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event as it comes in."""

    app_id: str
    event_id: str
    event_type: str
    payload: bytes = field(repr=False)
    """The event's JSON as Feishu sent it."""
    message_id: str | None = None
    """A second key, for `im.message.receive_v1` alone: Feishu may push a message again under a new event id.
    Other events about the same message carry its id too; theirs is not stored."""
    chat_id: str | None = None

    @property
    def message_key(self) -> str | None:
        """The message id if it identifies this event."""
        return (self.message_id or None) if self.event_type == _MESSAGE else None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The event is committed: acknowledge it, handle it, then call `done` or `dead`."""

    row_id: int
    owner: str
    """The worker it belongs to, see `Lease`."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The event is known: acknowledge it, do nothing."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An event that somebody left unfinished: a worker that died, or one that gave it back."""

    row_id: int
    owner: str
    """The worker it belongs to now, see `Lease`."""
    incoming: Incoming
    received_at: datetime
    attempts: int
    """How often it was handed out, this time included."""
    error: str | None = None
    """Why it was given back the last time, if that was its own fault."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an event came out of somebody's hands.

    Attributes:
        owner: Whose hands those were.
        state: RECEIVED: it was not handled, and is anybody's.
        at: When it ended; None if it has not.
        counts: Whether that was an attempt at it.
    """

    row_id: int
    owner: str
    state: EventState
    at: datetime | None
    error: str | None = None
    counts: bool = True
