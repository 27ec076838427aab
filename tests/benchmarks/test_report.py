"""Figures become tables, and tables get between their markers."""

import pytest

from benchmarks.report import Goal, Picture, Table, goals_table, middle, number, percentile, ratio, rewrite

PAGE = "before\n<!-- one -->\nold\n<!-- /one -->\nbetween\n<!-- two -->\n<!-- /two -->\nafter\n"


def test_a_block_replaces_what_is_between_its_own_markers_alone() -> None:
    once = rewrite(PAGE, "one", "new")
    assert once == PAGE.replace("old", "\nnew\n")
    assert rewrite(once, "one", "new") == once, "the second time changes nothing"
    assert "<!-- two -->\n\nfirst \\1\n\n<!-- /two -->" in rewrite(once, "two", "first \\1"), (
        "a block is no pattern"
    )


@pytest.mark.parametrize("page", ["nothing", PAGE + PAGE, "<!-- /one -->\n<!-- one -->\n"])
def test_a_block_without_a_place_is_an_error(page: str) -> None:
    with pytest.raises(KeyError, match="<!-- one -->"):
        rewrite(page, "one", "new")


def test_a_table() -> None:
    table = Table("t", ("client", "µs"), [("floor", "1.0"), ("ours", "1.4")], "A note.")
    assert table.markdown().splitlines() == [
        "| client | µs |",
        "| --- | ---: |",
        "| floor | 1.0 |",
        "| ours | 1.4 |",
        "",
        "A note.",
    ]


def test_a_picture() -> None:
    assert Picture("p", "plots/p.svg", "cost").markdown() == "![cost](plots/p.svg)"


def test_goals_say_whether_they_are_reached() -> None:
    goals = [Goal("a", "9", "≤ 2", "1", True), Goal("b", "", "≤ 2", "3", False)]
    assert goals_table(goals).markdown().splitlines()[2:] == [
        "| a | 9 | ≤ 2 | 1 | ✓ |",
        "| b |  | ≤ 2 | 3 | ✗ |",
    ]


def test_figures_are_medians_with_their_spread() -> None:
    assert middle([3.0, 1.0, 2.0]) == "2.00 [1.00..3.00]"
    assert middle([1200.0, 900.0], " ms") == "1,050 ms [900..1,200]"
    assert middle([12.34]) == "12.3"


@pytest.mark.parametrize(
    ("figure", "shown"), [(0.1234, "0.12"), (12.34, "12.3"), (123.4, "123"), (1234.5, "1,234")]
)
def test_a_number_has_three_digits_that_count(figure: float, shown: str) -> None:
    assert number(figure) == shown


def test_a_round_is_compared_with_itself() -> None:
    """A busy minute meets the floor as well: it is not in the ratio."""
    assert ratio([20.0, 200.0, 30.0], [10.0, 100.0, 10.0]) == "2.0 ×"


def test_percentiles() -> None:
    figures = [float(figure) for figure in range(100)]
    assert percentile(figures, 0.5) == 50
    assert percentile(figures, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
