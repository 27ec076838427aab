"""The rate limit: so many messages per minute and sender."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from .chain import Outcome
from .facts import Facts
from .policy import Policy
from .reasons import Reason

_WINDOW = 60.0


class RateLimited:
    """A sliding window per bot and sender: in no minute are more than N messages let through.

    Only what is let through counts, so a sender who keeps trying is not locked out for good. Memory is
    bounded: at most `max_senders` windows of N times each; those idle longest are forgotten first.

    Args:
        clock: monotonic seconds.
        max_senders: how many senders to remember.
    """

    reason = Reason.RATE_LIMITED

    def __init__(self, clock: Callable[[], float] = time.monotonic, max_senders: int = 10_000) -> None:
        self._clock = clock
        self._max_senders = max_senders
        self._windows: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        limit = policy.rate_limit_per_minute
        sender = facts.sender_open_id or facts.sender_union_id or facts.sender_user_id
        if not limit or not sender:
            return Outcome.SKIP
        now = self._clock()
        window = self._window((facts.app_id, sender), now)
        while window and now - window[0] >= _WINDOW:
            window.popleft()
        if len(window) >= limit:
            return Outcome.FAIL
        window.append(now)
        return Outcome.PASS

    def _window(self, key: tuple[str, str], now: float) -> deque[float]:
        windows = self._windows
        window = windows.get(key)
        if window is None:
            window = windows[key] = deque[float]()
            # The first are those idle longest; looking at two for each new sender keeps up with arrivals.
            for _ in range(2):
                oldest = next(iter(windows))
                times = windows[oldest]
                if oldest != key and (
                    not times or now - times[-1] >= _WINDOW or len(windows) > self._max_senders
                ):
                    del windows[oldest]
        else:
            windows.move_to_end(key)
        return window
