"""The way from the company to its apps."""

from typing import Protocol

from .clicks import NOT_REACHED, ClickFailed
from .model import App, Json


class Wire(Protocol):
    """What carries events to apps: the long connections."""

    def push(self, app: App, envelope: Json) -> None:
        """Deliver an event; again by the schedule while it is not acknowledged."""
        ...

    async def call(self, app: App, envelope: Json) -> object:
        """Deliver a callback once and return its decoded answer; raises ClickFailed when there is none."""
        ...


class NoWire:
    """A platform that nobody listens to."""

    def push(self, app: App, envelope: Json) -> None:
        """Nobody is told."""

    async def call(self, app: App, envelope: Json) -> object:  # noqa: ARG002
        raise ClickFailed(NOT_REACHED, "no long connection")
