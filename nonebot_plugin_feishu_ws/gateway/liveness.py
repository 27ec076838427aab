"""Whether the gateway at the other end is still there.

Only application frames count. A middlebox or a half-dead gateway may go on answering TCP and RFC 6455 pings
for hours, and a link that is merely idle must never be dropped, so the one proof asked for is the protocol's
own pong: after `idle_ping` seconds without a frame we ping, and `pong` seconds without any frame after that
are the verdict. Traffic counts as well as a pong, so a busy link is pinged only at the server's own interval.
"""

import math
import time
from enum import Enum, auto

from .policy import ServerConfig
from .settings import Timings


def uptime() -> float:
    """Seconds on a clock that only goes forward and, where there is one, goes on while the host sleeps."""
    return time.clock_gettime(_CLOCK) if _CLOCK is not None else time.monotonic()


# Linux stops CLOCK_MONOTONIC in sleep and has BOOTTIME; on macOS it is time.monotonic() that stops. Windows
# has neither name, and its time.monotonic() goes on.
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))

_STEPS = 20  # moments in a `tick` at which links look that only look
_USUAL_INTERVAL = 120.0  # PingInterval where the server names none, as in the official clients


class Verdict(Enum):
    """What to do now."""

    WAIT = auto()
    PING = auto()
    DEAD = auto()


class Liveness:
    """Pure state: told what happens and when, it says when to ping and when to give the link up.

    `now` is always `time.monotonic()`, `awake` is `uptime()`: the one to measure the gateway with, the other to notice
    that we were away.

    Attributes:
        heard_at: when the last frame came.
    """

    def __init__(self, timings: Timings, now: float) -> None:
        self._timings = timings
        self.heard_at = now
        self._pinged_at: float | None = None
        self._asked_at: float | None = None  # the first ping since the last frame
        self._look_by = math.inf  # on the `awake` clock

    def heard(self, now: float) -> None:
        """Any well-formed frame came."""
        self.heard_at = now
        self._asked_at = None

    def excuse(self) -> None:
        """We are not reading (all handlers are busy), so silence is not the gateway's."""
        self._asked_at = None

    def look(self, now: float, awake: float, server: ServerConfig) -> Verdict:
        """Judge; PING says that a ping has to be sent now."""
        if awake > self._look_by + self._timings.tick:
            # The host slept, the process was stopped, or the loop was blocked. The gateway may be gone, or its answer
            # may wait in the socket: ask, and count from now.
            self._pinged_at = self._asked_at = now
            return Verdict.PING
        if self._asked_at is not None and now >= self._asked_at + self._timings.pong:
            return Verdict.DEAD
        if now < self._due(server):
            return Verdict.WAIT
        self._pinged_at = now
        if self._asked_at is None:
            self._asked_at = now
        return Verdict.PING

    def rest(self, now: float, awake: float, server: ServerConfig) -> float:
        """Seconds until the next look."""
        soon = self._due(server)
        if self._asked_at is not None:
            soon = min(soon, self._asked_at + self._timings.pong)
        rest, tick = max(0.0, soon - now), self._timings.tick
        if rest >= tick:  # nothing is due: it looks when others do, so that thousands wake the process less
            rest = tick - (now + tick) % (tick / _STEPS)
        self._look_by = awake + rest
        return rest

    def _due(self, server: ServerConfig) -> float:
        """When the next ping is to be sent."""
        if self._pinged_at is None:
            return -math.inf  # the first one right after connecting
        wished = _USUAL_INTERVAL if server.ping_interval is None else server.ping_interval
        due = self._pinged_at + min(max(wished, self._timings.min_ping), self._timings.max_ping)
        if self._asked_at is None:
            due = min(due, max(self._pinged_at, self.heard_at) + self._timings.idle_ping)
        return due
