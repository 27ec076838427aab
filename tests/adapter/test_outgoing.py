"""Which Feishu messages a NoneBot message becomes."""

import json
from typing import Any

import pytest
from nonebot.adapters.feishu import Message, MessageSegment

from nonebot_plugin_feishu_ws.adapter.outgoing import repaired, to_outgoing

S = MessageSegment
IMAGE = S.image("img_1")


def sent(*segments: MessageSegment | str) -> list[tuple[str, Any]]:
    message = Message()
    for segment in segments:
        message += segment
    before = str(message), [(segment.type, dict(segment.data)) for segment in message]
    parts = [(part.msg_type, json.loads(part.content)) for part in to_outgoing(message)]
    assert before == (str(message), [(segment.type, dict(segment.data)) for segment in message])
    return parts


def post(*paragraphs: list[dict[str, Any]], title: str = "") -> tuple[str, Any]:
    return "post", {"zh_cn": {"title": title, "content": list(paragraphs)}}


def t(text: str) -> dict[str, Any]:
    return {"tag": "text", "text": text}


def test_text() -> None:
    assert sent("a") == [("text", {"text": "a"})]
    assert sent(S.text("a"), S.text("\nb")) == [("text", {"text": "a\nb"})]


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        (IMAGE, ("image", {"image_key": "img_1"})),
        (S.sticker("k"), ("sticker", {"file_key": "k"})),
        (S.file("k", "n"), ("file", {"file_key": "k", "file_name": "n"})),
        (S.file("k"), ("file", {"file_key": "k"})),
        (S.audio("k"), ("audio", {"file_key": "k"})),
        (S.media("k", "img"), ("media", {"file_key": "k", "image_key": "img"})),
        (S.share_chat("oc_1"), ("share_chat", {"chat_id": "oc_1"})),
        (S.share_user("ou_1"), ("share_user", {"user_id": "ou_1"})),
        (S("interactive", {"schema": "2.0"}), ("interactive", {"schema": "2.0"})),
        (
            S.interactive_template("AAq", {"a": 1}),
            (
                "interactive",
                {"type": "template", "data": {"template_id": "AAq", "template_variable": {"a": 1}}},
            ),
        ),
        (S.at("ou_1"), post([{"tag": "at", "user_id": "ou_1"}])),
        (S.post("T", [[t("x")]]), post([t("x")], title="T")),
        (
            S("post", {"en_us": {"title": "", "content": []}}),
            ("post", {"en_us": {"title": "", "content": []}}),
        ),
        (S("hologram", {"key": "h"}), ("hologram", {"key": "h"})),
    ],
)
def test_one_segment_of_each_kind(segment: MessageSegment, expected: tuple[str, Any]) -> None:
    assert sent(segment) == [expected]


def test_text_and_mention_share_a_paragraph() -> None:
    assert sent(S.at("ou_1"), " hi ", S.at("all")) == [
        post([{"tag": "at", "user_id": "ou_1"}, t(" hi "), {"tag": "at", "user_id": "all"}])
    ]


def test_somebody_without_an_id_is_named() -> None:
    nameless = S("at", {"user_id": "", "user_name": "Tom"})
    assert sent(nameless, "hi") == [post([t("@Tom"), t("hi")])]


def test_a_picture_has_a_paragraph_of_its_own() -> None:
    img = {"tag": "img", "image_key": "img_1"}
    assert sent("a", IMAGE, "b", IMAGE, IMAGE) == [post([t("a")], [img], [t("b")], [img], [img])]


def test_rich_texts_join() -> None:
    first, second = S.post("", [[t("1")], [t("2")]]), S.post("T", [[t("3")]])
    assert sent("a", first, "b", second) == [
        post([t("a")], [t("1")], [t("2")], [t("b")], [t("3")], title="T")
    ]


def test_what_cannot_be_joined_is_sent_by_itself_in_order() -> None:
    assert sent("a", S.at("ou_1"), S.file("k"), "b", S("interactive", {"elements": []})) == [
        post([t("a"), {"tag": "at", "user_id": "ou_1"}]),
        ("file", {"file_key": "k"}),
        ("text", {"text": "b"}),
        ("interactive", {"elements": []}),
    ]


def test_empty_texts_do_not_make_a_rich_text() -> None:
    assert sent("", IMAGE, "") == [("image", {"image_key": "img_1"})]


@pytest.mark.parametrize("message", [Message(), Message([S.text("")])])
def test_nothing_to_send(message: Message) -> None:
    with pytest.raises(ValueError, match="empty"):
        to_outgoing(message)


# --- what plugins serialise themselves, the stock way ---


def stock(*segments: MessageSegment) -> tuple[str, Any]:
    part = repaired(*Message(segments).copy().serialize())
    return part.msg_type, json.loads(part.content)


def test_a_lone_mention_is_made_a_message() -> None:
    assert stock(S.at("ou_1")) == post([{"tag": "at", "user_id": "ou_1"}])


def test_stock_pictures_get_paragraphs_of_their_own() -> None:
    img = {"tag": "img", "image_key": "img_1"}
    assert stock(S.text("a"), S.at("ou_1"), IMAGE, IMAGE, S.text("b")) == post(
        [t("a"), {"tag": "at", "user_id": "ou_1"}], [img], [img], [t("b")]
    )


def test_a_stock_rich_text_loses_only_its_empty_paragraphs() -> None:
    assert stock(S.post("T", [[t("x")]]), S.text("y")) == post([t("x"), t("y")], title="T")


@pytest.mark.parametrize(
    "pair", [("text", '{"text": "a"}'), ("post", "not json"), ("interactive", '{"elements": []}')]
)
def test_all_else_stays(pair: tuple[str, str]) -> None:
    part = repaired(*pair)
    assert (part.msg_type, part.content) == pair
