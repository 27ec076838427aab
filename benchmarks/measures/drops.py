"""How long a bot is deaf: when its platform falls silent, and when everybody is dropped at once."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..crowds import Pair, pair
from ..plots import histogram
from ..report import Goal, Options, Outcome, Picture, Table

NAME = "drops"

_CONNECTORS = 1000
_NONCE, _MORE = 30, 10  # seconds: everybody is back within these
_DETECTED = 45  # seconds: the longest that silence may go unnoticed
_SILENT = {
    "**ours**": ("gateway", 20),
    "lark-oapi": ("lark_oapi", 20),
    "stock adapter": ("stock", 3),
    "aiohttp, protobuf, json": ("floor", 3),
}
"""Who is met with silence, with how many connections."""
_WAITED = 90.0  # seconds for what they do about it
_APART = 1.0  # seconds between two of them that fall silent: they are not all at the same point of their ping interval


async def measure(options: Options) -> Outcome:
    """All at the same time: it is about time, not about CPU."""
    count, waited = (30, 3.0) if options.quick else (_CONNECTORS, _WAITED)
    nonce = 1 if options.quick else _NONCE
    dropped, *silences = await asyncio.gather(
        _dropped(count, nonce), *(_silent(kind, number, waited) for kind, number in _SILENT.values())
    )
    return _outcome(dropped, dict(zip(_SILENT, silences, strict=True)), count, nonce, options)


async def _dropped(count: int, nonce: int) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        database = f"sqlite+aiosqlite:///{directory}/bench.sqlite3"
        async with pair(
            "plugin", directory, apps=count, nonce=nonce, stored=count, database=database
        ) as here:
            first = await _first(here)
            times = await here.connected(count)
            connecting = here.client.cpu
            told = await here.ask({"drop": nonce + 60})
            returning = here.client.cpu - connecting
            await here.connected(count)
            await here.push(2 * count, window=50)  # each hears, and none hears twice
            since = time.monotonic()
            await here.client.end()
            return {
                "stopping": time.monotonic() - since,
                "first_ack": first,
                "connected": times,
                "connecting_cpu": connecting,
                "back": told["back"],
                "returning_cpu": returning,
            }


async def _first(here: Pair) -> float:
    """Milliseconds until the first one has answered, while the others connect."""
    await here.connected(1)
    return max(await here.push(1, window=1))


async def _silent(kind: str, count: int, waited: float) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        async with pair(kind, Path(folder), apps=count, nonce=1) as here:
            if kind != "stock":
                await here.client.ask({"connect": count})
            await here.connected(count)
            await here.push(count, window=1)
            told = await here.ask({"silence": {"within": waited, "apart": _APART}})
            return {**told, "waited": waited}


def _outcome(
    dropped: dict[str, Any],
    silences: dict[str, dict[str, Any]],
    count: int,
    nonce: int,
    options: Options,
) -> Outcome:
    back: list[float] = dropped["back"]
    times: list[float] = dropped["connected"]
    last = back[-1] if back else float("inf")
    rows = [
        ("first event acked", f"after {dropped['first_ack']:.0f} ms, while the others connected"),
        ("connected: half of them, all", f"{times[count // 2]:.1f} s, {times[-1]:.1f} s after the first"),
        ("CPU until then, with the start of the process", f"{dropped['connecting_cpu']:.1f} s"),
        ("dropped at once: back", f"{len(back):,} of {count:,}, the last after {last:.1f} s"),
        ("CPU for that", f"{dropped['returning_cpu']:.1f} s"),
        ("stopping, with all goodbyes", f"{dropped['stopping']:.1f} s"),
    ]
    width = max(nonce / 15, 0.1)
    picture = options.place("plots", "drops.svg")
    histogram(
        picture,
        back,
        width=width,
        across="seconds after all were dropped at once",
        up="connections back",
        title=f"{count:,} dropped at once come back one by one",
    )
    noticed = [(name, *_noticed(told)) for name, told in silences.items()]
    ours = silences["**ours**"]
    longest = max(ours["back"] or [float("inf")])
    peers = ", ".join(f"{name} {_longest(told)}" for name, told in silences.items() if told is not ours)
    goals = [
        Goal(
            "half-open connection detected and replaced",
            peers,
            f"≤ {_DETECTED} s",
            _longest(ours),
            len(ours["back"]) == ours["silent"] and longest <= _DETECTED,
        ),
        Goal(
            f"{count:,} back after all were dropped at once (nonce {nonce} s)",
            "",
            f"≤ {nonce + _MORE} s",
            f"{len(back):,} after {last:.1f} s",
            len(back) == count and last <= nonce + _MORE,
        ),
    ]
    wrong = [] if len(back) == count else [f"{count - len(back)} of {count} did not come back"]
    blocks = [
        Table(NAME, (f"{count:,} connectors, nonce {nonce} s", ""), rows),
        Picture("drops-plot", "plots/drops.svg", f"How many of {count:,} came back when"),
        Table("silence", ("", "connections", "closed by it after, s", "another one after, s"), noticed),
    ]
    return Outcome(blocks, {"dropped": dropped, "silent": silences}, goals, wrong, rounds=1)


def _noticed(told: dict[str, Any]) -> tuple[str, str, str]:
    return f"{told['silent']}", _range(told["left"], told), _range(told["back"], told)


def _range(seconds: Sequence[float], told: dict[str, Any]) -> str:
    return f"{seconds[0]:.1f} to {seconds[-1]:.1f}" if seconds else f"not within {told['waited']:.0f}"


def _longest(told: dict[str, Any]) -> str:
    back = told["back"]
    return f"{back[-1]:.1f} s" if len(back) == told["silent"] else f"not within {told['waited']:.0f} s"
