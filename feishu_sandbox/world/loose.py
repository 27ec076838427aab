"""Reading JSON that somebody else wrote: the asked shape, or nothing."""

from typing import Any, cast

from .model import Json


def as_object(value: object) -> Json | None:
    """``value`` if it is a JSON object."""
    return cast("Json", value) if isinstance(value, dict) else None


def as_list(value: object) -> list[Any]:
    """``value`` if it is a JSON array, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []
