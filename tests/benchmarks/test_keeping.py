"""What is measured gets into results/ and README.md, whichever measures were asked for."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import keep
from benchmarks.machine import describe, sentence
from benchmarks.report import Goal, Options, Outcome, Picture, Table

ABOUT = {
    "date": "2026-01-02",
    "machine": "a machine",
    "disk": "ext4",
    "system": "Linux 1",
    "load": "0.1",
    "Python": "3.11",
}
NAMES = ("goals", "two", "one", "plot")


@pytest.fixture
def options(tmp_path: Path) -> Options:
    blocks = "".join(f"## {name}\n<!-- {name} -->\n<!-- /{name} -->\n" for name in NAMES)
    (tmp_path / "README.md").write_text(blocks)
    return Options(5, frozenset(), False, tmp_path)


def block(options: Options, name: str) -> str:
    return (
        (options.directory / "README.md")
        .read_text()
        .partition(f"<!-- {name} -->")[2]
        .partition("<!-- /")[0]
        .strip()
    )


def outcome(figure: str) -> Outcome:
    goal = Goal("work", "peers", "≤ 2", figure, reached=True)
    return Outcome(
        [Table("one", ("client", "µs"), [("ours", figure)]), Picture("plot", "p.svg", "cost")],
        {"µs": figure},
        [goal],
    )


def test_a_measure_is_kept(options: Options) -> None:
    keep("a", outcome("1.5"), options, ABOUT)
    told = "2026-01-02; a machine, Linux 1, ext4, load 0.1 at the start; Python 3.11; 5 rounds, median [least..most]."
    assert block(options, "one") == told + "\n\n| client | µs |\n| --- | ---: |\n| ours | 1.5 |"
    assert block(options, "plot") == "![cost](p.svg)"
    kept = json.loads((options.directory / "results" / "a.json").read_text())
    assert (kept["raw"], kept["rounds"], kept["about"]) == ({"µs": "1.5"}, 5, ABOUT)


def test_goals_are_those_of_all_measures_in_the_order_of_the_page(options: Options) -> None:
    keep("one", outcome("1.5"), options, ABOUT)
    late = Goal("other work", "", "≤ 1", "3", reached=False)
    keep("two", Outcome([Table("two", ("", ""), [])], goals=[late], rounds=1), options, ABOUT)
    assert block(options, "goals").splitlines()[2:] == [
        "| other work |  | ≤ 1 | 3 | ✗ |",
        "| work | peers | ≤ 2 | 1.5 | ✓ |",
    ]
    assert "one run" in block(options, "two")
    assert "1.5" in block(options, "one"), "the other's table stays"
    keep("one", outcome("1.4"), options, ABOUT)
    assert "| 1.4 | ✓ |" in block(options, "goals")


def test_the_machine_describes_itself() -> None:
    found = describe()
    assert {"date", "machine", "disk", "system", "load", "Python", "SQLite", "aiohttp"} <= set(found)
    assert all(found.values())
    assert f"aiohttp {found['aiohttp']}" in sentence(found, 5)
