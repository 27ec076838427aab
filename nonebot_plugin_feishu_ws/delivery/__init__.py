"""Nothing lost, nothing twice: events are stored before they are acknowledged, and what happened can be
read."""

from .errors import EventRejected, InboxError, InboxUnavailable
from .events import Incoming, Unfinished
from .inbox import KEYS_KEPT, Accepted, Duplicate, Inbox
from .logbook import LogAction, LogBook, LogEntry, LogLevel, LogPage

__all__ = [
    "KEYS_KEPT",
    "Accepted",
    "Duplicate",
    "EventRejected",
    "Inbox",
    "InboxError",
    "InboxUnavailable",
    "Incoming",
    "LogAction",
    "LogBook",
    "LogEntry",
    "LogLevel",
    "LogPage",
    "Unfinished",
]
