"""`python -m benchmarks`: all of it, in little; and that it sees what is not done right."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typing_extensions import override

from benchmarks import contenders
from benchmarks.__main__ import found_measures
from benchmarks.children import ROOT
from benchmarks.contenders import CLIENTS, Contender, Store
from benchmarks.databases import databases
from benchmarks.report import Options
from benchmarks.rounds import take_turns

QUICK = ("floor", "gateway", "inbox", "filtered", "plugin", "stock")


def test_the_command_runs() -> None:
    kept = {
        path: path.read_bytes()
        for path in (ROOT / "benchmarks").rglob("*.md")
        if "node_modules" not in path.parts
    }
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "events", "--clients", *QUICK]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    table = done.stdout.partition("events\n")[2].partition("\n\n")[0]
    rows = {row.split(" | ")[0].strip("| "): row for row in table.splitlines()[2:]}
    for name in QUICK:
        (one,) = [one for one in vars(contenders).values() if isinstance(one, Contender) and one.name == name]
        assert "×" in rows[one.title], "a figure and its ratio to the floor"
    assert {path: path.read_bytes() for path in kept} == kept, "what is not measured in full is not kept"


def test_every_measure_is_found_and_has_its_place() -> None:
    assert {"events", "latency", "sustained"} <= set(found_measures())
    assert len(set(CLIENTS)) == len(CLIENTS)
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for name in ("goals", "events", "events-single", "latency-rest", "latency-load", "sustained"):
        assert readme.count(f"<!-- {name} -->") == readme.count(f"<!-- /{name} -->") == 1


class Faulty(Contender):
    """tests/benchmarks/faulty.py: one event to warm up, then ten more."""

    @override
    def command(self, url: str, database: str | None) -> tuple[str, ...]:
        told = {"url": url, "database": database, **self.settings}
        return (sys.executable, str(Path(__file__).with_name("faulty.py")), json.dumps(told))


@pytest.mark.parametrize(
    ("fault", "store", "said"),
    [
        ("refuse", None, "10 of 10 events were not acked with 200"),
        ("twice", None, "11 events acked more than once"),
        ("forget", None, "9 events handled, 9 different ones, of 11"),
        ("again", None, "12 events handled, 11 different ones, of 11"),
        ("unfinished", "sqlite", "11 events stored, 10 done, of 11"),
        ("die", None, "its last words"),
    ],
)
async def test_what_is_not_done_right_is_seen(
    tmp_path: Path, fault: str, store: Store | None, said: str
) -> None:
    one = Faulty("faulty", "faulty", "", store, {"fault": fault}, events=1)
    options = Options(1, frozenset(), True, tmp_path)
    found = await take_turns([one], lambda _: {"256": {"count": 10, "window": 4}}, options)
    assert any(said in line for line in found.wrong), found.wrong
    assert not found.of(one, "256", "cpu"), "no figure of it is shown"


async def test_what_is_done_right_has_figures(tmp_path: Path) -> None:
    one = Faulty("right", "right", "", None, {"fault": ""}, events=1)
    options = Options(2, frozenset(), True, tmp_path)
    found = await take_turns([one], lambda _: {"256": {"count": 10, "window": 4}}, options)
    assert not found.wrong
    assert len(found.of(one, "256", "cpu")) == 2
    assert min(found.of(one, "256", "p50")) > 0


async def test_who_is_not_asked_for_does_not_run(tmp_path: Path) -> None:
    one = Faulty("right", "right", "", None, {"fault": ""}, events=1)
    found = await take_turns([one], lambda _: {}, Options(1, frozenset({"floor"}), True, tmp_path))
    assert found.absent == {"right": "not asked for"}
    assert not found.figures


def test_a_database_that_is_not_there_is_said() -> None:
    with databases(postgresql=False) as made:
        assert made.missing("postgresql")
        assert made.missing("sqlite") is None
