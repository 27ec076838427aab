"""How long an ack takes where the pace is given: 50 events a second, and 1,000 where the client keeps up with that."""

import statistics
from collections.abc import Sequence

from .. import contenders as who
from ..contenders import Contender
from ..report import Goal, Options, Outcome, Table, middle, number
from ..rounds import Found, Phases, take_turns

NAME = "latency"

CONTENDERS = (who.INBOX, who.PLUGIN, who.PLUGIN_PG, who.STOCK)
FAST = (who.INBOX, who.PLUGIN, who.PLUGIN_PG)
SLOW_RATE, FAST_RATE = 50, 1_000
_SECONDS = {SLOW_RATE: 3, FAST_RATE: 2}
_WANTED = 10.0
"""Milliseconds: p99 of the inbox at FAST_RATE."""


async def measure(options: Options) -> Outcome:
    def phases(contender: Contender) -> Phases:
        rates = (SLOW_RATE, FAST_RATE) if contender in FAST else (SLOW_RATE,)
        return {str(rate): {"count": options.size(rate * _SECONDS[rate]), "rate": rate} for rate in rates}

    found = await take_turns(CONTENDERS, phases, options)
    blocks = [
        table(found, f"{NAME}-rest", SLOW_RATE, CONTENDERS),
        table(found, f"{NAME}-load", FAST_RATE, FAST),
    ]
    return Outcome([*blocks], found.raw(), goals(found), found.wrong)


def table(found: Found, name: str, rate: int, contenders: Sequence[Contender]) -> Table:
    """One pace."""
    rows: list[Sequence[str]] = []
    for one in contenders:
        p50 = found.of(one, str(rate), "p50")
        if not p50:
            rows.append((one.title, found.absent.get(one.name, "**wrong**"), *[""] * 3))
            continue
        rows.append(
            (
                one.title,
                middle(p50),
                middle(found.of(one, str(rate), "p99")),
                number(max(found.of(one, str(rate), "longest"))),
                number(statistics.median(found.of(one, str(rate), "cpu")), 0),
            )
        )
    head = (f"{rate:,} events a second", "p50 ms", "p99 ms", "longest ms", "CPU µs/event")
    return Table(name, head, rows)


def goals(found: Found) -> list[Goal]:
    """The inbox's."""
    p99 = found.of(who.INBOX, str(FAST_RATE), "p99")
    if not p99:
        return []
    shown = f"≤ {_WANTED:.0f} ms at {FAST_RATE:,}/s"
    middle_of = statistics.median(p99)
    return [
        Goal("durable inbox (SQLite): p99 ack", "", shown, f"{number(middle_of)} ms", middle_of <= _WANTED)
    ]
