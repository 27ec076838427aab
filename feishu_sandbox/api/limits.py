"""Request limits (facts, limits table) and the memory of uuids."""

from collections import defaultdict, deque
from collections.abc import Hashable
from dataclasses import dataclass

from ..rules import Rules
from ..world import Message


@dataclass(frozen=True, slots=True)
class Exceeded:
    """A limit that is full: how many are allowed, and in how many seconds there is room again."""

    limit: int
    reset: float


class Limits:
    """Counts calls in sliding windows of the platform's clock."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._calls: defaultdict[Hashable, deque[float]] = defaultdict(deque)

    def count(self, key: Hashable, *windows: tuple[int, float]) -> Exceeded | None:
        """Count one call under ``key`` unless one of ``windows`` (limit, seconds) is full."""
        now = self._rules.clock()
        calls = self._calls[key]
        longest = max(seconds for _, seconds in windows)
        while calls and calls[0] <= now - longest:
            calls.popleft()
        for limit, seconds in windows:
            recent = [at for at in calls if at > now - seconds]
            if len(recent) >= limit:
                return Exceeded(limit, recent[0] + seconds - now)
        calls.append(now)
        return None


class SentOnce:
    """uuid of a send → its message, for an hour: the same uuid sends nothing again."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._sent: dict[tuple[str, str], tuple[float, Message]] = {}

    def earlier(self, app_id: str, uuid: str) -> Message | None:
        """The message this uuid sent within the window."""
        at, message = self._sent.get((app_id, uuid), (float("-inf"), None))
        return message if self._rules.clock() - at < self._rules.uuid_window else None

    def remember(self, app_id: str, uuid: str, message: Message) -> None:
        self._sent[app_id, uuid] = (self._rules.clock(), message)
