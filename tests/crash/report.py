"""What became of every event: counted from the platform, the ledger and the database, never from what the bot says."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from crash.ledger import Line
from crash.lives import Reaper
from crash.traffic import HANDLERS, Traffic
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from feishu_sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Row:
    """An event in the bot's database."""

    id: int
    message_id: str
    state: str


async def rows_of(database_url: str) -> list[Row]:
    """All message events the bot stored."""
    engine = create_async_engine(database_url)
    try:
        async with engine.connect() as connection:
            found = await connection.execute(
                text("SELECT id, message_id, state FROM feishu_ws_event WHERE message_id IS NOT NULL")
            )
            return [Row(*row) for row in found]
    finally:
        await engine.dispose()


def _counted(about: str, *, must_be_zero: bool = False) -> Any:
    return field(default=0, metadata={"about": about, "must_be_zero": must_be_zero})


@dataclass(slots=True)
class Report:
    """The numbers."""

    sent: int = _counted("events sent by people")
    accepted: int = _counted("… acknowledged to the platform")
    given_up: int = _counted("… given up by the platform after its last push; not the bot's any more")
    pushes: int = _counted("pushes, repetitions included")
    kills: int = _counted("kills")
    pauses: int = _counted("replicas frozen past their lease")
    done: int = _counted("events whose end is in the database: done")
    dead: int = _counted("… dead letter")
    started: int = _counted("handler runs")
    again: int = _counted("… of these, repeated because the end of an earlier one was not yet committed")
    stray: int = _counted("other things the bots said")

    lost_events: int = _counted("accepted events that are neither done nor dead letters", must_be_zero=True)
    lost_replies: int = _counted("accepted events without a reply, counted per handler", must_be_zero=True)
    doubled_replies: int = _counted("replies shown more than once", must_be_zero=True)
    begun_after_end: int = _counted("handlers begun after the end was committed", must_be_zero=True)
    completed_after_end: int = _counted(
        "handlers completed after the end was committed elsewhere", must_be_zero=True
    )
    slow_stops: int = _counted("SIGTERMs that took more than 10 s", must_be_zero=True)

    by_seam: Mapping[str, int] = field(default_factory=dict[str, int])
    examples: Mapping[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """For what must be zero and is not: some of the events' numbers."""

    @property
    def clean(self) -> bool:
        """Whether everything that must be zero is."""
        return not any(getattr(self, one.name) for one in fields(self) if one.metadata.get("must_be_zero"))

    def __str__(self) -> str:
        lines = [f"{'killed at ' + seam:<24}{count:>8}" for seam, count in sorted(self.by_seam.items())]
        for one in fields(self):
            if "about" in one.metadata:
                value = getattr(self, one.name)
                wrong = "  <-- must be 0" if one.metadata["must_be_zero"] and value else ""
                lines.append(f"{value:>8}  {one.metadata['about']}{wrong}")
        lines += [f"{name}: {some}" for name, some in self.examples.items() if some]
        return "\n".join(lines)


def report(
    feishu: Sandbox, traffic: Traffic, reaper: Reaper, ledger: Iterable[Line], rows: Iterable[Row]
) -> Report:
    """Put everything together, when nothing moves any more."""
    number_of = {message.message_id: number for number, message in traffic.sent.items()}
    deliveries = {
        number_of[delivery.envelope["event"]["message"]["message_id"]]: delivery
        for delivery in feishu.hub.deliveries
        if delivery.event_type == "im.message.receive_v1"
    }
    states: dict[int, str] = {}
    event_of: dict[int, int] = {}
    for row in rows:
        states[number_of[row.message_id]] = row.state
        event_of[row.id] = number_of[row.message_id]
    accepted = {number for number, delivery in deliveries.items() if delivery.state == "acked"}
    runs = _Runs(ledger, event_of)
    lost = [number for number in accepted if states.get(number) not in ("done", "dead")]
    # A dead letter need not be answered.
    owed = [(name, n) for n in sorted(accepted) if states.get(n) != "dead" for name in HANDLERS]
    silent = [one for one in owed if not traffic.shown[one]]
    doubled = sorted(one for one, times in traffic.shown.items() if times > 1)
    return Report(
        sent=len(traffic.sent),
        accepted=len(accepted),
        given_up=sum(delivery.state == "given_up" for delivery in deliveries.values()),
        pushes=sum(sum(map(bool, delivery.pushes)) for delivery in deliveries.values()),
        kills=reaper.by_seam.total(),
        pauses=reaper.pauses,
        done=sum(state == "done" for state in states.values()),
        dead=sum(state == "dead" for state in states.values()),
        started=runs.started.total(),
        again=sum(times - 1 for times in runs.started.values()),
        stray=len(traffic.strays),
        lost_events=len(lost),
        lost_replies=len(silent),
        doubled_replies=len(doubled),
        begun_after_end=len(runs.begun_after_end),
        completed_after_end=len(runs.completed_after_end),
        by_seam=dict(reaper.by_seam),
        examples={
            "lost events": lost[:10],
            "lost replies": silent[:10],
            "doubled replies": doubled[:10],
            "begun after the end": runs.begun_after_end[:10],
            "completed after the end": runs.completed_after_end[:10],
            "strays": traffic.strays[:5],
        },
    )


class _Runs:
    """What the ledger says of handlers' runs."""

    def __init__(self, ledger: Iterable[Line], event_of: Mapping[int, int]) -> None:
        self.started: Counter[tuple[str, int]] = Counter()
        self.begun_after_end: list[tuple[str, int]] = []
        self.completed_after_end: list[tuple[str, int]] = []
        ended: set[int] = set()
        for line in ledger:
            if line.step == "ended":
                ended.add(event_of.get(int(line.what), 0))
                continue
            if line.step not in ("started", "completed"):
                continue
            handler, number = line.what.split()
            run = handler, int(number)
            if line.step == "started":
                self.started[run] += 1
                if run[1] in ended:
                    self.begun_after_end.append(run)
            elif run[1] in ended:
                self.completed_after_end.append(run)
