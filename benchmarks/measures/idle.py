"""What thousands of connectors cost while nobody writes to them."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from ..crowds import pair
from ..report import Goal, Options, Outcome, Table, middle

NAME = "idle"

_CONNECTORS = 2000
_MOST = 0.05  # of a core
_SETTLED = 5.0  # seconds after the last one has connected
_SLICE, _SLICES = 10.0, 4  # seconds, and how many of them: pings go out every 25 s


async def measure(options: Options) -> Outcome:
    """Once: what differs from run to run differs from slice to slice, too."""
    count, slices = (50, 2) if options.quick else (_CONNECTORS, _SLICES)
    shares: list[float] = []
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        database = f"sqlite+aiosqlite:///{directory}/bench.sqlite3"
        async with pair("plugin", directory, apps=count, tls=True, stored=count, database=database) as here:
            times = await here.connected(count)
            connecting = here.client.cpu
            await asyncio.sleep(_SETTLED)
            for _ in range(slices):
                before, since = here.client.cpu, asyncio.get_running_loop().time()
                await asyncio.sleep(1 if options.quick else _SLICE)
                shares.append((here.client.cpu - before) / (asyncio.get_running_loop().time() - since))
            size = here.client.rss
            await here.push(2 * count, window=50)  # they are all there, and at work
    share = sum(shares) / len(shares)
    rows = [
        ("connected, from the first to the last", f"{times[-1]:.1f} s"),
        ("CPU until then, with the start of the process", f"{connecting:.1f} s"),
        ("memory (RSS)", f"{size / 2**20:.0f} MiB"),
        (
            f"at rest, {slices} times {_SLICE:.0f} s, of a core",
            f"{share:.1%} ({middle([100 * one for one in shares], digits=1)} %)",
        ),
    ]
    goal = Goal(
        f"{count:,} connectors in one process, at rest",
        "",
        f"< {_MOST:.0%} of a core",
        f"{share:.1%}",
        share < _MOST,
    )
    raw = {"shares": shares, "connected": times[-1], "connecting_cpu": connecting, "rss": size}
    return Outcome([Table(NAME, (f"{count:,} connectors, `wss`", ""), rows)], raw, [goal], rounds=1)
