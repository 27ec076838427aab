"""What can be asked of the long connections, and waited for."""

from ..world import App
from .bell import Bell
from .connection import Ack, Connection
from .delivery import Delivery


class Watch:
    """The record of connections, deliveries and acks. Every ``wait_…`` raises TimeoutError if not in time."""

    def __init__(self) -> None:
        self.bell = Bell()
        self.connections: list[Connection] = []
        """Every connection ever opened, oldest first."""
        self.deliveries: list[Delivery] = []
        """Every event and callback ever pushed, oldest first."""
        self.acks: list[Ack] = []
        self._by_event: dict[str, Delivery] = {}
        self._by_message: dict[str, Delivery] = {}

    def record(self, delivery: Delivery) -> None:
        """A delivery begins."""
        self.deliveries.append(delivery)
        self._by_event[delivery.event_id] = delivery
        self._by_message[delivery.message_id] = delivery

    def online(self, app: App | None = None) -> list[Connection]:
        """The open connections, of one app or of all."""
        return [c for c in self.connections if c.open and app in (None, c.app)]

    def opened(self, app: App | None = None) -> list[Connection]:
        """Every connection there has been, open or not."""
        return [c for c in self.connections if app in (None, c.app)]

    async def wait_connected(self, app: App, n: int = 1, timeout: float = 15.0) -> list[Connection]:  # noqa: ASYNC109
        """Until at least ``n`` connections of the app are open; returns them. TimeoutError if not in time."""
        await self.bell.until(
            lambda: len(self.online(app)) >= n, timeout, f"{n} connection(s) of {app.app_id}"
        )
        return self.online(app)

    async def wait_disconnected(self, app: App, timeout: float = 15.0) -> None:  # noqa: ASYNC109
        """Until no connection of the app is open."""
        await self.bell.until(lambda: not self.online(app), timeout, f"{app.app_id} to disconnect")

    async def wait_opened(self, app: App, n: int, timeout: float = 15.0) -> Connection:  # noqa: ASYNC109
        """Until the app has opened ``n`` connections in all; returns the n-th."""
        await self.bell.until(
            lambda: len(self.opened(app)) >= n, timeout, f"connection no. {n} of {app.app_id}"
        )
        return self.opened(app)[n - 1]

    async def wait_ack(self, event_id: str, n: int = 1, timeout: float = 15.0) -> Ack:  # noqa: ASYNC109
        """Until the event has been acknowledged ``n`` times; returns the n-th ack, whatever its code."""
        await self.bell.until(
            lambda: len(self.acks_of(event_id)) >= n, timeout, f"ack no. {n} of event {event_id}"
        )
        return self.acks_of(event_id)[n - 1]

    async def wait_delivery(self, event_id: str, state: str = "acked", timeout: float = 15.0) -> Delivery:  # noqa: ASYNC109
        """Until the event's delivery is ``acked`` or ``given_up``."""
        delivery = self.delivery(event_id)
        await self.bell.until(lambda: delivery.state == state, timeout, f"event {event_id} to be {state}")
        return delivery

    async def wait_pushed(self, event_id: str, n: int = 1, timeout: float = 15.0) -> Delivery:  # noqa: ASYNC109
        """Until the event has been pushed ``n`` times."""
        delivery = self.delivery(event_id)
        await self.bell.until(
            lambda: len([conn for conn in delivery.pushes if conn]) >= n,
            timeout,
            f"push no. {n} of {event_id}",
        )
        return delivery

    async def wait_pings(self, connection: Connection, n: int = 1, timeout: float = 15.0) -> None:  # noqa: ASYNC109
        """Until ``n`` application pings came on a connection."""
        await self.bell.until(lambda: len(connection.pings) >= n, timeout, f"{n} ping(s)")

    def acks_of(self, event_id: str) -> list[Ack]:
        """The acks of one event, in the order they came."""
        delivery = self._by_event.get(event_id)
        return [] if delivery is None else delivery.acks

    def delivery(self, event_id: str) -> Delivery:
        """The delivery of an event. Raises KeyError if it was never pushed."""
        return self._by_event[event_id]

    def pushed_on(self, connection: Connection, message_id: str) -> Delivery | None:
        """The delivery that was pushed on this connection under this message_id."""
        delivery = self._by_message.get(message_id)
        return delivery if delivery is not None and connection.conn_id in delivery.pushes else None
