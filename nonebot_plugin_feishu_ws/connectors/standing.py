"""How something is doing: one connection, a connector's connections in a process, a connector in all processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from ..gateway import State, Status

_BEST_FIRST = [
    state.value for state in (State.CONNECTED, State.CONNECTING, State.RECONNECTING, State.BLOCKED)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known at one moment. Times are aware.

    Attributes:
        state: The contract's states, less `disabled`: the best of all connections.
        connections: How many long connections are open.
        wanted: How many there should be; none of a webhook.
        connected_at: Since when there has been one; None unless connected.
        last_heartbeat: The last pong; of a webhook the last request that was Feishu's.
        last_event_at: The last event or callback.
        attempt: Retries in the current outage, of the one that needed most.
        error: What keeps it from being open, as text; of a webhook that is open, why it has refused a request since.
        reason: The kind of that error, as `gateway.Reason`.
    """

    state: str = State.DISCONNECTED.value
    connections: int = 0
    wanted: int = 0
    connected_at: datetime | None = None
    last_heartbeat: datetime | None = None
    last_event_at: datetime | None = None
    attempt: int = 0
    error: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, status: Status) -> Self:
        """That of one way in."""
        error = status.error
        return cls(
            state=status.state.value,
            connections=int(status.outbound and status.state is State.CONNECTED),
            wanted=int(status.outbound),
            connected_at=status.connected_at,
            last_heartbeat=status.last_heartbeat,
            last_event_at=status.last_event_at,
            attempt=status.attempt,
            error=None if error is None else str(error),
            reason=None if error is None else error.reason.value,
        )


def together(parts: Sequence[Standing]) -> Standing:
    """Of several, one: as well as the best of them, with what is wrong with the worst; counts are summed."""
    if not parts:
        return Standing()
    best = min(parts, key=_rank)
    worst = max(parts, key=lambda part: (part.error is not None, _rank(part)))
    return Standing(
        state=best.state,
        connections=sum(part.connections for part in parts),
        wanted=sum(part.wanted for part in parts),
        connected_at=min(filter(None, (part.connected_at for part in parts)), default=None),
        last_heartbeat=max(filter(None, (part.last_heartbeat for part in parts)), default=None),
        last_event_at=max(filter(None, (part.last_event_at for part in parts)), default=None),
        attempt=max(part.attempt for part in parts),
        error=worst.error,
        reason=worst.reason,
    )


def _rank(part: Standing) -> int:
    return _BEST_FIRST.index(part.state) if part.state in _BEST_FIRST else len(_BEST_FIRST)
