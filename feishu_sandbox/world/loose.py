"""Reading JSON that somebody else wrote: the asked shape, or nothing."""

import json
from typing import Any, cast

from .model import Json

MAX_DEPTH = 60


def parse_object(text: str | bytes) -> Json | None:
    """The JSON object in ``text``; None for anything else, half surrogates, more than 60 levels."""
    try:
        value: object = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return as_object(value) if _shallow(value, MAX_DEPTH) else None


def _shallow(value: object, levels: int) -> bool:
    children = [*as_list(value), *(as_object(value) or {}).values()]
    return levels > 0 and all(_shallow(child, levels - 1) for child in children)


def as_object(value: object) -> Json | None:
    """``value`` if it is a JSON object."""
    return cast("Json", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any]:
    """``value`` if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []
