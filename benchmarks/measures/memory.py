"""What one connection more needs of memory, beside many in one process."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ..crowds import pair
from ..report import Goal, Options, Outcome, Table

NAME = "memory"

_MOST = 80 * 2**10  # bytes of a connection over wss
_KINDS = {
    "aiohttp, protobuf, json": "floor",
    "lark-oapi, as tasks of one loop": "lark_oapi",
    "stock adapter": "stock",
    "**ours: gateway**": "gateway",
    "**ours: whole plugin**": "plugin",
}
_FEW, _MANY = 100, 1000
_SLOW = {"stock": 5}
"""Who takes long to start gets so many times fewer."""
_SETTLED = 2.0  # seconds after the last event


async def measure(options: Options) -> Outcome:
    """Every kind, with TLS and without, once: another time differs by a percent."""
    few, many = (5, 20) if options.quick else (_FEW, _MANY)
    found: dict[str, dict[str, float]] = {name: {"wss": 0.0, "ws": 0.0} for name in _KINDS}
    for name, kind in _KINDS.items():
        for scheme in found[name]:
            fewer = 1 if options.quick else _SLOW.get(kind, 1)
            found[name][scheme] = await _each(kind, few // fewer, many // fewer, tls=scheme == "wss")
    return _outcome(found, many)


async def _each(kind: str, few: int, many: int, *, tls: bool) -> float:
    """Bytes of each of the `many - few` last ones."""
    if kind == "stock":  # which connects when it starts
        first, last = [await _whole(count, tls=tls) for count in (few, many)]
        return (last - first) / (many - few)
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        database = f"sqlite+aiosqlite:///{directory}/bench.sqlite3"
        sizes: list[int] = []
        async with pair(kind, directory, apps=many, tls=tls, database=database) as here:
            for count in (few, many):
                await here.connect(count)
                await here.push(2 * count, window=50)  # what is needed to read and write is there now
                await asyncio.sleep(_SETTLED)
                sizes.append(here.client.rss)
        return per_connection(sizes, (few, many))


async def _whole(count: int, *, tls: bool) -> int:
    with TemporaryDirectory() as folder:
        async with pair("stock", Path(folder), apps=count, tls=tls) as here:
            await here.connected(count)
            await here.push(2 * count, window=50)
            await asyncio.sleep(_SETTLED)
            return here.client.rss


def per_connection(sizes: Sequence[int], counts: Sequence[int]) -> float:
    """Of memory at two moments, and how many there were at each."""
    return (sizes[1] - sizes[0]) / (counts[1] - counts[0])


def _outcome(found: dict[str, dict[str, float]], many: int) -> Outcome:
    shown = {name: [f"{figure / 2**10:,.0f}" for figure in of.values()] for name, of in found.items()}
    rows = [(name, *figures) for name, figures in shown.items()]
    *peers, _, _ = _KINDS
    others = ", ".join(f"{name} {shown[name][0]}" for name in peers)
    goals = [
        Goal(
            f"memory of a further connection, `wss`, {many:,} in one process, {name.strip('*')}",
            f"{others} KiB",
            f"≤ {_MOST / 2**10:.0f} KiB",
            f"{shown[name][0]} KiB",
            found[name]["wss"] <= _MOST,
        )
        for name in _KINDS
        if name not in peers
    ]
    return Outcome([Table(NAME, ("", "`wss`, KiB", "`ws`, KiB"), rows)], found, goals, rounds=1)
