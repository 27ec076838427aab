"""Counts stay few, and cost little."""

import time

import pytest

from nonebot_plugin_feishu_ws.telemetry import OTHER, Counts, Latency


def test_counts() -> None:
    counts = Counts()
    counts.add("a", "x")
    counts.add("a", "x", by=2.5)
    assert counts["a", "x"] == 3.5
    assert counts["b", "x"] == 0
    assert list(counts) == [(("a", "x"), 3.5)]


def test_labels_are_bounded() -> None:
    """Whoever sends what nobody knows fills no memory, and no Prometheus."""
    counts = Counts(most=3)
    for number in range(1000):
        counts.add(f"type-{number}", "accepted")
    counts.add("type-1", "accepted")
    assert len(list(counts)) == 4
    assert counts["type-1", "accepted"] == 2
    assert counts[OTHER, OTHER] == 997


def test_latency() -> None:
    latency = Latency()
    for seconds in (0.0, 0.001, 0.0011, 2.9, 60.0):
        latency.observe(seconds)
    buckets = dict(latency.cumulative)
    assert (buckets["0.001"], buckets["0.0025"], buckets["3.0"], buckets["+Inf"]) == (2, 3, 4, 5)
    assert latency.total == pytest.approx(62.9021)


def test_what_counting_costs(record_property) -> None:
    """An event is counted about four times; with its commit it takes a millisecond and more."""
    counts, latency, n = Counts(), Latency(), 20_000
    begun = time.process_time()
    for _ in range(n):
        counts.add("im.message.receive_v1", "accepted")
        latency.observe(0.004)
    each = (time.process_time() - begun) / n / 2
    record_property("nanoseconds per count", round(each * 1e9))
    assert each < 10e-6
