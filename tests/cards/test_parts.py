"""The components: as Feishu documents them, and with nothing in a text that could be markup."""

from datetime import date
from string import punctuation

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import BaseModel

from feishu_sandbox import Sandbox
from nonebot_plugin_feishu_ws import cards

HOSTILE = [
    "[click](https://evil.example)",
    "![x](https://evil.example/?q=1)",
    "https://evil.example/a_b",
    "<at id=all></at>",
    "<font color='red'>x</font>",
    "**bold** _it_ ~~gone~~ `code`",
    "# heading",
    "heading\n===",
    "1. one\n- two\n> quote",
    "    indented <at id=all></at>",
    "|a|b|\n|-|-|\n|1|2|",
    ":smile: &lt;at&gt; &#42;",
    "```\nfence\n```",
]


def rendered(content: str) -> list[str]:
    """The kinds of everything in a markdown text, as CommonMark with tables and links sees it."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(content)
    return [inner.type for token in tokens for inner in [token, *(token.children or [])]]


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_is_only_text(text: str) -> None:
    kinds = {"paragraph_open", "inline", "text", "text_special", "softbreak", "paragraph_close"}
    assert set(rendered(cards.escape(text))) <= kinds
    assert not set(rendered(text)) <= kinds or "https://" in text or ":" in text or "<" in text


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\x00")))
def test_what_is_escaped_is_read_as_it_was(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(cards.escape(text))
    words = "".join(
        "\n" if inner.type == "softbreak" else inner.content for t in tokens for inner in t.children or []
    )
    assert words.split() == text.replace("\xa0", " ").split()


CHUNKS = st.lists(st.sampled_from(["```", "~~~", "`", "~", "a", "\n", " "])).map("".join)


def test_all_punctuation_is_escaped() -> None:
    assert [cards.escape(sign) for sign in punctuation] == [f"&#{ord(sign)};" for sign in punctuation]


@given(CHUNKS, st.sampled_from(["", "json", "x\n```\n<at id=all></at>"]))
def test_nothing_gets_out_of_a_code_block(text: str, language: str) -> None:
    assert rendered(cards.code(text, language)["content"]) == ["fence"]


def test_the_whole_card() -> None:
    made = cards.card("Deploy", cards.text("*plain*"), colour="orange", subtitle="web")
    assert made == {
        "schema": "2.0",
        "config": {"update_multi": True},
        "header": {
            "template": "orange",
            "title": {"tag": "plain_text", "content": "Deploy"},
            "subtitle": {"tag": "plain_text", "content": "web"},
        },
        "body": {"elements": [{"tag": "div", "text": {"tag": "plain_text", "content": "*plain*"}}]},
    }


def test_buttons() -> None:
    made = cards.button("Go", {"action": "go"}, "danger", confirm=("Sure?", "It goes."), disabled=True)
    assert made == {
        "tag": "button",
        "text": {"tag": "plain_text", "content": "Go"},
        "type": "danger",
        "behaviors": [{"type": "callback", "value": {"action": "go"}}],
        "confirm": {
            "title": {"tag": "plain_text", "content": "Sure?"},
            "text": {"tag": "plain_text", "content": "It goes."},
        },
        "disabled": True,
    }
    assert cards.link("Docs", "https://example.com")["behaviors"] == [
        {"type": "open_url", "default_url": "https://example.com"}
    ]


def test_forms() -> None:
    send = cards.submit("Send", {"action": "send"})
    assert (send["name"], send["form_action_type"]) == ("submit", "submit")
    made = cards.form("f", cards.field("a", "A", default="x" * 2000, placeholder="p" * 200), send)
    assert len(made["elements"][0]["default_value"]) == 1000
    assert len(made["elements"][0]["placeholder"]["content"]) == 100
    assert cards.field("a", "A", max_length=5, default="123456")["default_value"] == "12345"
    with pytest.raises(ValueError, match="submit"):
        cards.form("f", cards.field("a", "A"))
    with pytest.raises(ValueError, match="different names: a"):
        cards.card("t", cards.form("f", cards.field("a", "A"), cards.date("a", "A"), send))


def test_what_stands_at_the_top_only() -> None:
    table, form = cards.table({"a": "A"}, []), cards.form("f", cards.submit("Send", {}))
    for inner in (table, form):
        for outer in (
            lambda part: cards.row([part]),
            lambda part: cards.columns([part], []),
            lambda part: cards.panel("p", part),
            lambda part: cards.form("g", part, cards.submit("Send", {}, name="other")),
        ):
            with pytest.raises(ValueError, match="at the top of a card only"):
                outer(inner)


def test_a_day() -> None:
    class Leave(BaseModel):
        since: cards.Day

    for sent in ("2026-01-31 +0800", "2026-01-31", date(2026, 1, 31)):
        assert Leave.model_validate({"since": sent}).since == date(2026, 1, 31)
    assert cards.date("since", "Since", default=date(2026, 1, 31))["initial_date"] == "2026-01-31"


async def test_the_platform_takes_and_shows_every_part(feishu_sandbox: Sandbox) -> None:
    from feishu_sandbox.page.cards import read_card
    from feishu_sandbox.page.markup import Naming

    send = cards.submit("Send", {"action": "send"}, confirm=("Sure?", "Really."))
    inputs = [
        cards.field("a", "A", kind="password"),
        cards.field("b", "B", kind="multiline_text"),
        cards.select("c", "C", {"x": "X", "y": "Y"}, default="y"),
        cards.date("d", "D"),
    ]
    made = cards.card(
        "All",
        cards.note("small"),
        cards.markdown("**bold**"),
        cards.code("x = 1", "python"),
        cards.divider(),
        cards.image("img_v3_x", "a cat"),
        cards.row([cards.button("One", {"action": "one"}), cards.link("Two", "https://example.com")]),
        cards.columns([cards.text("l")], [cards.text("r")], weights=[1, 3]),
        cards.panel("More", cards.text("inside"), expanded=True),
        cards.table({"n": "Name", "v": "Value"}, [{"n": "a", "v": 1}, {"n": "b"}]),
        cards.form("f", *inputs, send),
    )
    shown = read_card(made, Naming(lambda _: None, "all"), "en_us")
    drawn: list[str] = []

    def see(node) -> None:
        drawn.append(node.kind)
        for child in node.children:
            see(child)

    for element in shown.elements:
        see(element)
    assert "unsupported" not in drawn
    assert {"button", "input", "select", "picker", "panel", "table", "image", "columns"} <= set(drawn)
