"""What the chat page makes of messages and cards, and that nothing in them can do harm."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, PackageLoader

from feishu_sandbox import Message, World
from feishu_sandbox.page.bodies import body_html, preview
from feishu_sandbox.page.cards import read_card
from feishu_sandbox.page.compose import NotAnObjectError, mentioned, parse_content, post_content
from feishu_sandbox.page.markup import Naming, markdown, plain
from feishu_sandbox.page.texts import EN, ZH, Texts, choose_language
from feishu_sandbox.page.views import Reader, Reads

NAMING = Naming({"ou_ada": "Ada <b>"}.get, "Everyone", frozenset({"ou_ada"}))
TEMPLATES = Environment(loader=PackageLoader("feishu_sandbox.page"), autoescape=True)
ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "[x](javascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "![x](javascript:alert(1))",
    "<a href='javascript:alert(1)'>x</a>",
    "<link url='data:text/html,<script>alert(1)</script>'>x</link>",
    "<font color='red\" onclick=alert(1)'>x</font>",
    "<at id='\"><script>alert(1)</script>'></at>",
    '<https://a.example/"onclick=alert(1)>',
    "</span></div></article><script>alert(1)</script>",
)


class Reading(HTMLParser):
    """The tags and attributes a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("br", "hr", "img", "input", "path", "circle", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def assert_inert(self) -> None:
        assert not self.open, f"left open: {self.open}"
        for tag, attrs in self.tags:
            assert tag not in ("script", "style", "iframe", "object", "embed", "base", "meta", "link"), tag
            for name, value in attrs.items():
                assert not name.startswith("on"), f"{tag} {name}"
                assert name != "style"
                if name in ("href", "data-url"):
                    assert re.match(r"(https?://|mailto:|/sandbox/page/media/|#)", value or ""), value
                if name == "src":
                    assert re.fullmatch(r"/sandbox/page/media/[\w-]+", value or ""), value


def card_html(card: object, texts: Texts = EN) -> Reading:
    module = TEMPLATES.get_template("card.html").module
    return Reading(str(module.card(read_card(card, NAMING, texts.locale), texts)))  # pyright: ignore[reportAttributeAccessIssue]


def v1(*elements: object) -> dict[str, object]:
    return {"elements": list(elements)}


def v2(*elements: object) -> dict[str, object]:
    return {"schema": "2.0", "body": {"elements": list(elements)}}


def text(words: str, tag: str = "plain_text") -> dict[str, str]:
    return {"tag": tag, "content": words}


# Markdown and plain text


def test_markdown_of_version_2() -> None:
    html = markdown(
        "# Title\n**bold** *it* ~~no~~ `code`\n> quote\n\n|a|b|\n|-|-|\n|1|2|\n\n```py\nx<1\n```", NAMING
    )
    tags = {tag for tag, _ in Reading(html).tags}
    assert {"h1", "strong", "em", "s", "code", "blockquote", "table", "pre", "td"} <= tags


def test_markdown_of_version_1_knows_no_headings_quotes_tables_and_code() -> None:
    html = markdown("# Title\n> quote\n\n`code` **bold**\n\n|a|b|\n|-|-|\n|1|2|", NAMING, version=1)
    assert {tag for tag, _ in Reading(html).tags} <= {"p", "br", "strong"}
    assert "# Title" in html
    assert "`code`" in html


def test_markdown_speaks_feishus_own_tags() -> None:
    html = markdown(
        "<font color='green-600'>go **on**</font> <text_tag color='red'>hot</text_tag> <at id=ou_ada></at>"
        "<at id='all'></at> :THUMBSUP: :nothing: one<br>two <link url='https://a.example'>there</link>",
        NAMING,
    )
    found = Reading(html)
    assert {"class": "ink-green"} in found.all("span")
    assert {"class": "pill pill-red"} in found.all("span")
    assert "@Ada <b>" in found.text
    assert "@Everyone" in found.text
    assert "👍 :nothing:" in found.text
    assert found.all("strong")
    assert found.all("br")
    assert found.all("a")[0]["href"] == "https://a.example"


def test_links_lead_out_safely_and_only_to_harmless_schemes() -> None:
    found = Reading(
        markdown("[a](https://a.example) [m](mailto:a@b.example) [f](ftp://a.example) [r](/root)", NAMING)
    )
    links = [attrs for attrs in found.all("a") if attrs.get("href")]
    assert [one["href"] for one in links] == ["https://a.example", "mailto:a@b.example"]
    assert all("noopener" in (one["rel"] or "") and one["target"] == "_blank" for one in links)


def test_an_image_in_markdown_comes_from_the_sandboxs_store() -> None:
    found = Reading(markdown("![chart](img_v3_1) ![far](https://a.example/x.png)", NAMING))
    assert [one["src"] for one in found.all("img")] == ["/sandbox/page/media/img_v3_1"]
    assert found.all("a")[0]["href"] == "https://a.example/x.png"


def test_plain_text_links_and_mentions() -> None:
    source = "@_user_1 and @_user_11 see https://a.example/x, [site](https://b.example)（https://c.example）."
    keys = {key: markdown(f"**{key[1:]}**", NAMING, inline=True) for key in ("@_user_1", "@_user_11")}
    found = Reading(plain(source, keys))
    links = [one["href"] for one in found.all("a")]
    assert links == ["https://a.example/x", "https://b.example", "https://c.example"]
    assert found.text.startswith("_user_1 and _user_11 see https://a.example/x , site")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("version", [1, 2])
def test_hostile_text_is_inert(attack: str, version: int) -> None:
    Reading(markdown(attack, NAMING, version=version)).assert_inert()
    Reading(plain(attack)).assert_inert()


@given(
    st.text(alphabet=st.sampled_from("<>/\"'=()[]!*_~`#|:-\\ \nabfontlikeSMILE@1&;"), max_size=120),
    st.sampled_from([1, 2]),
)
def test_any_markdown_is_inert(source: str, version: int) -> None:
    Reading(markdown(source, NAMING, version=version)).assert_inert()


# Cards


def test_card_1_0() -> None:
    found = card_html(
        {
            "header": {"template": "orange", "title": text("Deploy"), "subtitle": text("now")},
            "card_link": {"url": "https://a.example"},
            "elements": [
                {
                    "tag": "div",
                    "text": text("**Ada** asks", "lark_md"),
                    "fields": [{"is_short": True, "text": text("left")}],
                },
                {"tag": "hr"},
                {"tag": "img", "img_key": "img_v3_1", "alt": text("a chart")},
                {"tag": "note", "elements": [text("small print")]},
                {
                    "tag": "action",
                    "actions": [
                        {"tag": "button", "type": "danger", "text": text("No"), "value": {"do": "<no>"}},
                        {"tag": "button", "text": text("Read"), "url": "https://b.example"},
                    ],
                },
            ],
        }
    )
    found.assert_inert()
    assert any("tpl-orange" in (one.get("class") or "") for one in found.all("header"))
    assert found.text.startswith("Deploy now Ada asks left small print No Read https://a.example")
    assert found.all("img")[0]["alt"] == "a chart"
    (button,) = found.all("button")
    assert json.loads(button["data-action"] or "") == {"tag": "button", "value": {"do": "<no>"}}
    assert "kind-danger" in (button["class"] or "")
    assert {"https://b.example", "https://a.example"} == {one["href"] for one in found.all("a")}


def test_card_2_0() -> None:
    found = card_html(
        v2(
            {"tag": "markdown", "content": "# Hi"},
            {
                "tag": "column_set",
                "columns": [{"tag": "column", "weight": 2, "elements": [text("wide", "markdown")]}],
            },
            {
                "tag": "collapsible_panel",
                "expanded": True,
                "header": {"title": text("More")},
                "elements": [{"tag": "hr"}],
            },
            {
                "tag": "button",
                "text": text("Go"),
                "name": "go",
                "behaviors": [
                    {"type": "callback", "value": {"a": 1}},
                    {"type": "open_url", "default_url": "https://a.example"},
                ],
            },
            {"tag": "table", "columns": [{"name": "a", "display_name": "A"}], "rows": [{"a": 7}]},
        )
    )
    found.assert_inert()
    assert found.all("h1")
    assert any("weight-2" in (one.get("class") or "") for one in found.all("div"))
    assert "open" in found.all("details")[0]
    (button,) = found.all("button")
    assert json.loads(button["data-action"] or "") == {"tag": "button", "value": {"a": 1}, "name": "go"}
    assert button["data-url"] == "https://a.example"
    assert found.text.endswith("Go A 7")


def test_a_form_sends_its_values_with_the_submitting_button_only() -> None:
    found = card_html(
        v2(
            {
                "tag": "form",
                "elements": [
                    {"tag": "input", "name": "why", "required": True, "label": text("Why")},
                    {
                        "tag": "select_static",
                        "name": "env",
                        "options": [{"text": text("Prod"), "value": "p"}],
                    },
                    {"tag": "button", "name": "ok", "text": text("Submit"), "form_action_type": "submit"},
                    {"tag": "button", "name": "no", "text": text("Reset"), "form_action_type": "reset"},
                ],
            }
        )
    )
    assert "data-action" not in found.all("input")[0]
    assert "required" in found.all("input")[0]
    assert "data-action" not in found.all("select")[0]
    submit, reset = found.all("button")
    assert (submit["data-form"], reset["data-form"]) == ("submit", "reset")
    assert json.loads(submit["data-action"] or "") == {"tag": "button", "name": "ok"}


def test_choices_carry_their_value() -> None:
    options = [{"text": text("One"), "value": "1"}, {"text": text("Two"), "value": "2"}]
    found = card_html(
        v1(
            {
                "tag": "action",
                "actions": [
                    {"tag": "select_static", "value": {"k": 1}, "options": options, "initial_option": "2"},
                    {"tag": "overflow", "options": options, "value": {"k": 2}},
                    {"tag": "date_picker", "initial_date": "2026-11-20"},
                    {"tag": "checker", "text": text("Done?"), "checked": True},
                ],
            }
        )
    )
    assert json.loads(found.all("select")[0]["data-action"] or "") == {
        "tag": "select_static",
        "value": {"k": 1},
    }
    assert [one.get("value") for one in found.all("option") if "selected" in one] == ["2"]
    assert [one["data-option"] for one in found.all("button")] == ["1", "2"]
    kinds = [one["type"] for one in found.all("input")]
    assert kinds == ["date", "checkbox"]


def test_an_unknown_element_is_shown_as_such() -> None:
    found = card_html(v2({"tag": "hologram<b>"}, {"no": "tag"}, "words"))
    found.assert_inert()
    assert "unsupported element <hologram<b>>" in found.text


def test_cards_speak_the_readers_language() -> None:
    card = {
        "header": {"title": {"tag": "plain_text", "content": "Hi", "i18n": {"zh_cn": "你好"}}},
        "i18n_elements": {"zh_cn": [text("中文")], "en_us": [text("English")]},
    }
    assert card_html(card, ZH).text == "你好 中文"
    assert card_html(card, EN).text == "Hi English"


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_card_is_inert(attack: str) -> None:
    button = {
        "tag": "button",
        "text": text(attack),
        "value": {attack: attack},
        "name": attack,
        "type": attack,
        "url": attack,
    }
    both = (
        {"tag": "markdown", "content": attack, "text_align": attack, "text_size": attack},
        {"tag": "div", "text": text(attack, "lark_md"), "fields": [{"text": text(attack)}], "extra": button},
        {"tag": "img", "img_key": attack, "alt": text(attack), "title": text(attack)},
        {
            "tag": "column_set",
            "background_style": attack,
            "flex_mode": attack,
            "columns": [{"weight": attack, "elements": [button]}],
        },
        {
            "tag": "input",
            "placeholder": text(attack),
            "default_value": attack,
            "name": attack,
            "input_type": attack,
        },
        {"tag": "select_static", "options": [{"text": text(attack), "value": attack, "url": attack}]},
        {"tag": "overflow", "options": [{"text": text(attack), "value": attack, "url": attack}]},
        {
            "tag": "interactive_container",
            "elements": [text(attack)],
            "behaviors": [{"type": "open_url", "default_url": attack}],
        },
        {"tag": "table", "columns": [{"name": "a", "display_name": attack}], "rows": [{"a": attack}]},
        {"tag": attack},
        {**button, "confirm": {"title": text(attack), "text": text(attack)}},
    )
    header = {
        "title": text(attack),
        "subtitle": text(attack),
        "template": attack,
        "text_tag_list": [{"text": text(attack), "color": attack}],
    }
    for card in (v1(*both), v2(*both)):
        card_html({**card, "header": header, "card_link": {"url": attack}}).assert_inert()


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800")
TAGS = st.sampled_from(
    [
        "markdown",
        "div",
        "hr",
        "img",
        "img_combination",
        "note",
        "action",
        "column_set",
        "column",
        "collapsible_panel",
        "interactive_container",
        "form",
        "person",
        "person_list",
        "table",
        "button",
        "select_static",
        "multi_select_static",
        "select_person",
        "overflow",
        "input",
        "date_picker",
        "picker_time",
        "picker_datetime",
        "checker",
        "chart",
        "plain_text",
        "lark_md",
        "text",
        "a",
    ]
)
KEYS = st.sampled_from(
    [
        "tag",
        "content",
        "text",
        "elements",
        "columns",
        "actions",
        "options",
        "fields",
        "extra",
        "header",
        "title",
        "value",
        "url",
        "multi_url",
        "behaviors",
        "type",
        "name",
        "label",
        "placeholder",
        "confirm",
        "width",
        "weight",
        "rows",
        "persons",
        "img_list",
        "icon",
        "background_style",
        "text_align",
        "text_size",
        "max_length",
        "initial_index",
        "initial_option",
        "selected_values",
        "data",
        "i18n",
        "i18n_content",
        "default_url",
        "checked",
        "disabled",
        "required",
    ]
)
ANYTHING = st.recursive(
    SCALARS | TAGS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=25,
)
ELEMENTS = st.lists(
    st.fixed_dictionaries({"tag": TAGS}, optional={}).flatmap(
        lambda one: st.dictionaries(KEYS, ANYTHING, max_size=6).map(lambda more: {**more, **one})
    ),
    max_size=4,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(ANYTHING | ELEMENTS.map(lambda found: v1(*found)) | ELEMENTS.map(lambda found: v2(*found)))
def test_any_json_is_drawn_without_an_exception(card: object) -> None:
    html = card_html(card)
    html.assert_inert()
    "".join(html.words).encode()


def test_half_a_character_does_not_stop_the_page() -> None:
    broken = json.loads('"half \\ud83d of it\\u0000"')
    card = v1({"tag": "markdown", "content": broken}, {"tag": "div", "text": text(broken)}, button_of(broken))
    html = card_html({**card, "header": {"title": text(broken)}})
    assert b"half ? of it" in html.text.encode()
    plain(broken).encode()


def button_of(words: str) -> dict[str, object]:
    return {"tag": "action", "actions": [{"tag": "button", "text": text(words), "value": {words: words}}]}


def test_a_card_nested_without_end_is_cut() -> None:
    card: dict[str, object] = {"tag": "column", "elements": []}
    for _ in range(400):
        card = {"tag": "interactive_container", "elements": [card]}
    found = card_html(v2(card, *({"tag": "hr"} for _ in range(5000))))
    assert len(found.tags) < 1000
    assert "unsupported element" in found.text


# Messages


async def said(content: dict[str, object], msg_type: str) -> tuple[World, Message]:
    world = World()
    app, ada = world.add_app("Butler"), world.add_user("Ada")
    message = await world.say(
        ada, world.direct_chat(ada, app), msg_type=msg_type, content=content, mentions=[app]
    )
    return world, message


def drawn(world: World, message: Message) -> Reading:
    reader = Reader(world, next(iter(world.users.values())), EN, Reads())
    return Reading(body_html(message, reader.naming(), EN, world.resources))


async def test_a_post_as_it_is_sent_and_as_it_is_received() -> None:
    row = [
        {"tag": "text", "text": "bold", "style": ["bold"]},
        {"tag": "a", "href": "https://a.example", "text": "link"},
        {"tag": "at", "user_id": "@_user_1", "user_name": "Butler"},
        {"tag": "emotion", "emoji_type": "DONE"},
    ]
    post = {
        "title": "News",
        "content": [
            row,
            [{"tag": "hr"}],
            [{"tag": "code_block", "language": "PY", "text": "x<1"}],
            [{"tag": "md", "text": "**md**"}],
            [{"tag": "img", "image_key": "img_1"}],
        ],
    }
    for content in (post, {"zh_cn": post}):
        found = drawn(*await said(content, "post"))
        found.assert_inert()
        assert found.text.startswith("News bold link @Butler ✅ x<1 md")
        assert found.all("hr")
        assert found.all("pre")
        assert found.all("strong")
        assert found.all("img")


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("msg_type", ["text", "post", "image", "file", "media", "location", "never-heard-of"])
async def test_hostile_messages_are_inert(attack: str, msg_type: str) -> None:
    everything = dict.fromkeys(("text", "image_key", "file_key", "file_name", "name", "title"), attack)
    inline = [
        {
            "tag": tag,
            "text": attack,
            "href": attack,
            "user_id": attack,
            "user_name": attack,
            "image_key": attack,
            "emoji_type": attack,
            "language": attack,
            "style": [attack],
        }
        for tag in ("text", "a", "at", "img", "media", "emotion", "code_block", "md", attack)
    ]
    world, message = await said({**everything, "content": [inline]}, "text")
    message.msg_type = msg_type
    message.sender.name = attack
    drawn(world, message).assert_inert()
    assert "\n" not in preview(message, EN)


@given(ANYTHING)
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_post_is_drawn_without_an_exception(content: object) -> None:
    world = World()
    ada = world.add_user("Ada")
    chat = world.add_group("g", [ada])
    for wrapped in (content, {"content": content}, {"content": [[content]]}):
        message = world.post(ada, chat, "post", wrapped)  # pyright: ignore[reportArgumentType] - what came from outside
        drawn(world, message).assert_inert()
        preview(message, ZH)


def test_the_page_says_what_cannot_be_downloaded() -> None:
    world = World()
    ada = world.add_user("Ada")
    chat = world.add_group("g", [ada])
    resource = world.add_resource(ada, "file", b"x" * 2048, "report.pdf", "application/pdf")
    here = world.post(ada, chat, "file", {"file_key": resource.key, "file_name": "report.pdf"})
    gone = world.post(ada, chat, "file", {"file_key": "file_gone", "file_name": "gone.pdf"})
    assert drawn(world, here).all("a")[0]["href"] == f"/sandbox/page/media/{resource.key}"
    assert "2.0 KB" in drawn(world, here).text
    assert not drawn(world, gone).all("a")


# What a person types


def test_typed_markdown_becomes_the_rich_text_receivers_get() -> None:
    world = World()
    app = world.add_app("Butler")
    content = post_content(
        "# Hi\n@Butler **look** [here](https://a.example)\n- one\n- two\n\n---\n```py\nx=1\n```", [app]
    )
    rows = content["content"]
    assert rows[0] == [{"tag": "text", "text": "Hi", "style": ["bold"]}]
    assert rows[1][0] == {"tag": "at", "user_id": "@_user_1", "user_name": "Butler", "style": []}
    assert {"tag": "text", "text": "look", "style": ["bold"]} in rows[1]
    assert {"tag": "a", "href": "https://a.example", "text": "here", "style": []} in rows[1]
    assert [row[0]["text"] for row in rows[2:4]] == ["- ", "- "]
    assert rows[4:] == [[{"tag": "hr"}], [{"tag": "code_block", "language": "PY", "text": "x=1\n"}]]


@given(st.text(max_size=80))
def test_anything_typed_becomes_some_post(source: str) -> None:
    assert post_content(source, ())["content"]


def test_mentions_are_found_by_name_longest_first() -> None:
    world = World()
    ann, anna = world.add_user("Ann"), world.add_user("Anna")
    other = world.add_user("Ann")
    assert mentioned("@Anna and @Ann", [ann, anna], []) == [anna, ann]
    assert mentioned("hi @Ann", [ann, anna, other], [other]) == [other]
    assert mentioned("nobody", [ann], []) == []


@pytest.mark.parametrize(
    ("source", "valid"), [("{", False), ("[1]", True), ('"x"', True), ("[" * 100_000, False)]
)
def test_typed_json_must_be_an_object(source: str, valid: bool) -> None:
    with pytest.raises(NotAnObjectError) as refused:
        parse_content(source)
    assert refused.value.valid is valid
    assert parse_content('{"a": 1}') == {"a": 1}


# Languages


def test_every_text_exists_in_both_languages() -> None:
    for name in Texts.__dataclass_fields__:
        chinese, english = getattr(ZH, name), getattr(EN, name)
        assert callable(chinese) == callable(english), name
        assert chinese, name
        assert english, name


@pytest.mark.parametrize(
    ("chosen", "accepted", "default", "tag"),
    [
        ("en", "zh-CN", "zh_CN", "en"),
        (None, "fr, en;q=0.8, zh;q=0.5", "zh_CN", "en"),
        (None, "zh-TW", "en_US", "zh-CN"),
        (None, "", "en_US", "en"),
        ("klingon", "", "zh_CN", "zh-CN"),
    ],
)
def test_the_language_is_the_readers_choice_then_the_browsers_then_the_sandboxs(
    chosen: str | None, accepted: str, default: str, tag: str
) -> None:
    assert choose_language(chosen, accepted, default).tag == tag
