"""What can go wrong when an event is taken in, or when this process is no longer at work.

InboxError             refuse the event; Feishu pushes it again
├── InboxUnavailable   the database does not take events now, or the inbox is stopped
└── EventRejected      the database refuses this event and no other
Fenced                 the others believe this process dead, and what it owned is theirs
"""


class InboxError(Exception):
    """The event is not stored, as far as can be known: it must not be acknowledged."""


class InboxUnavailable(InboxError):
    """Nothing can be stored at the moment. The inbox recovers by itself when the database does."""


class EventRejected(InboxError):
    """This event cannot be stored: it has no id, or holds what the database cannot (say, a NUL in an id)."""


class Fenced(Exception):
    """What was begun as `owner` must not go on: another process may have it by now.

    Attributes:
        owner: the id that is no longer at work, see `Lease`.
    """

    def __init__(self, owner: str) -> None:
        super().__init__(f"worker {owner} was taken for dead; its work is with others now")
        self.owner = owner
