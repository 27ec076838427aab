"""Whether an event costs the same with thousands of connectors, and with a million events stored."""

import asyncio
import sqlite3
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from ..crowd import app_name
from ..crowds import Pair, pair
from ..plots import growth
from ..report import Goal, Options, Outcome, Picture, Table, middle

NAME = "growth"

_CONNECTORS = (1, 10, 100, 500, 1000, 2000)
_STORED = (0, 10_000, 100_000, 1_000_000)
_EVENTS, _WINDOW = 2000, 256
_WARM_UP = 300
_REST = 5.0  # seconds in which is seen what goes on without events
_PAYLOAD = 1100  # bytes, as of the events that are sent

_EVENT_ROWS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT :count)
INSERT INTO feishu_ws_event (connector, event_id, message_id, event_type, chat_id, payload, state, attempts, owner,
    received_at, done_at)
SELECT :connector, lower(hex(randomblob(16))), 'om_' || lower(hex(randomblob(16))), 'im.message.receive_v1',
    'oc_' || (n % 50), zeroblob(:payload), 'done', 1, 'somebody', :now, :now FROM numbers
"""
_LOG_ROWS = """
INSERT INTO feishu_ws_log (at, level, action, connector, name, event_id, message_id, detail)
SELECT received_at, 'info', 'ws_routed', connector, 'bench', event_id, message_id, '{"matchers": []}'
FROM feishu_ws_event
"""


@dataclass
class _Size:
    """A process with so many of something, and what an event costs it."""

    size: int
    here: Pair
    rest: float = 0.0
    """Of a core, without events."""
    micros: list[float] = field(default_factory=list[float])
    """For each round."""

    async def look(self) -> None:
        """See what goes on without events."""
        before = self.here.client.cpu
        await asyncio.sleep(_REST)
        self.rest = (self.here.client.cpu - before) / _REST

    async def push(self, count: int, window: int) -> None:
        clock = asyncio.get_running_loop().time
        before, since = self.here.client.cpu, clock()
        await self.here.push(count, window)
        used, took = self.here.client.cpu - before, clock() - since
        self.micros.append(net(used, took, self.rest) / count * 1e6)


async def measure(options: Options) -> Outcome:
    """A process for each size, all of them there from the beginning; they take turns."""
    connectors, stored = ((1, 5), (0, 1000)) if options.quick else (_CONNECTORS, _STORED)
    found: dict[str, list[_Size]] = {}
    for name, sizes in (("connectors", connectors), ("stored", stored)):
        async with AsyncExitStack() as stack:
            found[name] = await asyncio.gather(*(_started(stack, name, size) for size in sizes))
            await _rounds(found[name], options)
    return _outcome(found, options)


async def _started(stack: AsyncExitStack, name: str, size: int) -> _Size:
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="feishu-ws-bench-")))
    file = directory / "bench.sqlite3"
    database = f"sqlite+aiosqlite:///{file}"
    apps = size if name == "connectors" else 1
    if name == "stored":
        async with pair("plugin", directory, apps=1, stored=1, database=database) as first:
            await first.connected(1)  # and the tables are there
        await asyncio.to_thread(fill, file, size)
    here = await stack.enter_async_context(
        pair("plugin", directory, apps=apps, stored=apps if name == "connectors" else 0, database=database)
    )
    await here.connected(apps)
    return _Size(size, here)


async def _rounds(sizes: Sequence[_Size], options: Options) -> None:
    events, warm_up = (100, 20) if options.quick else (_EVENTS, _WARM_UP)
    for one in sizes:
        await one.here.push(max(warm_up, one.size if one.size <= events else 0), _WINDOW)
    await asyncio.gather(*(one.look() for one in sizes))
    for _ in range(options.rounds):
        for one in sizes:
            await one.push(events, _WINDOW)


def fill(file: Path, count: int) -> None:
    """Rows as events leave them: done, each with its line in the log."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")  # KiB: the indexes are filled in no order
        (now,) = connection.execute("SELECT strftime('%Y-%m-%d %H:%M:%f000', 'now')").fetchone()
        if count:
            connection.execute(
                _EVENT_ROWS, {"count": count, "payload": _PAYLOAD, "connector": app_name(0), "now": now}
            )
            connection.execute(_LOG_ROWS)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def net(used: float, took: float, rest: float) -> float:
    """Seconds of CPU that are the events' own: less what goes on without them, which `idle` looks at."""
    return used - rest * took


def flat(sizes: Sequence[Sequence[float]]) -> bool:
    """Whether the largest costs no more than the first does at its worst, or a tenth more than its median."""
    first, last = sizes[0], statistics.median(sizes[-1])
    return last <= max(*first, 1.1 * statistics.median(first))


def _outcome(found: dict[str, list[_Size]], options: Options) -> Outcome:
    outcome = Outcome(raw={}, rounds=options.rounds)
    raw: dict[str, object] = {}
    for name, across, caption in (
        ("connectors", "connectors in one process", "CPU of an event by number of connectors"),
        ("stored", "events stored before (SQLite)", "CPU of an event by number of stored events"),
    ):
        sizes = found[name]
        raw[name] = {one.size: {"rest": one.rest, "micros": one.micros} for one in sizes}
        path = f"plots/growth-{name}.svg"
        growth(
            options.place(path),
            [(one.size, one.micros) for one in sizes],
            across=across,
            up="µs of CPU for an event",
            title="message → NoneBot → one matcher, durable",
        )
        rows = [(f"{one.size:,}", middle(one.micros, digits=0), f"{one.rest:.1%} of a core") for one in sizes]
        head = (across, "CPU of an event, µs", "at rest")
        outcome.blocks += [
            Table(f"{NAME}-{name}", head, rows),
            Picture(f"{NAME}-{name}-plot", path, caption),
        ]
        least, most = sizes[0], sizes[-1]
        outcome.goals.append(
            Goal(
                f"an event with {most.size:,} {across}",
                f"with {least.size:,}: {middle(least.micros, digits=0)} µs",
                "the same",
                f"{middle(most.micros, digits=0)} µs",
                flat([one.micros for one in sizes]),
            )
        )
    outcome.raw = raw
    return outcome
