"""What was found becomes rows and goals, and what was wrong is not lost on the way."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import __main__ as command
from benchmarks import contenders as who
from benchmarks.children import ChildError
from benchmarks.measures import events, latency
from benchmarks.report import Options, Outcome
from benchmarks.rounds import Found
from benchmarks.trial import Figures

OPTIONS = Options(2, frozenset(), False, Path())


def found(**cpu: float) -> Found:
    """Two rounds; in the second everything takes twice as long, as on a busy machine."""
    made = Found(absent={"node": "node and npm are not installed"}, wrong=["stock, round 1: not handled"])
    for name, of in cpu.items():
        rounds = [Figures(of * slow, 1000 / slow, 1.0 * slow, 2.0 * slow, 3.0 * slow) for slow in (1, 2)]
        made.figures[name.replace("_", "-")] = {"256": rounds, "1": rounds, "50": rounds, "1000": rounds}
    return made


def given(monkeypatch: pytest.MonkeyPatch, figures: Found) -> None:
    async def take_turns(*_: object) -> Found:
        return figures

    monkeypatch.setattr(events, "take_turns", take_turns)
    monkeypatch.setattr(latency, "take_turns", take_turns)


async def test_rows_have_medians_and_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, found(floor=10.0, gateway=12.0, inbox=30.0, plugin=400.0))
    outcome = await events.measure(OPTIONS)
    rows = {row[0]: row[1:] for row in outcome.blocks[0].rows}
    assert rows[who.FLOOR.title] == ("20,000", "15.0 [10.0..20.0]", "1.0 ×", "", "750", "1.50", "3.00")
    assert rows[who.GATEWAY.title][1:4] == ("18.0 [12.0..24.0]", "1.2 ×", "≤ 17 ✗")
    assert rows[who.INBOX.title][1:4] == ("45.0 [30.0..60.0]", "3.0 ×", "≤ 60 ✓")
    assert rows[who.NODE_SDK.title][0] == "node and npm are not installed"
    assert rows[who.STOCK.title][0] == "**wrong**"
    assert outcome.wrong == ["stock, round 1: not handled"]


async def test_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, found(floor=6.0, gateway=10.0, inbox=30.0, filtered=70.0, plugin=200.0, stock=900.0))
    reached = {goal.found: goal.reached for goal in (await events.measure(OPTIONS)).goals}
    assert reached == {
        "15.0 µs, 1.7 × floor": False,  # fast enough, but only the machine is
        "45.0 µs": True,
        "105 µs": False,
        "300 µs": True,
    }
    (goal,) = (await latency.measure(OPTIONS)).goals
    assert (goal.found, goal.reached) == ("3.00 ms", True)


async def test_a_goal_that_was_not_measured_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, found(floor=6.0))
    assert not (await events.measure(OPTIONS)).goals
    outcome = await latency.measure(OPTIONS)
    assert not outcome.goals
    assert outcome.wrong == ["stock, round 1: not handled"]


async def test_what_is_wrong_ends_in_the_commands_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def bad(_: Options) -> Outcome:
        return Outcome(wrong=["not handled"])

    async def broken(_: Options) -> Outcome:
        raise ChildError("died")

    measures = {"bad": SimpleNamespace(measure=bad), "broken": SimpleNamespace(measure=broken)}
    monkeypatch.setattr(command, "found_measures", lambda: measures)
    (tmp_path / "README.md").write_text("<!-- goals -->\n<!-- /goals -->\n")
    options = Options(1, frozenset(), False, tmp_path)
    assert await command.run(["broken", "bad"], options) == ["broken: died", "bad: not handled"]
