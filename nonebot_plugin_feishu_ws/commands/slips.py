"""What waits for one click of one person: confirmations and forms."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

_T = TypeVar("_T")


class SlipError(Exception):
    """A click that is not to be obeyed."""


class ForeignSlipError(SlipError):
    """The click is somebody else's; the right person may still make it."""


class StaleSlipError(SlipError):
    """Never handed out, used already, too old, or from another card."""


@dataclass(slots=True)
class _Slip(Generic[_T]):
    who: tuple[str, str]
    thing: _T
    until: float
    message_id: str | None


class Slips(Generic[_T]):
    """Hands out nonces nobody can guess, each good for one person, one card, one time and `ttl` seconds.

    They live in memory: after a restart people start again.

    Args:
        ttl: Seconds.
        most: Of those waiting; the oldest is dropped for a new one.
        clock: Monotonic seconds.
    """

    def __init__(
        self, ttl: float = 600.0, most: int = 1000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl, self._most, self._clock = ttl, most, clock
        self._slips: dict[str, _Slip[_T]] = {}

    def put(self, who: tuple[str, str], thing: _T, message_id: str | None = None) -> str:
        """Hand out a nonce.

        Args:
            who: App id and open_id of the person who may click.
            thing: What it stands for.
            message_id: The card it will be on, if that exists already; else see `place`.
        """
        while len(self._slips) >= self._most:
            del self._slips[next(iter(self._slips))]
        nonce = secrets.token_urlsafe(24)
        self._slips[nonce] = _Slip(who, thing, self._clock() + self._ttl, message_id)
        return nonce

    def place(self, nonce: str, message_id: str) -> None:
        """Say on which card a nonce is, once that was sent."""
        if (slip := self._slips.get(nonce)) is not None:
            slip.message_id = message_id

    def drop(self, nonce: str) -> None:
        """A nonce nobody needs any more."""
        self._slips.pop(nonce, None)

    def take(self, who: tuple[str, str], nonce: object, message_id: str | None) -> _T:
        """Use a nonce up.

        Raises:
            SlipError: It is not good for this person on this card.
        """
        slip = self._slips.get(nonce) if isinstance(nonce, str) else None
        if slip is None or slip.until <= self._clock() or slip.message_id not in (None, message_id):
            raise StaleSlipError
        if slip.who != who:
            raise ForeignSlipError
        del self._slips[str(nonce)]
        return slip.thing
