"""How often somebody was wrong lately, by address; never more of it than fits a bounded table."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable


class Failures:
    """Counts failures within a window, which begins with the first one.

    Args:
        most: Failures in a window; after that, the address is refused until it ends.
        window: Seconds.
        capacity: Addresses remembered; of more, the one that was quiet for longest is forgotten.
        now: A clock, in seconds.
    """

    def __init__(
        self,
        *,
        most: int = 10,
        window: float = 60.0,
        capacity: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = most
        self._window = window
        self._capacity = capacity
        self._now = now
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and since when

    def add(self, address: str) -> None:
        """Somebody there was wrong."""
        key, now = _network(address), self._now()
        count, since = self._counts.pop(key, (0, now))
        if now - since >= self._window:
            count, since = 0, now
        self._counts[key] = (count + 1, since)
        if len(self._counts) > self._capacity:
            self._counts.popitem(last=False)

    def wait(self, address: str) -> int:
        """Seconds until somebody there may try again; 0: now."""
        count, since = self._counts.get(_network(address), (0, 0.0))
        left = since + self._window - self._now()
        return math.ceil(left) if count >= self._most and left > 0 else 0

    def __len__(self) -> int:
        return len(self._counts)


def _network(address: str) -> str:
    """Who has one IPv6 address has 2^64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket, or what a proxy made up
        return address[:64]
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), 64), strict=False))
