"""Any card is made to fit: what is left out is marked, and what is not is still there."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws import cards
from nonebot_plugin_feishu_ws.cards.limits import elements, size
from nonebot_plugin_feishu_ws.cards.parts import walk

WORDS = st.text(alphabet=st.characters(codec="utf-8"), max_size=60)


def long(words: str, times: int) -> str:
    return f"{words}\n" * times


TEXTS = st.builds(long, WORDS, st.sampled_from([0, 1, 1, 5, 200, 900]))
SIMPLE = st.one_of(
    st.builds(cards.text, TEXTS),
    st.builds(cards.markdown, TEXTS),
    st.builds(cards.code, TEXTS),
    st.builds(cards.note, WORDS),
    st.builds(cards.divider),
)
TABLES = st.builds(
    lambda cell, rows: cards.table({"a": "A", "b": "B"}, [{"a": cell, "b": n} for n in range(rows)]),
    WORDS,
    st.sampled_from([1, 3, 400]),
)
BUTTONS = st.builds(lambda label: cards.row([cards.button(label, {"action": label})]), WORDS)
PARTS = st.one_of(SIMPLE, TABLES, BUTTONS, st.builds(cards.panel, WORDS, SIMPLE, SIMPLE))
CARDS = st.builds(
    lambda title, parts, times: cards.card(title, *(parts * times)),
    TEXTS,
    st.lists(PARTS, max_size=8),
    st.sampled_from([1, 1, 1, 3, 40]),
)
slow = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def values(made: Any) -> list[Any]:
    """What the buttons of cards carry."""
    return [b["value"] for part in walk(made) for b in part.get("behaviors", ())]


def accepted(made: Any) -> None:
    """The card is within every limit, and of its shape."""
    assert json.loads(json.dumps(made)) == made
    request = json.dumps({"content": json.dumps(made, ensure_ascii=False)}, ensure_ascii=False)
    assert len(request.encode("utf-8", "replace")) <= 30 * 1024
    assert sum("tag" in part for part in walk(made)) <= 200
    assert sum(part.get("tag") == "table" for part in walk(made)) <= 3
    assert made["config"] == {"update_multi": True}


@slow
@given(CARDS)
def test_one_card_that_fits(made: Any) -> None:
    before = json.dumps(made)
    try:
        fitted = cards.fit(made, "en_US")
    except cards.CardTooLarge:
        # Only what can be clicked is too much for one card.
        assert sum(elements(part) for part in made["body"]["elements"] if values(part)) > 190
        return
    assert json.dumps(made) == before
    accepted(fitted)
    assert values(fitted) == values(made)
    assert fitted == made or not cards.fits(made)
    assert marked(fitted) or said(fitted) == said(made)


def marked(made: Any) -> bool:
    """Whether something says that it was cut."""
    return any("left out)" in part.get("content", "") for part in walk(made))


def said(made: Any) -> str:
    """Every word of the body, but for the fences of code and what tables have between their cells."""
    found = []
    for part in made["body"]["elements"]:
        if part["tag"] == "table":
            found += [column["display_name"] for column in part["columns"]]
            found += [cell for row in part["rows"] for cell in row.values()]
        found += [inner["content"] for inner in walk(part) if inner.get("tag") in ("plain_text", "markdown")]
    return "".join("".join(found).replace("```", "").replace(" | ", "").split())


@slow
@given(CARDS)
def test_several_cards_say_everything(made: Any) -> None:
    several = cards.split(made, "en_US")
    for each in several:
        accepted(each)
    assert [value for each in several for value in values(each)] == values(made)
    if any(marked(each["body"]) for each in several):  # only within what cannot be taken apart
        assert any(part["tag"] == "collapsible_panel" for part in made["body"]["elements"])
    else:
        assert "".join(said(each) for each in several) == said(made)
    if len(several) > 1:
        titles = [each["header"]["title"]["content"] for each in several]
        assert [t.rsplit("(", 1)[1] for t in titles] == [
            f"{n}/{len(titles)})" for n in range(1, len(titles) + 1)
        ]


def test_a_cut_text_keeps_its_beginning_and_says_how_much_is_gone() -> None:
    text = "x" * 40_000
    made = cards.card("t", cards.text(text), cards.button("Go", {"action": "go"}))
    content = cards.fit(made, "en_US")["body"]["elements"][0]["text"]["content"]
    kept, mark = content.split("\n")
    assert text.startswith(kept)
    assert mark == f"… ({len(text) - len(kept):,} characters left out)"
    assert size(cards.fit(made)) > cards.LARGEST - 200  # no more is cut than must be


def test_a_cut_code_block_ends_and_a_reference_stays_whole() -> None:
    made = cards.fit(cards.card("t", cards.code("x\n" * 20_000), cards.text("after")))
    assert made["body"]["elements"][0]["content"].count("```") == 2
    made = cards.fit(cards.card("t", cards.markdown(cards.escape("*" * 20_000))), "en_US")
    assert made["body"]["elements"][0]["content"].split("\n")[0].endswith("&#42;")


def test_a_code_block_over_several_cards_is_one_in_each() -> None:
    lines = [f"line {n}" for n in range(9000)]
    several = cards.split(cards.card("t", cards.code("\n".join(lines), "python")))
    blocks = [part["content"] for each in several for part in each["body"]["elements"]]
    assert len(several) > 1
    assert all(block.startswith("```python\n") and block.endswith("\n```") for block in blocks)
    inside = [line for block in blocks for line in block.split("\n")[1:-1] if line]
    assert inside == lines


def test_the_fourth_table_becomes_text() -> None:
    table = cards.table({"a": "A", "b": "B"}, [{"a": "1", "b": "2"}])
    made = cards.fit(cards.card("t", *[table] * 4))
    assert [part["tag"] for part in made["body"]["elements"]] == ["table", "table", "table", "div"]
    assert made["body"]["elements"][3]["text"]["content"] == "A | B\n1 | 2"


def test_what_can_only_be_read_goes_first_and_buttons_never() -> None:
    buttons = [cards.button(str(n), {"action": "go", "n": n}) for n in range(90)]
    made = cards.fit(cards.card("t", *[cards.text("x")] * 150, *buttons), "en_US")
    accepted(made)
    assert len(values(made)) == 90
    assert "parts left out)" in str(made)
    with pytest.raises(cards.CardTooLarge) as raised:
        cards.fit(cards.card("t", *buttons * 2))
    assert raised.value.elements > 200
    assert len(cards.split(cards.card("t", *buttons * 2))) == 2


def test_other_kinds_of_cards_are_left_alone() -> None:
    template = {"type": "template", "data": {"template_id": "A"}}
    assert cards.fit(template) is template
    assert cards.split(template) == [template]
