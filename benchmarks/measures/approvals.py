"""Racing clicks on approvals, on two replicas: benchmarks/approvals.py, with fewer of them than it can."""

import sys
import tempfile
from pathlib import Path

from ..children import ROOT, ChildError, started
from ..databases import databases
from ..report import Options, Outcome, Table, number

NAME = "approvals"

_APPROVALS, _RATE = 500, 25


async def measure(options: Options) -> Outcome:
    count = options.size(_APPROVALS)
    script = str(ROOT / "benchmarks" / "approvals.py")
    asked = ("--approvals", str(count), "--rate", str(_RATE), "--json")
    with databases(postgresql=True) as made, tempfile.TemporaryDirectory() as directory:
        if missing := made.missing("postgresql"):
            return Outcome([Table(NAME, ("", missing), [])])
        url = made.make("postgresql", Path(directory))
        command = (sys.executable, script, *asked, "--database", str(url))
        async with started(*command, directory=Path(directory)) as child:
            try:
                found = await child.hear(within=120 + count / 5)
            except ChildError as error:
                return Outcome([Table(NAME, ("", "**wrong**"), [])], wrong=[str(error)])
    rows = [
        ("approvals × clicks", f"{count:,} × {found['clicks']}"),
        ("clicks a second due, answered", f"{number(found['due'], 0)}, {number(found['answered'], 0)}"),
        (
            "decided, carried out, of which twice",
            f"{found['decided']:,}, {found['carried_out']:,}, {found['twice']}",
        ),
        ("click p50, p99", f"{number(found['p50'])} ms, {number(found['p99'])} ms"),
        ("longest click", f"{number(found['longest'])} ms (begun up to {number(found['late'])} ms late)"),
        ("CPU of both replicas, for a click and all that follows from it", f"{number(found['cpu'])} ms"),
    ]
    right = found["decided"] == found["carried_out"] == count and not found["twice"]
    wrong = [] if right else [f"not every approval was decided and carried out once: {found}"]
    return Outcome([Table(NAME, ("", ""), rows)], found, rounds=1, wrong=wrong)
