"""What the durable inbox takes in for half a minute: stored, acked, noted as done, none lost."""

from collections.abc import Sequence

from .. import contenders as who
from ..children import ChildError
from ..contenders import Contender
from ..databases import databases
from ..report import Goal, Options, Outcome, Table, number, percentile
from ..trial import Figures, trial

NAME = "sustained"

_SECONDS = 30.0
_WINDOW = 256
"""Under way, of each client."""
SETTINGS = (
    (who.INBOX, 1, "SQLite, one process", 5_000),
    (who.INBOX_PG, 2, "PostgreSQL, two replicas", 3_000),
)
"""Who, how many of them, what that is, and events a second to be reached."""


async def measure(options: Options) -> Outcome:
    outcome = Outcome(rounds=1)
    rows: list[Sequence[str]] = []
    raw: dict[str, object] = {}
    for contender, clients, title, wanted in SETTINGS:
        try:
            figures, events, seconds, wrong = await sustain(contender, clients, options)
        except ChildError as error:
            outcome.wrong.append(f"{title}: {error}")
            rows.append((title, "**wrong**", *[""] * 6))
            continue
        if figures is None:
            rows.append((title, "PostgreSQL is not installed", *[""] * 6))
            continue
        outcome.wrong += [f"{title}: {one}" for one in wrong]
        raw[title] = {**figures.raw(), "seconds": seconds}
        reached = figures.per_second >= wanted
        least = percentile(sorted(seconds), 0.05) if seconds else 0
        rows.append(
            (
                title,
                "**wrong**" if wrong else f"{events:,}",
                number(figures.per_second, 0),
                f"≥ {wanted:,} {'✓' if reached else '✗'}",
                number(least, 0),
                number(figures.p50),
                number(figures.p99),
                number(figures.cpu, 0),
            )
        )
        shown = f"{number(figures.per_second, 0)}/s"
        outcome.goals.append(Goal(f"sustained inbox: {title}", "", f"≥ {wanted:,}/s", shown, reached))
    head = ("inbox", "events", "events/s", "to reach", "slow seconds", "p50 ms", "p99 ms", "CPU µs/event")
    outcome.blocks.append(Table(NAME, head, rows))
    outcome.raw = raw
    return outcome


async def sustain(
    contender: Contender, clients: int, options: Options
) -> tuple[Figures | None, int, list[int], list[str]]:
    """The figures (None: it cannot run here), how many events, how many in each second, and what was wrong."""
    seconds = 0.5 if options.quick else _SECONDS
    with databases(postgresql=contender.store == "postgresql") as made:
        if made.missing(contender.store):
            return None, 0, [], []
        async with trial(
            contender, made, warm_up=options.size(2_000), clients=clients, pinned=clients == 1
        ) as running:
            figures = await running.run(seconds=seconds, window=_WINDOW, within=seconds + 60)
            told = running.told
    return figures, told["acked"], told["seconds"], running.wrong
