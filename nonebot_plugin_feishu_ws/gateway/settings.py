"""What the caller may set: credentials, durations, limits. Everything is in seconds and bytes."""

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True)
class Credentials:
    """One self-built app. `app_secret` never shows in a repr."""

    app_id: str
    app_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Positive:
    """A bag of numbers, each of which must be above zero."""

    def __post_init__(self) -> None:
        for one in fields(self):
            if not getattr(self, one.name) > 0:
                raise ValueError(f"{type(self).__name__}.{one.name} must be above 0")


@dataclass(frozen=True, slots=True)
class Timings(_Positive):
    """How long to wait for what, in seconds. Tests shorten them; the defaults are for production.

    A dead link is noticed within `idle_ping + pong` (40 s) and dropped within `close` more, whatever interval
    the server asks for: an idle link is asked every 25 s instead of the server's usual 120, a busy one proves
    itself by its traffic and is only pinged at the server's interval.
    """

    bootstrap: float = 10.0  # the whole endpoint request
    handshake: float = 10.0  # TCP, TLS and the WebSocket upgrade
    idle_ping: float = 25.0  # silence after which the gateway is asked for a pong
    pong: float = 15.0  # how long it may take to answer
    tick: float = 5.0  # how often liveness is looked at: a host waking from sleep notices within this
    min_ping: float = 5.0  # the server's PingInterval is clamped to [min_ping, max_ping]
    max_ping: float = 600.0
    answer: float = 2.9  # a webhook's answer: Feishu waits 3 s
    handler: float = 60.0  # a handler still running after this is cancelled and answered 500
    fragments: float = 30.0  # an event whose fragments are not complete after this is dropped
    drain: float = 3.0  # how long stop() lets running handlers finish and ack: the platform's own 3 s
    close: float = 2.0  # the WebSocket's closing handshake


@dataclass(frozen=True, slots=True)
class Limits(_Positive):
    """Bounds on what a gateway can make us hold. Feishu's own messages stay below 150 KB (feishu-facts)."""

    payload: int = 8 * 2**20  # one event, whole or assembled
    fragments: int = 1024  # per event
    partial_events: int = 64  # events being assembled
    partial_bytes: int = 16 * 2**20  # all fragments held
    running: int = 256  # handlers at once; the next frame waits for one to end
