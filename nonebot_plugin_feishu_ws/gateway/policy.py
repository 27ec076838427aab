"""When to ping and when to try again: the server's wishes, our bounds."""

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self, cast

_MAX_NONCE = 120.0
_FACTOR = 2.0
_FULL_GROWTH = 64  # 2**64 seconds: past every cap, and no overflow


def uniform(low: float, high: float) -> float:
    """A random number in [low, high]: processes forked from one image must not agree on it."""
    return low + (high - low) * secrets.randbits(53) / 2**53


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """`ClientConfig`, as bootstrap and pong bring it (feishu-facts.md, Bootstrap); seconds, None where
    unknown.

    `ReconnectCount` is left out on purpose: a bot that stops trying because of a number someone sent is a
    deaf bot. How often to try is `ReconnectPolicy.max_attempts`.
    """

    ping_interval: float | None = None
    reconnect_interval: float | None = None
    reconnect_nonce: float | None = None

    def updated(self, config: object) -> Self:
        """This with what `config` (decoded JSON of any shape) says; what is missing or makes no sense changes
        nothing.
        """
        if not isinstance(config, dict):
            return self
        config = cast("dict[object, object]", config)
        return replace(
            self,
            ping_interval=_seconds(config, "PingInterval") or self.ping_interval,
            reconnect_interval=_seconds(config, "ReconnectInterval") or self.reconnect_interval,
            reconnect_nonce=self.reconnect_nonce
            if (nonce := _seconds(config, "ReconnectNonce")) is None
            else nonce,
        )


def _seconds(config: dict[object, object], name: str) -> float | None:
    """A number from 0 up, or None."""
    value = config.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return None


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """How to come back, in seconds.

    The first retry after a lost connection comes after a random part of the server's `ReconnectNonce`, so
    that a gateway which drops everyone is not met by everyone at once. Further ones come after 1, 2, 4, 8, 16
    ... s (± `spread`), up to `cap` or, if lower, the server's `ReconnectInterval`. What needs a person
    (`Reason.blocks`) is tried every `blocked_interval` only.

    Attributes:
        first: the first backoff step.
        cap: the longest step.
        spread: each step is varied by this share of itself.
        nonce: used until the server has named one; 30 s is what the official clients assume.
        max_attempts: failed attempts in a row after which to give up; 0 never does.
        stable_after: a connection that lived this long ends the row of failures.
        blocked_interval: the pace while blocked.
    """

    first: float = 1.0
    cap: float = 120.0
    spread: float = 0.2
    nonce: float = 30.0
    max_attempts: int = 0
    stable_after: float = 60.0
    blocked_interval: float = 300.0

    def __post_init__(self) -> None:
        if not 0 < self.first <= self.cap:
            raise ValueError("ReconnectPolicy needs 0 < first <= cap")
        if not 0 <= self.spread < 1:
            raise ValueError("ReconnectPolicy.spread must be in [0, 1)")
        if not (self.nonce >= 0 and self.max_attempts >= 0 and self.stable_after >= 0):
            raise ValueError("ReconnectPolicy.nonce, max_attempts and stable_after must not be below 0")
        if not self.blocked_interval > 0:
            raise ValueError("ReconnectPolicy.blocked_interval must be above 0")


class Backoff:
    """The delays of one connection under a policy.

    Attributes:
        attempt: retries since the last stable connection.
        failures: of those, the ones that count against `max_attempts`.
    """

    def __init__(self, policy: ReconnectPolicy, draw: Callable[[float, float], float] = uniform) -> None:
        self._policy = policy
        self._draw = draw
        self.attempt = 0
        self.failures = 0

    @property
    def exhausted(self) -> bool:
        return 0 < self._policy.max_attempts <= self.failures

    def after_loss(self, server: ServerConfig, lived: float) -> float:
        """Seconds to wait after an established connection, which lived that long, was lost."""
        if lived >= self._policy.stable_after:
            self.attempt = self.failures = 0
        if self.attempt:  # it came and went: without this a flapping gateway would be met by a hot loop
            return self.after_failure(server)
        self.attempt = 1
        nonce = self._policy.nonce if server.reconnect_nonce is None else server.reconnect_nonce
        return self._draw(0, min(nonce, _MAX_NONCE))

    def after_failure(self, server: ServerConfig, *, blocked: bool = False) -> float:
        """Seconds to wait after an attempt failed."""
        policy = self._policy
        step = policy.first * _FACTOR ** min(self.failures, _FULL_GROWTH)
        self.attempt += 1
        self.failures += 1
        if blocked:
            delay = policy.blocked_interval
        else:
            wished = policy.cap if server.reconnect_interval is None else server.reconnect_interval
            delay = min(step, max(policy.first, min(policy.cap, wished)))
        return self._draw(delay * (1 - policy.spread), delay * (1 + policy.spread))
