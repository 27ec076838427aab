"""What happens to events and connections in this process, counted as it happens."""

from dataclasses import dataclass, field
from enum import StrEnum

from ..telemetry import Counts, Latency

CLICK = "card.action.trigger"
"""The event type of a click, which is answered and not stored."""


class Fate(StrEnum):
    """What becomes of an event when it comes in, and of one that was accepted in the end."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    """Not stored: Feishu pushes it again."""
    ANSWERED = "answered"
    """A click."""
    FILTERED = "filtered"
    DONE = "done"
    GIVEN_BACK = "given_back"
    """Not handled here: it is anybody's."""
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts since the process began.

    Attributes:
        events: By type and fate.
        filtered: By the reason of the log: messages that do not speak to the Butler, too.
        reconnects: Tries to connect again, by connector.
        acks: From an event's arrival until it may be acknowledged.
        clicks: The same of clicks, with whatever their handlers do.
    """

    events: Counts = field(default_factory=Counts)
    filtered: Counts = field(default_factory=Counts)
    reconnects: Counts = field(default_factory=Counts)
    acks: Latency = field(default_factory=Latency)
    clicks: Latency = field(default_factory=Latency)
