"""Makes what runs equal to what should run."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

from ..gateway import Ack, Inbound, Status
from .link import Link, Surroundings
from .spec import ConnectorSpec


class Supervisor:
    """The running links of this process, one per enabled connector.

    A link that cannot connect keeps trying on its own; it never disturbs another.
    """

    def __init__(
        self,
        around: Surroundings,
        handler: Callable[[Link, Inbound], Awaitable[Ack]],
        on_status: Callable[[Link, Status], None],
    ) -> None:
        self._around = around
        self._handler = handler
        self._on_status = on_status
        self._links: dict[str, Link] = {}

    def __iter__(self) -> Iterator[Link]:
        return iter(tuple(self._links.values()))

    def get(self, app_id: str) -> Link | None:
        """The link of an app, if it runs here."""
        return self._links.get(app_id)

    def start(self, spec: ConnectorSpec) -> Link:
        """Run a connector. One that runs already is left alone."""
        link = self._links.get(spec.app_id)
        if link is None:
            link = self._links[spec.app_id] = Link(spec, self._around, self._handler, self._on_status)
            link.start()
        return link

    async def stop(self, app_id: str) -> None:
        """Stop a connector; nothing of it is left running. Unknown ones are ignored."""
        link = self._links.pop(app_id, None)
        if link is not None:
            await link.stop()

    async def close(self) -> None:
        """Stop all of them, side by side."""
        await asyncio.gather(*(self.stop(app_id) for app_id in tuple(self._links)))
