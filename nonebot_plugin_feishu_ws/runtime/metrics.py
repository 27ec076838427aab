"""Metrics for Prometheus, made when somebody asks for them from what the rooms know or have counted.

Each process tells of itself alone; what several replicas share is the sum over them. Nothing here names a person or a
chat; connectors, types of events, APIs and models are few, and kept few (`telemetry.Counts`).
"""

import platform
from collections.abc import Iterable, Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from typing_extensions import override

from ..connectors import Link, Standing
from ..filters import Reason
from ..gateway import State
from ..storage import ApprovalState, OutboxState
from ..telemetry import Counts, Latency
from .tally import Fate
from .vitals import Vitals

_MESSAGE = "im.message.receive_v1"
_MOST_CONNECTORS = 200
_OPEN = (ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.EXECUTING)
_STATES = tuple(State)


class Metrics(Collector):
    """Of one process.

    Args:
        vitals: Where they are read.
    """

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def text(self) -> bytes:
        """All of them, in Prometheus' text format (version 0.0.4)."""
        return generate_latest(self._registry)

    @override
    def collect(self) -> Iterator[Metric]:
        """Every family, also those that have nothing to tell yet."""
        yield from self._connections()
        yield from self._events()
        yield from self._outgoing()
        yield from self._butler()
        yield from self._process()

    def _connections(self) -> Iterator[Metric]:
        state = GaugeMetricFamily(
            "feishu_ws_connector_state", "1 for the state a connector is in.", labels=["connector", "state"]
        )
        opened = GaugeMetricFamily(
            "feishu_ws_connections_open", "Open connections of a connector.", labels=["connector"]
        )
        wanted = GaugeMetricFamily(
            "feishu_ws_connections_wanted", "Connections a connector should have.", labels=["connector"]
        )
        for name, standing in _named(self._vitals.supervisor):
            for one in _STATES:
                state.add_metric([name, one], float(standing.state == one))
            opened.add_metric([name], standing.connections)
            wanted.add_metric([name], standing.wanted)
        yield from (state, opened, wanted)
        yield _counter(
            "feishu_ws_reconnects", "Tries to connect again.", ["connector"], self._vitals.tally.reconnects
        )

    def _events(self) -> Iterator[Metric]:
        tally, room = self._vitals.tally, self._vitals.room
        yield _counter(
            "feishu_ws_events",
            "Events by what became of them.",
            ["type", "outcome"],
            tally.events,
            [(_MESSAGE, fate) for fate in Fate if fate is not Fate.ANSWERED],
        )
        yield _counter(
            "feishu_ws_events_filtered",
            "Messages and other events that were stopped, or do not speak to the bot.",
            ["reason"],
            tally.filtered,
            [(reason,) for reason in Reason],
        )
        took = HistogramMetricFamily(
            "feishu_ws_ack_seconds", "From arrival until Feishu may be answered.", labels=["kind"]
        )
        _add(took, "event", tally.acks)
        _add(took, "click", tally.clicks)
        yield took
        yield _gauge("feishu_ws_events_in_hand", "Events taken in and not finished.", room.in_hand)
        yield _gauge("feishu_ws_events_waiting", "Events that wait for a place among them.", room.waiting)

    def _outgoing(self) -> Iterator[Metric]:
        outbox, pacer = self._vitals.outbox, self._vitals.management.pacer
        yield _gauge("feishu_ws_messages_waiting", "Messages of ours that are on their way.", outbox.waiting)
        yield _counter(
            "feishu_ws_messages",
            "Messages of ours by what became of them.",
            ["outcome"],
            outbox.settled,
            [(state,) for state in (OutboxState.SENT, OutboxState.FAILED, OutboxState.UNKNOWN)],
        )
        yield _counter(
            "feishu_ws_api_calls", "Calls of Feishu's APIs; code 0 is success.", ["api", "code"], pacer.calls
        )
        yield _counter(
            "feishu_ws_api_waits", "Calls that waited for Feishu's rate limits.", ["api"], pacer.waits
        )
        yield _counter("feishu_ws_api_wait_seconds", "How long they waited, in all.", ["api"], pacer.waited)

    def _butler(self) -> Iterator[Metric]:
        use, settled = self._vitals.use, self._vitals.management.approvals.settled
        none = Counts()
        ends = [(state,) for state in ApprovalState if state not in _OPEN]
        yield _counter("feishu_ws_approvals", "Approvals by how they ended.", ["outcome"], settled, ends)
        tokens, requests, turns = (use.tokens, use.requests, use.turns) if use else (none, none, none)
        yield _counter("feishu_ws_llm_tokens", "Tokens of the model.", ["direction"], tokens)
        yield _counter("feishu_ws_llm_requests", "Requests to the model's server.", ["outcome"], requests)
        yield _counter("feishu_ws_llm_turns", "Answers of the model by how they ended.", ["outcome"], turns)

    def _process(self) -> Iterator[Metric]:
        vitals, watchdog = self._vitals, self._vitals.watchdog
        yield _gauge("feishu_ws_loop_lag_seconds", "The event loop's delay, last measured.", watchdog.lag)
        blocked = CounterMetricFamily("feishu_ws_loop_blocked", "How often it was blocked for over a second.")
        blocked.add_metric([], watchdog.blocked)
        yield blocked
        yield _gauge(
            "feishu_ws_database_up", "1 while the database answers.", float(vitals.lease.trouble is None)
        )
        yield _gauge("feishu_ws_ready", "1 while the health check is passed.", float(vitals.health().ready))
        lost = CounterMetricFamily("feishu_ws_log_rows_lost", "Rows of the log that could not be written.")
        lost.add_metric([], vitals.management.logbook.dropped)
        yield lost
        build = GaugeMetricFamily("feishu_ws_build_info", "Versions.", labels=["version", "python"])
        build.add_metric([version("nonebot-plugin-feishu-ws"), platform.python_version()], 1)
        yield build


def _named(links: Iterable[Link]) -> Iterator[tuple[str, Standing]]:
    for number, link in enumerate(links):
        if number < _MOST_CONNECTORS:
            yield link.spec.name, link.status


def _counter(
    name: str, about: str, labels: list[str], counts: Counts, known: Iterable[tuple[str, ...]] = ()
) -> Metric:
    # What is known is told as 0 before it happens: of a series that begins with 1 Prometheus sees no increase.
    family = CounterMetricFamily(name, about, labels=labels)
    for values, count in {**dict.fromkeys(known, 0.0), **dict(counts)}.items():
        family.add_metric(list(values), count)
    return family


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value)


def _add(family: HistogramMetricFamily, kind: str, latency: Latency) -> None:
    family.add_metric([kind], latency.cumulative, latency.total)
