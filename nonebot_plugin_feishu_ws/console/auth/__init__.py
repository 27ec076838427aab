"""Who calls: bearer tokens, and how often somebody may be wrong."""

from .errors import BadToken, Closed, NoToken, Refused, TooManyFailures
from .failures import Failures
from .gate import Gate
from .terms import API_TOKEN, AUDIENCE, LEEWAY, LONGEST_LIFE
from .tokens import Tokens

__all__ = [
    "API_TOKEN",
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
