"""The command: measures, keeps what was found, rewrites README.md."""

import argparse
import asyncio
import importlib
import json
import pkgutil
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

from . import measures
from .children import ChildError
from .contenders import CLIENTS
from .machine import describe, sentence
from .report import Goal, Options, Outcome, goals_table, rewrite

HERE = Path(__file__).parent


def found_measures() -> dict[str, ModuleType]:
    """By their names."""
    modules = (
        importlib.import_module(f"{measures.__name__}.{one.name}")
        for one in pkgutil.iter_modules(measures.__path__)
    )
    return {module.NAME: module for module in modules}


def keep(name: str, outcome: Outcome, options: Options, about: dict[str, str]) -> None:
    """Into results/ and README.md."""
    rounds = outcome.rounds or options.rounds
    path = options.place("results", f"{name}.json")
    kept = {"about": about, "rounds": rounds, "goals": [asdict(goal) for goal in outcome.goals]}
    path.write_text(json.dumps({**kept, "raw": outcome.raw}, indent=1, ensure_ascii=False) + "\n")
    readme = options.directory / "README.md"
    text = readme.read_text()
    for place, block in enumerate(outcome.blocks):
        said = [block.markdown(), sentence(about, rounds)] if place == 0 else [block.markdown()]
        text = rewrite(text, block.name, "\n\n".join(reversed(said)))
    kept_so_far = sorted(
        options.directory.glob("results/*.json"), key=lambda one: text.find(f"<!-- {one.stem}")
    )  # as they follow each other on the page
    goals = [Goal(**goal) for one in kept_so_far for goal in json.loads(one.read_text())["goals"]]
    readme.write_text(rewrite(text, "goals", goals_table(goals).markdown()))


async def run(names: list[str], options: Options) -> list[str]:
    """All of them, one after the other; what was wrong."""
    known = found_measures()
    wrong: list[str] = []
    for name in names:
        about, since = describe(), time.monotonic()
        try:
            outcome: Outcome = await known[name].measure(options)
        except ChildError as error:
            wrong.append(f"{name}: {error}")
            continue
        keep(name, outcome, options, about)
        for block in outcome.blocks:
            print(f"\n{block.name}\n{block.markdown()}")
        print(f"\n{name}: {time.monotonic() - since:.0f} s", flush=True)
        wrong += [f"{name}: {one}" for one in outcome.wrong]
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = sorted(found_measures())
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=names, default=names, help=", ".join(names)
    )
    parser.add_argument("--rounds", type=int, default=5, help="of every figure (default %(default)s)")
    parser.add_argument(
        "--quick", action="store_true", help="one tiny round, to see that it works; keeps nothing"
    )
    parser.add_argument(
        "--clients",
        nargs="+",
        metavar="CLIENT",
        choices=CLIENTS,
        default=[],
        help=f"only these; keeps nothing: {', '.join(CLIENTS)}",
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        directory = HERE
        if asked.quick or asked.clients:
            directory = Path(scratch)
            shutil.copy(HERE / "README.md", directory)
        rounds = 1 if asked.quick else asked.rounds
        options = Options(rounds, frozenset(asked.clients), asked.quick, directory)
        wrong = asyncio.run(run(asked.only, options))
    for one in wrong:
        print(f"WRONG: {one}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
