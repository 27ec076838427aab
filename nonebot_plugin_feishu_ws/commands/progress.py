"""How a connector gets on after it was told to connect: one card that changes, not a message for every step."""

import asyncio
from collections.abc import AsyncIterator, Callable

from ..connectors import ConnectorError, state_of
from ..storage import DatabaseUnavailable
from .cards import Pair
from .desk import Desk

CONNECTING = ("enable", "connect")
"""Verbs after which there is something to watch."""

_LOOK_EVERY = 0.25  # seconds
_WATCH = 5.0  # seconds; whatever comes later is asked for with `status`
_SETTLED = ("connected", "blocked", "disabled")


async def states(
    desk: Desk, name: str, before: str, clock: Callable[[], float] | None = None
) -> AsyncIterator[Pair]:
    """A connector each time its state has changed, until it is connected, will not be, or it takes too long."""
    clock = clock or asyncio.get_running_loop().time
    until = clock() + _WATCH
    while clock() < until and before not in _SETTLED:
        await asyncio.sleep(_LOOK_EVERY)
        try:
            (pair,) = await desk.management.service.status(desk.actor, name)
        except (ConnectorError, DatabaseUnavailable):
            return
        if (now := state_of(*pair)) != before:
            before = now
            yield pair
