"""What a server says made harmless to look at. What it means is never trusted, whatever it looks like."""

from itertools import islice

_SELECTORS = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variation selectors: nobody sees them, and a text can be hidden in them."""
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def clean(text: str, most: int) -> str:
    """At most so many characters, without control characters, direction marks and what does not show."""
    kept = "".join(_seen(char) for char in islice(text, most))
    return kept if len(text) <= most else f"{kept}…"


def line(text: str, most: int) -> str:
    """The first line that says something, cleaned."""
    first = next((one for one in islice(text.splitlines(), 100) if one.strip()), "")
    return " ".join(clean(first, most).split())


def is_clean(text: str) -> bool:
    """Whether nothing would be taken away."""
    return clean(text, len(text)) == text


def _seen(char: str) -> str:
    if char in "\n\t":
        return char
    if char in _BLANK or any(ord(char) in those for those in _SELECTORS):
        return ""
    return char if char.isprintable() else " " if char.isspace() else ""
