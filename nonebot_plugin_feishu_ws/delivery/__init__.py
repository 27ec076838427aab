"""Nothing lost, nothing twice: events are stored before they are acknowledged, and what happened can be
read."""

from .deadletters import DeadLetter, dead_letters, replay
from .drafts import Draft, Posted, uuid_for
from .errors import (
    DraftRejected,
    EventRejected,
    Fenced,
    InboxError,
    InboxUnavailable,
    OutboxError,
    OutboxStopped,
    SendFailed,
    SendUnknown,
)
from .inbox import KEYS_KEPT, Inbox
from .incoming import Accepted, Duplicate, Incoming, Unfinished
from .latest import latest_chat
from .lease import Lease, orphaned
from .logbook import LogAction, LogBook, LogEntry, LogLevel, LogPage
from .nonces import Nonces
from .outbox import Outbox
from .pacing import Pacer
from .pruning import DELETE_AT_ONCE, delete_in_pieces
from .sending import Way
from .why import Arrival, Chapter, Handling, Said, Screening, Story, Taker, Together, why

__all__ = [
    "DELETE_AT_ONCE",
    "KEYS_KEPT",
    "Accepted",
    "Arrival",
    "Chapter",
    "DeadLetter",
    "Draft",
    "DraftRejected",
    "Duplicate",
    "EventRejected",
    "Fenced",
    "Handling",
    "Inbox",
    "InboxError",
    "InboxUnavailable",
    "Incoming",
    "Lease",
    "LogAction",
    "LogBook",
    "LogEntry",
    "LogLevel",
    "LogPage",
    "Nonces",
    "Outbox",
    "OutboxError",
    "OutboxStopped",
    "Pacer",
    "Posted",
    "Said",
    "Screening",
    "SendFailed",
    "SendUnknown",
    "Story",
    "Taker",
    "Together",
    "Unfinished",
    "Way",
    "dead_letters",
    "delete_in_pieces",
    "latest_chat",
    "orphaned",
    "replay",
    "uuid_for",
    "why",
]
