"""What an event costs each client, 256 under way and one at a time."""

import statistics
from collections.abc import Sequence

from .. import contenders as who
from ..contenders import Contender
from ..report import Goal, Options, Outcome, Table, middle, number, ratio
from ..rounds import Found, Phases, take_turns

NAME = "events"

CONTENDERS = (
    who.FLOOR,
    who.GATEWAY,
    who.NODE_SDK,
    who.LARK_OAPI,
    who.LARK_CHANNEL,
    who.INBOX,
    who.INBOX_PG,
    who.FILTERED,
    who.FILTERED_PG,
    who.PLUGIN,
    who.PLUGIN_PG,
    who.STOCK,
    who.STOCK_ASYNCIO,
)
MANY, ONE = "256", "1"
WANTED = {who.GATEWAY.name: 17.0, who.INBOX.name: 60.0, who.FILTERED.name: 80.0, who.PLUGIN.name: 350.0}
"""Microseconds of CPU for an event."""
_MOST_FLOORS = 1.5
"""The gateway's."""


async def measure(options: Options) -> Outcome:
    def phases(contender: Contender) -> Phases:
        return {
            MANY: {"count": options.size(contender.events), "window": 256},
            ONE: {"count": options.size(contender.single), "window": 1},
        }

    found = await take_turns(CONTENDERS, phases, options)
    blocks = [table(found, phase, options) for phase in (MANY, ONE)]
    return Outcome([*blocks], found.raw(), goals(found), found.wrong)


def table(found: Found, phase: str, options: Options) -> Table:
    """One phase of all contenders."""
    floor = found.of(who.FLOOR, phase, "cpu")
    rows: list[Sequence[str]] = []
    for one in CONTENDERS:
        cpu = found.of(one, phase, "cpu")
        if not cpu:
            rows.append((one.title, found.absent.get(one.name, "**wrong**"), *[""] * 6))
            continue
        wanted = WANTED.get(one.name) if phase == MANY else None
        rows.append(
            (
                one.title,
                f"{options.size(one.events if phase == MANY else one.single):,}",
                middle(cpu),
                ratio(cpu, floor) if len(cpu) == len(floor) else "",
                ""
                if wanted is None
                else f"≤ {number(wanted, 0)} {'✓' if statistics.median(cpu) <= wanted else '✗'}",
                number(statistics.median(found.of(one, phase, "per_second")), 0),
                number(statistics.median(found.of(one, phase, "p50"))),
                number(statistics.median(found.of(one, phase, "p99"))),
            )
        )
    head = ("client", "events", "CPU µs/event", "× floor", "to reach", "events/s", "p50 ms", "p99 ms")
    return Table(NAME if phase == MANY else f"{NAME}-single", head, rows)


def goals(found: Found) -> list[Goal]:
    """Those of the CPU, as far as it was measured."""

    def cpu(one: Contender) -> float | None:
        figures = found.of(one, MANY, "cpu")
        return statistics.median(figures) if figures else None

    def peers(*others: tuple[str, Contender]) -> str:
        told = [(name, cpu(one)) for name, one in others]
        return "; ".join(f"{name} {number(of)}" for name, of in told if of is not None)

    made: list[Goal] = []
    gateway, floor = cpu(who.GATEWAY), cpu(who.FLOOR)
    most = WANTED[who.GATEWAY.name]
    if gateway is not None and floor is not None:
        others = (("floor", who.FLOOR), ("Node SDK", who.NODE_SDK), ("lark-oapi", who.LARK_OAPI))
        made.append(
            Goal(
                "frame → parsed → ack, no storage: CPU",
                peers(*others, ("lark-channel", who.LARK_CHANNEL)),
                f"≤ {most:.0f} µs, ≤ {_MOST_FLOORS} × floor",
                f"{number(gateway)} µs, {gateway / floor:.1f} × floor",
                gateway <= most and gateway <= _MOST_FLOORS * floor,
            )
        )
    stock = peers(("stock adapter, not durable:", who.STOCK), ("on asyncio", who.STOCK_ASYNCIO))
    for what, one, others in (
        ("the same with the durable inbox (SQLite): CPU", who.INBOX, "nobody has one"),
        ("message not for us (filtered, logged): CPU", who.FILTERED, ""),
        ("message → NoneBot → one matcher, durable: CPU", who.PLUGIN, stock),
    ):
        used, most = cpu(one), WANTED[one.name]
        if used is not None:
            made.append(Goal(what, others, f"≤ {most:.0f} µs", f"{number(used)} µs", used <= most))
    return made
