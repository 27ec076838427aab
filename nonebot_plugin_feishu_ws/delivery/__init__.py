"""Nothing lost, nothing twice: events are stored before they are acknowledged, and what happened can be
read."""

from .errors import EventRejected, Fenced, InboxError, InboxUnavailable
from .events import Incoming, Unfinished
from .inbox import KEYS_KEPT, Accepted, Duplicate, Inbox
from .latest import latest_chat
from .lease import Lease, orphaned
from .logbook import LogAction, LogBook, LogEntry, LogLevel, LogPage
from .why import Arrival, Chapter, Handling, Said, Screening, Story, Taker, why

__all__ = [
    "KEYS_KEPT",
    "Accepted",
    "Arrival",
    "Chapter",
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
    "Said",
    "Screening",
    "Story",
    "Taker",
    "Unfinished",
    "latest_chat",
    "orphaned",
    "why",
]
