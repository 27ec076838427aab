"""Text that grows, cut into pages."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.cards.paging import Bounds, cost, paginate, rendered, settled

LINES = st.lists(
    st.sampled_from(
        [
            "",
            "words and words",
            "| a | b |",
            "|---|---|",
            "--- | ---",
            "```",
            "```py",
            "~~~~",
            "  ````",
            "长" * 30,
            '"\\"\u2028\x0b',
        ]
    )
    | st.text(max_size=40),
    max_size=40,
)
TEXTS = LINES.map("\n".join)
BOUNDS = st.builds(Bounds, size=st.integers(20, 400), tables=st.integers(1, 3))


@given(TEXTS, BOUNDS, st.booleans())
def test_pages_are_the_text_and_each_fits(text, bounds, whole):
    pages = paginate(text, bounds, whole=whole)
    assert "".join(pages) == text
    assert all(cost(page) <= bounds.size for page in pages)
    assert all(pages[:-1]), "a page before the last is empty"


@given(TEXTS, TEXTS, BOUNDS)
@example("| a |\n|---|\n\n| b |\n", "|---|\n", Bounds(400, 1))
def test_what_is_added_changes_the_last_page_alone(text, more, bounds):
    before = paginate(text, bounds, whole=False)
    after = paginate(text + more, bounds, whole=False)
    assert after[: len(before) - 1] == before[:-1]


@given(st.text())
def test_cost_is_that_of_the_request(text):
    around = len(json.dumps(json.dumps("")))
    whole = json.dumps(json.dumps(text, ensure_ascii=False), ensure_ascii=False)
    assert cost(text) == len(whole.encode("utf-8", "replace")) - around


def test_a_page_ends_where_it_hurts_least():
    assert paginate("aaaa\n\nbbbb\ncccc\n", Bounds(20, 9), whole=True) == ["aaaa\n\nbbbb\n", "cccc\n"]
    assert paginate("a" * 8 + "\n\nbbbb\ncccc\n", Bounds(24, 9), whole=True) == [
        "a" * 8 + "\n\n",
        "bbbb\ncccc\n",
    ]
    long = "x" * 300 + " " + "y" * 100
    assert paginate(long, Bounds(390, 9), whole=True) == ["x" * 300 + " ", "y" * 100]
    assert paginate("x" * 25, Bounds(10, 9), whole=True) == ["x" * 10, "x" * 10, "x" * 5]


def test_a_page_holds_so_many_tables():
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    assert paginate(table * 3, Bounds(1000, 2), whole=True) == [table * 2, table]
    code = f"```\n{table}```\n"
    assert paginate(code * 3, Bounds(1000, 1), whole=True) == [code * 3]
    assert paginate("a\n---\nb\n---\n", Bounds(1000, 1), whole=True) == ["a\n---\nb\n---\n"]


def test_a_code_block_goes_on_on_the_next_page():
    pages = ["before\n```py\none\n", "two\n", "three\n```\nafter"]
    assert rendered(pages) == ["before\n```py\none\n```", "```py\ntwo\n```", "```py\nthree\n```\nafter"]
    assert rendered(["~~~\nx\n```\n", "y\n~~~~\n"]) == ["~~~\nx\n```\n~~~", "~~~\ny\n~~~~\n"]
    assert rendered(["``` `x` is inline", "no"]) == ["``` `x` is inline", "no"]
    assert rendered(["```" + "x" * 99, ""]) == ["```" + "x" * 99 + "\n```", "```" + "x" * 40 + "\n```"]


@given(TEXTS, BOUNDS)
def test_every_rendered_page_closes_its_code(text, bounds):
    for page in rendered(paginate(text, bounds, whole=True)):
        assert rendered([page]) == [page]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("words", "words"),
        ("a\n``", "a\n"),
        ("a\n```", "a\n```"),
        ("a\n```\n| x", "a\n```\n| x"),
        ("a\n```\nx\n``", "a\n```\nx\n"),
        ("a\n| h", "a\n"),
        ("a\n| h | i |\n", "a\n"),
        ("a\n| h | i |\n|--", "a\n"),
        ("a\n| h | i |\n|---|---|\n", "a\n| h | i |\n|---|---|\n"),
        ("a\n| h | i |\n|---|---|\n| 1 |", "a\n| h | i |\n|---|---|\n"),
        ("| h |\nno table", "| h |\nno table"),
        ("| " + "x" * 3000, "| " + "x" * 3000),
        ("", ""),
    ],
)
def test_what_is_held_back(text, shown):
    assert settled(text) == shown


@given(TEXTS)
def test_only_the_end_is_held_back(text):
    shown = settled(text)
    assert text.startswith(shown)
    assert text[len(shown) :].count("\n") <= 1
