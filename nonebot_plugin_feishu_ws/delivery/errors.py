"""What can go wrong when an event is taken in, when a message goes out, or when this process is no longer at work.

InboxError             refuse the event; Feishu pushes it again
├── InboxUnavailable   the database does not take events now, or the inbox is stopped
└── EventRejected      the database refuses this event and no other
OutboxError
├── OutboxStopped      this process is about to end
├── DraftRejected      the database refuses this message and no other
├── SendFailed         Feishu refused the message for good
└── SendUnknown        it may have been shown or not; it is not sent again
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
        super().__init__(f"worker {owner} is not at work any more; what it owned may be another's")
        self.owner = owner


class OutboxError(Exception):
    """A message could not be said, or nobody knows whether it was."""


class OutboxStopped(OutboxError):
    """This process is about to end. What is committed will be sent by another, or after the restart."""

    def __init__(self) -> None:
        super().__init__("the outbox is stopped")


class DraftRejected(OutboxError):
    """The message cannot be stored (a NUL in it, say)."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"the database refuses it: {type(error).__name__}")


class SendFailed(OutboxError):
    """Feishu refused the message for good; it was not shown.

    Attributes:
        error: Feishu's words.
    """

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class SendUnknown(OutboxError):
    """It may have been shown or not, and Feishu no longer remembers its uuid: a person looks.

    Attributes:
        error: what is known.
    """

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error
