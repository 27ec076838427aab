"""The running plugin: what connects the rooms, and NoneBot's start-up and shutdown with them."""

from .heap import spare_what_is_loaded
from .lastresort import LastResort
from .management import Management
from .people import InHand, StillNamed
from .runtime import Runtime
from .trying import LONGEST_TEXT, RECEIVER, Tried, send_test
from .unread import spare_unread_lines

__all__ = [
    "LONGEST_TEXT",
    "RECEIVER",
    "InHand",
    "LastResort",
    "Management",
    "Runtime",
    "StillNamed",
    "Tried",
    "send_test",
    "spare_unread_lines",
    "spare_what_is_loaded",
]
