"""Who calls: bearer tokens, and how often somebody may be wrong."""

from .errors import BadToken, Closed, NoToken, Refused, TooManyFailures
from .failures import Failures
from .gate import Gate
from .tokens import AUDIENCE, LEEWAY, LONGEST_LIFE, Tokens

__all__ = [
    "AUDIENCE",
    "LEEWAY",
    "LONGEST_LIFE",
    "BadToken",
    "Closed",
    "Failures",
    "Gate",
    "NoToken",
    "Refused",
    "Tokens",
    "TooManyFailures",
]
