"""One row that the database refuses must not take its neighbours with it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ..storage import DatabaseUnavailable
from .errors import Fenced

_T = TypeVar("_T")


async def write_isolated(
    batch: Sequence[_T],
    write: Callable[[Sequence[_T]], Awaitable[None]],
    refuse: Callable[[_T, Exception], None],
) -> None:
    """Write a batch in as few transactions as possible, in order.

    Args:
        batch: not empty.
        write: writes some in one transaction, all or none.
        refuse: called with each item that cannot be written even alone, and why.

    Raises:
        DatabaseUnavailable, Fenced: from there on nothing was written.
    """
    try:
        await write(batch)
    except (DatabaseUnavailable, Fenced):
        raise
    except Exception as error:
        if len(batch) == 1:
            refuse(batch[0], error)
            return
        middle = len(batch) // 2
        await write_isolated(batch[:middle], write, refuse)
        await write_isolated(batch[middle:], write, refuse)
