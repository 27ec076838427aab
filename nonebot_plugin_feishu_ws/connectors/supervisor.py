"""What runs in this process: one link per connector."""

from collections.abc import Awaitable, Callable, Iterator

from ..gateway import Ack, Inbound, Status
from .link import Link
from .spec import ConnectorSpec
from .ways import Surroundings


class Supervisor:
    """The links of this process by app id. A link that cannot connect keeps trying; it never disturbs another.

    Args:
        handler: Answers every event and callback of every link, see `gateway.Handler`.
        on_status: Told every change of state of every link.
    """

    def __init__(
        self,
        handler: Callable[[Link, Inbound], Awaitable[Ack]],
        on_status: Callable[[Link, Status], None],
    ) -> None:
        self._handler = handler
        self._on_status = on_status
        self._links: dict[str, Link] = {}

    def __iter__(self) -> Iterator[Link]:
        return iter(tuple(self._links.values()))

    def get(self, app_id: str) -> Link | None:
        """The link of an app, if there is one."""
        return self._links.get(app_id)

    def add(self, spec: ConnectorSpec, around: Surroundings) -> Link:
        """Make a connector's link; it connects when it is started.

        Raises:
            ValueError: There is one for this app already.
        """
        if spec.app_id in self._links:
            raise ValueError(f"connector {self._links[spec.app_id].spec.name} runs {spec.app_id} already")
        link = self._links[spec.app_id] = Link(spec, around, self._handler, self._on_status)
        return link

    async def stop(self, app_id: str) -> None:
        """Stop a link and forget it; nothing of it is left running. Unknown ones are ignored."""
        link = self._links.pop(app_id, None)
        if link is not None:
            await link.stop()
