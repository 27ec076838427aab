"""How soon a model's answer is seen, and how often its card is changed."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..children import heeding, python, started
from ..machine import CLIENT, SERVER
from ..report import Goal, Options, Outcome, Table, middle, percentile

NAME = "streaming"

_SOON, _OPERATIONS = 300, 10  # ms; a second, on one card
_ANSWERS, _PIECES = 15, 50  # of which each comes 20 ms after the one before
_LONG = 500
_WITHIN = 300.0  # seconds for all of them


async def measure(options: Options) -> Outcome:
    """Short answers for the first text, a long one for the pace."""
    answers, pieces, long = (2, 25, 75) if options.quick else (_ANSWERS, _PIECES, _LONG)
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        async with started(*python("benchmarks.answers"), directory=directory, core=SERVER) as platform:
            about = await platform.hear()
            command = python("benchmarks.clients.llm", about)
            async with started(*command, directory=directory, core=CLIENT) as client:

                async def ask(answers: int, pieces: int) -> list[dict[str, Any]]:
                    asking = platform.ask({"answers": answers, "pieces": pieces}, _WITHIN)
                    return await heeding((client,), asking)

                await ask(1, 5)  # what is loaded at the first answer is loaded now
                found = await ask(answers, pieces)
                (longer,) = await ask(1, long)
    return _outcome(found, longer)


def _outcome(found: list[dict[str, Any]], longer: dict[str, Any]) -> Outcome:
    latencies = sorted(one["latency"] for one in (*found, longer))
    most = max(one["operations"] for one in (*found, longer))
    refused = sum(one["refused"] for one in (*found, longer))
    rows = [
        ("model's first token → first text on the card", f"{middle(latencies, digits=0)} ms"),
        ("p90 of these", f"{percentile(latencies, 0.9):.0f} ms"),
        ("operations on one card in any second, at most", f"{most}"),
        (f"of an answer of {longer['seconds']:.0f} s", f"{longer['operations']}"),
        ("calls that were refused", f"{refused}"),
    ]
    goals = [
        Goal(
            "first streamed text on the card after the model's first token",
            "",
            f"≤ {_SOON} ms",
            f"{middle(latencies, digits=0)} ms",
            latencies[-1] <= _SOON,
        ),
        Goal(
            "operations on a card that is streamed",
            "",
            f"≤ {_OPERATIONS} a second",
            f"{most}",
            most <= _OPERATIONS,
        ),
    ]
    wrong = [f"{refused} calls were refused"] if refused else []
    return Outcome(
        [Table(NAME, (f"{len(latencies)} answers", ""), rows)],
        {"answers": found, "long": longer},
        goals,
        rounds=1,
        wrong=wrong,
    )
