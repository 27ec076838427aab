"""Mentions, rich text and what of a message counts as said to the bot."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import nonebot
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nonebot.adapters.feishu import Message, MessageSegment

from nonebot_plugin_feishu_ws.adapter import Bot, MessageEvent, parse_event

Build = Callable[..., Any]
AT_BOT = MessageSegment("at", {"user_id": "ou_bot", "user_name": "助手"})


def at(open_id: str, name: str) -> MessageSegment:
    return MessageSegment("at", {"user_id": open_id, "user_name": name})


def shown(message: Message) -> list[tuple[str, Any]]:
    return [(segment.type, dict(segment.data)) for segment in message]


def text(value: str) -> tuple[str, Any]:
    return "text", {"text": value}


def test_keys_become_mentions_by_the_longest_match(message_event: Build, mention: Build) -> None:
    mentions = [mention(number, f"ou_{number}", f"u{number}") for number in (1, 12)]
    event = message_event("a @_user_12 b@_user_1 c@_user_13d@_user_1", mentions=mentions)
    assert shown(event.get_message()) == [
        text("a "),
        ("at", {"user_id": "ou_12", "user_name": "u12"}),
        text(" b"),
        ("at", {"user_id": "ou_1", "user_name": "u1"}),
        text(" c"),
        ("at", {"user_id": "ou_1", "user_name": "u1"}),
        text("3d"),
        ("at", {"user_id": "ou_1", "user_name": "u1"}),
    ]
    assert event.get_plaintext() == "a  b c3d"


def test_unlisted_keys_name_nobody(message_event: Build) -> None:
    event = message_event("@_user_7 x @_all")
    assert shown(event.get_message()) == [("at", {"user_id": ""}), text(" x "), ("at", {"user_id": "all"})]
    assert event.mentions_all


def test_keys_of_another_form_count_too(message_event: Build) -> None:
    mentions = [{"key": "@机器人", "id": {"open_id": "ou_bot"}, "name": "机器人"}]
    event = message_event("@机器人 help", mentions=mentions)
    assert shown(event.get_message()) == [("at", {"user_id": "ou_bot", "user_name": "机器人"}), text(" help")]


@given(st.text(alphabet="@_user1 2a\n"), st.sets(st.integers(1, 22), max_size=4))
def test_no_text_is_lost_and_no_key_stays(content: str, numbers: set[int]) -> None:
    mentions = [{"key": f"@_user_{n}", "id": {"open_id": f"ou_{n}"}, "name": ""} for n in numbers]
    body = {"message": {"message_type": "text", "content": content, "mentions": mentions}}
    event = parse_event({"header": {"event_type": "im.message.receive_v1"}, "event": body}, app_id="x")
    message = event.get_message()
    plain = message.extract_plain_text()
    assert not any(f"@_user_{n}" in plain for n in numbers)
    kept = iter(content)
    assert all(char in kept for char in plain)
    assert all(previous.type != "text" or segment.type != "text" for previous, segment in pairwise(message))


def test_rich_text_is_flattened(payload: Build) -> None:
    event = parse_event(payload("messages/post"), app_id="x")
    image = ("image", {"image_key": "img_47354fbc-a159-40ed-86ab-2ad0f1acb42g"})
    assert shown(event.get_message()) == [
        text("我是一个标题\n第一行 :[超链接](http://www.feishu.cn)"),
        ("at", {"user_id": "ou_84aad35d084aa403a838cf73ee18467", "user_name": "Tom"}),
        text("\n"),
        image,
        text("\n第二行:文本测试\n"),
        image,
        text("\n"),
        (
            "media",
            {
                "file_key": "file_v2_0dcdd7d9-fib0-4432-a519-41d25aca542j",
                "image_key": "img_7ea74629-9191-4176-998c-2e603c9c5e8g",
                "file_name": None,
                "duration": None,
            },
        ),
        text("\n[SMILE]\n---\n```go\nfunc main() int64 {\n    return 0\n}\n```"),
    ]
    assert event.get_plaintext().startswith("我是一个标题\n第一行 :")


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"tag": "a", "href": "https://x.cn", "text": "https://x.cn"}, "https://x.cn"),
        ({"tag": "a", "href": "https://x.cn", "text": ""}, "https://x.cn"),
        ({"tag": "md", "text": "**bold** @_user_1"}, "**bold** "),
        ({"tag": "of the future", "text": "x"}, "x"),
    ],
)
def test_nodes(node: dict[str, Any], expected: str, message_event: Build, mention: Build) -> None:
    event = message_event({"title": "", "content": [[node]]}, message_type="post", mentions=[mention()])
    assert event.get_plaintext() == expected


def test_a_rich_text_may_name_ids_itself(message_event: Build) -> None:
    nodes = [{"tag": "at", "user_id": "ou_x", "user_name": "X"}, {"tag": "at", "user_id": "all"}]
    event = message_event({"title": "", "content": [nodes]}, message_type="post")
    assert shown(event.get_message()) == [
        ("at", {"user_id": "ou_x", "user_name": "X"}),
        ("at", {"user_id": "all"}),
    ]


# --- said to the bot ---


@pytest.mark.parametrize(
    ("content", "left", "to_me"),
    [
        ("@_user_1 help", [text("help")], True),
        ("@_user_1help", [text("help")], True),
        ("  @_user_1   help", [text("help")], True),
        ("@_user_1 @_user_1 help", [text("help")], True),
        ("help @_user_1", [text("help ")], True),
        ("help @_user_1  ", [text("help ")], True),
        ("@_user_1", [text("")], True),
        ("@_user_1 ", [text("")], True),
        (
            "ask @_user_1 please",
            [text("ask "), ("at", {"user_id": "ou_bot", "user_name": "助手"}), text(" please")],
            True,
        ),
        ("@_user_2 help", [("at", {"user_id": "ou_tom", "user_name": "Tom"}), text(" help")], False),
        ("@_all help", [("at", {"user_id": "all"}), text(" help")], False),
        ("@_user_3 help", [("at", {"user_id": "", "user_name": "?"}), text(" help")], False),
        ("help", [text("help")], False),
        ("", [text("")], False),
    ],
)
async def test_to_me_in_a_group(
    content: str, left: list[Any], to_me: bool, message_event: Build, mention: Build, bot: Bot
) -> None:
    known = [mention(1), mention(2, "ou_tom", "Tom"), {**mention(3, "", "?"), "id": {"open_id": None}}]
    event = message_event(content, mentions=[one for one in known if one["key"] in content])
    before = shown(event.original_message)
    await bot.handle_event(event)
    assert event.to_me is to_me is event.is_tome()
    assert shown(event.get_message()) == left
    assert shown(event.original_message) == before


@pytest.mark.parametrize("chat_type", ["group", "topic_group", "of_the_future"])
async def test_only_the_direct_chat_is_to_me_unasked(chat_type: str, message_event: Build, bot: Bot) -> None:
    event, direct = message_event("x", chat_type=chat_type), message_event("x", chat_type="p2p")
    await bot.handle_event(event)
    await bot.handle_event(direct)
    assert (event.to_me, direct.to_me) == (False, True)


async def test_a_mention_at_the_head_of_a_rich_text(payload: Build, bot: Bot) -> None:
    event = parse_event(payload("messages/post_mention_first"), app_id="x")
    assert isinstance(event, MessageEvent)
    assert event.is_mentioned("ou_bot")
    assert not event.is_mentioned("")
    await bot.handle_event(event)
    assert event.to_me
    assert shown(event.get_message()) == [text("help me\n"), ("image", {"image_key": "img_1"})]


async def test_without_an_identity_an_empty_mention_is_not_me(
    message_event: Build, mention: Build, bot: Bot
) -> None:
    bot.identity = bot.identity.model_copy(update={"open_id": ""})
    event = message_event("@_user_1 x", mentions=[mention(1, "")])
    await bot.handle_event(event)
    assert event.to_me is False


@pytest.mark.parametrize(
    ("content", "left", "to_me"),
    [
        ("小助, status", "status", True),
        ("小助 status", "status", True),
        ("小助", "", True),
        ("小助在吗", "在吗", True),
        ("请 小助", "请 小助", False),
        ("a.b x", "x", True),
        ("aXb x", "aXb x", False),
    ],
)
async def test_nicknames(
    content: str, left: str, to_me: bool, message_event: Build, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nonebot.get_driver().config, "nickname", {"小助", "a.b"})
    event = message_event(content)
    await bot.handle_event(event)
    assert (event.get_plaintext(), event.to_me) == (left, to_me)
