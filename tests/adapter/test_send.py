"""`bot.send`: where an answer goes, and where it goes when that place is gone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from nonebot.adapters.feishu import MessageSegment

from nonebot_plugin_feishu_ws.adapter import ActionFailed, Bot, parse_event

Build = Callable[..., Any]
SENT = {"code": 0, "msg": "success", "data": {"message_id": "om_new", "chat_id": "oc_chat"}}


def path_of(event: Any) -> str:
    return f"im/v1/messages/{event.message_id}/reply"


@pytest.mark.parametrize("chat_type", ["group", "p2p"])
async def test_an_answer_replies_to_the_message(
    chat_type: str, message_event: Build, bot: Bot, platform: Any
) -> None:
    event = message_event(chat_type=chat_type)
    platform.answer(path_of(event), SENT)
    result = await bot.send(event, "hello")
    [call] = platform.calls
    assert (call.method, call.path, call.query) == ("POST", path_of(event), {})
    assert call.body.pop("uuid")
    assert call.body == {"msg_type": "text", "content": '{"text": "hello"}'}
    assert result == SENT
    assert result["data"]["message_id"] == result["message_id"] == "om_new"


@pytest.mark.parametrize(
    "facts", [{"thread_id": "omt_1"}, {"chat_type": "topic_group"}, {"chat_type": "topic"}], ids=str
)
async def test_an_answer_stays_in_the_topic(
    facts: dict[str, Any], message_event: Build, bot: Bot, platform: Any
) -> None:
    await bot.send(message_event(**facts), "hello")
    assert platform.calls[0].body["reply_in_thread"] is True
    await bot.send(message_event(**facts), "hello", in_thread=False)
    assert "reply_in_thread" not in platform.calls[1].body


async def test_an_answer_can_open_a_topic(message_event: Build, bot: Bot, platform: Any) -> None:
    await bot.send(message_event(), "hello", in_thread=True)
    assert platform.calls[0].body["reply_in_thread"] is True


async def test_without_a_reply_it_is_a_message_in_the_chat(
    message_event: Build, bot: Bot, platform: Any
) -> None:
    await bot.send(message_event(), "hello", reply_message=False, uuid="u-1")
    [call] = platform.calls
    assert (call.path, call.query) == ("im/v1/messages", {"receive_id_type": "chat_id"})
    assert call.body == {
        "receive_id": "oc_chat",
        "msg_type": "text",
        "content": '{"text": "hello"}',
        "uuid": "u-1",
    }


@pytest.mark.parametrize("code", [230011, 231003])
async def test_when_the_message_is_gone_the_chat_gets_the_answer(
    code: int, message_event: Build, bot: Bot, platform: Any
) -> None:
    event = message_event(thread_id="omt_1")
    platform.refuse(path_of(event), code)
    platform.answer("im/v1/messages", SENT)
    result = await bot.send(event, MessageSegment.text("a") + MessageSegment.file("k") + "b")
    assert result["message_id"] == "om_new"
    assert platform.paths == [f"POST {path_of(event)}", *["POST im/v1/messages"] * 3]
    assert [call.body["msg_type"] for call in platform.calls[1:]] == ["text", "file", "text"]


async def test_another_refusal_is_not_a_reason_to_send_elsewhere(
    message_event: Build, bot: Bot, platform: Any
) -> None:
    event = message_event()
    platform.refuse(path_of(event), 230020, "rate limited")
    with pytest.raises(ActionFailed, match="rate limited"):
        await bot.send(event, "hello")
    assert len(platform.calls) == 1


async def test_each_part_has_a_uuid_of_its_own(message_event: Build, bot: Bot, platform: Any) -> None:
    event = message_event()
    await bot.send(event, MessageSegment.text("a") + MessageSegment.file("k"), uuid="u")
    assert [call.body["uuid"] for call in platform.calls] == ["u", "u-1"]
    await bot.send(event, "a")
    await bot.send(event, "a")
    uuids = [call.body["uuid"] for call in platform.calls[2:]]
    assert len(set(uuids)) == 2
    assert all(len(uuid) <= 50 for uuid in uuids)


async def test_at_sender(message_event: Build, bot: Bot, platform: Any) -> None:
    await bot.send(message_event(), "hi", at_sender=True)
    post = json.loads(platform.calls[0].body["content"])["zh_cn"]["content"]
    assert post == [
        [{"tag": "at", "user_id": "ou_sender"}, {"tag": "text", "text": " "}, {"tag": "text", "text": "hi"}]
    ]
    await bot.send(message_event(chat_type="p2p"), "hi", at_sender=True)
    assert platform.calls[1].body["msg_type"] == "text"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cards/button", "POST im/v1/messages/om_574d639e4a44e4dd646eaf628e2/reply"),
        ("cards/flat", "POST im/v1/messages/om_abcdefg1234567890/reply"),
        ("notices/reaction_created", "POST im/v1/messages/om_a8f2294b/reply"),
        ("notices/bot_added", "POST im/v1/messages"),
        ("notices/unknown_p2p_entered", "POST im/v1/messages"),
    ],
)
async def test_events_that_are_no_messages(
    name: str, expected: str, payload: Build, bot: Bot, platform: Any
) -> None:
    event = parse_event(payload(name), app_id="cli_x")
    await bot.send(event, "hi")
    assert platform.paths == [expected]


async def test_the_chat_of_a_recalled_message_or_card(payload: Build, bot: Bot, platform: Any) -> None:
    for name, message_id, chat_id in (
        ("cards/button", "om_574d639e4a44e4dd646eaf628e2", "oc_e4d2605ca917e695f54f11aaf56"),
        ("notices/unknown_recalled", "om_dc1326", "oc_1"),
    ):
        platform.refuse(f"im/v1/messages/{message_id}/reply", 230011)
        await bot.send(parse_event(payload(name), app_id="x"), "hi")
        assert platform.calls[-1].body["receive_id"] == chat_id


async def test_a_gone_message_without_a_known_chat_is_an_error(
    payload: Build, bot: Bot, platform: Any
) -> None:
    event: Any = parse_event(payload("notices/reaction_created"), app_id="x")
    platform.refuse(path_of(event), 231003)
    with pytest.raises(ActionFailed) as caught:
        await bot.send(event, "hi", reply_message=False)
    assert caught.value.message_gone


async def test_nowhere_to_answer(payload: Build, bot: Bot) -> None:
    event = parse_event(payload("notices/message_read"), app_id="x")
    with pytest.raises(ValueError, match="message_read_v1 names neither"):
        await bot.send(event, "hi")


async def test_other_plugins_arguments_do_no_harm(message_event: Build, bot: Bot, platform: Any) -> None:
    await bot.send(message_event(), "hi", auto_escape=True)
    assert len(platform.calls) == 1
