"""Events that come in several frames, put together again.

What counts is which slots are filled, not how many frames came: fragments may arrive in any order and more
than once. An event is forgotten as soon as it is complete, so one that is pushed again is assembled again,
exactly once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from .errors import FrameError
from .settings import Limits


@dataclass(slots=True)
class _Partial:
    since: float
    size: int = 0
    parts: dict[int, bytes] = field(default_factory=dict[int, bytes])


class Reassembler:
    """Fragments of events under way on one connection, bounded in events, fragments, bytes and age.

    Args:
        limits: bounds on count and bytes; what does not fit pushes out the oldest.
        lifetime: seconds an event may take from its first fragment to its last.
        dropped: told about each event that was given up, in words.
    """

    def __init__(self, limits: Limits, lifetime: float, dropped: Callable[[str], None]) -> None:
        self._limits = limits
        self._lifetime = lifetime
        self._dropped = dropped
        # Oldest first. The total is part of the key: a resend may be cut differently.
        self._partials: dict[tuple[str, int], _Partial] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._partials)

    def add(self, message_id: str, total: int, seq: int, part: bytes, now: float) -> bytes | None:
        """Take one fragment; the whole payload once it is complete, else None.

        Args:
            message_id: what the fragments of one event have in common.
            total, seq: the frame's `sum` and 0-based `seq` headers.
            now: a clock that only ever goes forward, in seconds.

        Raises:
            FrameError: the fragment can be part of no event we would accept; nothing was kept of it.
        """
        if not message_id:
            raise FrameError("fragment without message_id")
        if not 0 <= seq < total:
            raise FrameError(f"fragment {seq} of {total}")
        if total > self._limits.fragments:
            raise FrameError(f"{total} fragments, at most {self._limits.fragments} are accepted")
        self.expire(now)
        key = message_id, total
        partial = self._partials.setdefault(key, _Partial(now))
        grown = len(part) - len(partial.parts.get(seq, b""))
        if partial.size + grown > self._limits.payload:
            self._drop(key)
            raise FrameError(f"fragments of more than {self._limits.payload} bytes")
        partial.parts[seq] = part
        partial.size += grown
        self.size += grown
        if len(partial.parts) == total:
            self._forget(key)
            return b"".join(partial.parts[index] for index in range(total))
        while len(self._partials) > self._limits.partial_events or self.size > self._limits.partial_bytes:
            self._drop(next(iter(self._partials)))
        return None

    def expire(self, now: float) -> None:
        """Drop what has been incomplete for too long."""
        while self._partials:
            oldest = next(iter(self._partials))
            if now - self._partials[oldest].since < self._lifetime:
                return
            self._drop(oldest)

    def _drop(self, key: tuple[str, int]) -> None:
        partial = self._forget(key)
        self._dropped(f"{key[0][:64]!r}, {len(partial.parts)} of {key[1]} fragments had come")

    def _forget(self, key: tuple[str, int]) -> _Partial:
        partial = self._partials.pop(key)
        self.size -= partial.size
        return partial
