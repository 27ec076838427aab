"""What can go wrong when an event is taken in.

InboxError             refuse the event; Feishu pushes it again
├── InboxUnavailable   the database does not take events now, or the inbox is stopped
└── EventRejected      the database refuses this event and no other
"""


class InboxError(Exception):
    """The event is not stored, as far as can be known: it must not be acknowledged."""


class InboxUnavailable(InboxError):
    """Nothing can be stored at the moment. The inbox recovers by itself when the database does."""


class EventRejected(InboxError):
    """This event cannot be stored: it has no id, or holds what the database cannot (say, a NUL in an id)."""
