"""Reading what people send, whatever it is: never an exception, never more than there is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.butler.inputs import decoded
from nonebot_plugin_feishu_ws.butler.reading import Held, Reading, one_line, read
from nonebot_plugin_feishu_ws.texts.builtin import BuiltinTexts
from nonebot_plugin_feishu_ws.texts.inputs import InputTexts

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["tag", "text", "content", "title", "user_id", "image_key", "file_key", "zh_cn", "elements"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)
TYPES = st.sampled_from(
    ["text", "post", "image", "file", "interactive", "merge_forward", "sticker", "", "new"]
)


@given(TYPES, JSON)
def test_nothing_that_is_sent_is_an_error(msg_type: str, content: Any) -> None:
    reading = read(msg_type, json.dumps(content), {"@_user_1": "Ada"})
    assert all(held.key for held in reading.held)


@given(TYPES, st.text())
def test_nor_is_what_is_no_json(msg_type: str, content: str) -> None:
    read(msg_type, content, {})


def test_a_card_of_any_depth_is_read_so_far() -> None:
    card = "[" * 500 + '{"text": "deep"}' + "]" * 500
    assert read("interactive", card, {}).text == "[card]"
    assert read("interactive", '{"elements": ' + "[" * 100_000, {}).text == "[card]"
    assert read("interactive", '[[{"text": "flat"}], {"title": {"content": "in"}}]', {}).text == "[card]"
    assert read("interactive", '{"elements": [[{"tag": "text", "text": "flat"}]]}', {}).text == "flat"


def test_a_post_in_a_locale_and_its_mentions() -> None:
    nodes = [
        {"tag": "at", "user_id": "@_user_1"},
        {"tag": "at", "user_id": "ou_x", "user_name": "Ben"},
        {"tag": "text", "text": " and @_user_1 or @_user_12"},
        {"tag": "img", "image_key": "img_1"},
    ]
    post = json.dumps({"zh_cn": {"title": "T", "content": [nodes]}})
    wanted = Reading("T\n@Ada@Ben and @Ada or @_user_12[image]", (Held("img_1", "image"),))
    assert read("post", post, {"@_user_1": "Ada"}) == wanted


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"])))
def test_text_is_read_as_it_was_written(text: str) -> None:
    assert decoded(text.encode()) == text.removeprefix("\ufeff")


@given(st.text(alphabet="中文测试abc，。\n\t"))
def test_chinese_windows_writes_text_too(text: str) -> None:
    data = text.encode("gb18030")
    assert decoded(data) is not None
    try:
        data.decode()
    except UnicodeDecodeError:
        assert decoded(data) == text


@given(st.binary())
def test_no_text_holds_what_only_machines_read(data: bytes) -> None:
    text = decoded(data)
    assert text is None or not set(text) & set(map(chr, [*range(7), 0x0E, 0x1A, 0x1C]))


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_line(text: str, most: int) -> None:
    line = one_line(text, most)
    assert len(line) <= most
    assert line.isprintable()


@pytest.mark.parametrize("locale", ["zh_CN", "en_US"])
def test_both_languages_say_it(locale: Any) -> None:
    texts, tools = InputTexts(locale), BuiltinTexts(locale)
    assert "5" in texts.too_large("a.png", 5 * 2**20)
    assert "7" in texts.too_many(7)
    assert "9" in texts.cut(9)
    assert "12" in texts.not_text(12)
    for said in (texts.late("a.png"), texts.unreadable("a.png"), texts.no_picture("a.png")):
        assert "a.png" in said
    assert "im:x" in tools.missing_scope(["im:x"])
    chinese = any("\u4e00" <= char <= "\u9fff" for char in texts.recalled() + tools.only_in_groups())
    assert chinese is (locale == "zh_CN")
