"""Counting what happens, cheaply: a dictionary and an addition. Whoever wants to know reads it."""

from bisect import bisect_left
from collections.abc import Iterator

OTHER = "other"
"""Stands for every label of what came when there was no more room."""


class Counts:
    """How often, by labels. Never ids of people or chats; what others choose is kept few.

    Args:
        most: Different combinations; what comes on top is counted together, see `OTHER`.
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._counts: dict[tuple[str, ...], float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        """Count something; by any amount, such as seconds."""
        counts = self._counts
        if labels not in counts and len(counts) >= self._most:
            labels = (OTHER,) * len(labels)
        counts[labels] = counts.get(labels, 0) + by

    def __iter__(self) -> Iterator[tuple[tuple[str, ...], float]]:
        return iter(tuple(self._counts.items()))

    def __getitem__(self, labels: str | tuple[str, ...]) -> float:
        return self._counts.get((labels,) if isinstance(labels, str) else labels, 0)


class Latency:
    """How long something took, as a histogram. In seconds."""

    BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0)
    """Up to and including; Feishu waits 3 s for an acknowledgement."""

    def __init__(self) -> None:
        self._buckets = [0] * (len(self.BOUNDS) + 1)
        self.total = 0.0
        """Of all."""

    def observe(self, seconds: float) -> None:
        """One more."""
        self._buckets[bisect_left(self.BOUNDS, seconds)] += 1
        self.total += seconds

    @property
    def cumulative(self) -> list[tuple[str, float]]:
        """Bounds and how many took no longer, as Prometheus has them; the last one is `+Inf`."""
        sums, so_far = list[tuple[str, float]](), 0
        for bound, count in zip((*map(str, self.BOUNDS), "+Inf"), self._buckets, strict=True):
            so_far += count
            sums.append((bound, so_far))
        return sums
