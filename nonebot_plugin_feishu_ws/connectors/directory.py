"""Finding the connector somebody means, and changing it if it is theirs."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime

from .audit import Request
from .errors import ReadOnly, SecretsLocked, Taken, UnknownConnector
from .record import Actor, Connector, Source
from .spec import ConnectorSpec
from .store import ConnectorStore


class Directory:
    """Connectors of both sources, as one person sees them.

    Args:
        store: Stored connectors.
        configured: Connectors declared in configuration.
    """

    def __init__(self, store: ConnectorStore, configured: Callable[[], Sequence[ConnectorSpec]]) -> None:
        self._store = store
        self._configured = configured

    async def everything(self) -> list[Connector]:
        """All connectors there are, configured ones first."""
        configured = [Connector(spec.name, spec, Source.CONFIG) for spec in self._configured()]
        taken = {(connector.spec.name, connector.spec.app_id) for connector in configured}
        names, apps = {name for name, _ in taken}, {app for _, app in taken}
        stored = [
            connector
            for connector in await self._store.all()
            # Configuration wins over a stored connector of the same name or app.
            if connector.spec.name not in names and connector.spec.app_id not in apps
        ]
        return configured + stored

    async def visible(self, actor: Actor) -> list[Connector]:
        """The connectors somebody may see."""
        return [connector for connector in await self.everything() if actor.may_see(connector)]

    async def find(self, request: Request) -> Connector:
        """The connector that was asked for, which the request then knows.

        Raises:
            UnknownConnector: There is none, or it is somebody else's.
        """
        visible = await self.visible(request.actor)
        # Names come first: nobody may catch what is meant for another by calling an app id like it.
        for key in ("name", "app_id", "id"):
            for connector in visible:
                if request.name == (connector.id if key == "id" else getattr(connector.spec, key)):
                    request.connector = connector
                    return connector
        raise _unknown(request, visible)

    async def writable(self, request: Request) -> Connector:
        """The connector that was asked for, if it can be changed.

        Raises:
            UnknownConnector, ReadOnly, SecretsLocked: See there.
        """
        connector = await self.find(request)
        if connector.source is Source.CONFIG:
            raise ReadOnly(connector.spec.name)
        unlocked(connector)
        return connector

    async def change(
        self, request: Request, change: Callable[[Connector], tuple[ConnectorSpec, datetime | None]]
    ) -> Connector:
        """Change the connector found, if it still is the actor's when it comes to it.

        Args:
            request: After `find` or `writable`.
            change: From what it is now to what it is to be, and when it was verified.
        """
        found = request.connector
        assert found is not None, "found"

        def allowed(now: Connector) -> tuple[ConnectorSpec, datetime | None]:
            if not request.actor.may_see(now):
                raise UnknownConnector(request.name, ())
            unlocked(now)
            return change(now)

        saved: Connector | None = None
        with contextlib.suppress(UnknownConnector):
            saved = await self._store.change(found.id, allowed)
        request.connector = saved
        if saved is None:
            raise _unknown(request, await self.visible(request.actor))
        return saved

    def free(self, spec: ConnectorSpec) -> None:
        """Check that configuration has not taken this name or app id.

        Raises:
            Taken: It has.
        """
        for other in self._configured():
            for field in ("name", "app_id"):
                if getattr(other, field) == getattr(spec, field):
                    raise Taken(spec.name, field)


def unlocked(connector: Connector) -> None:
    """Check that a connector's secrets can be read.

    Raises:
        SecretsLocked: They cannot.
    """
    if connector.locked is not None:
        raise SecretsLocked(connector.spec.name, connector.locked)


def _unknown(request: Request, visible: Sequence[Connector]) -> UnknownConnector:
    return UnknownConnector(request.name, [connector.spec.name for connector in visible])
