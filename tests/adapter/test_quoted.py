"""`event.reply`: the message a message answers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from nonebot.adapters.feishu.models import Reply

from nonebot_plugin_feishu_ws.adapter import Bot
from nonebot_plugin_feishu_ws.adapter import bot as bot_module

Build = Callable[..., Any]
QUOTED = {
    "message_id": "om_p",
    "msg_type": "text",
    "create_time": "1722238025751",
    "deleted": False,
    "chat_id": "oc_1",
    "sender": {"id": "cli_x", "id_type": "app_id", "sender_type": "app", "tenant_key": "t"},
    "body": {"content": '{"text":"quoted"}'},
    "mentions": [{"key": "@_user_1", "id": None, "id_type": "open_id", "name": "Tom"}],
    "message_app_link": "https://x",
}


async def test_the_quoted_message_is_there(message_event: Build, bot: Bot, platform: Any) -> None:
    platform.answer("im/v1/messages/om_p", {"code": 0, "data": {"items": [QUOTED]}})
    event = message_event("answer", parent_id="om_p", root_id="om_p")
    await bot.handle_event(event)
    assert isinstance(event.reply, Reply)
    assert event.reply.message_id == "om_p"
    assert event.reply.body.content == '{"text":"quoted"}'
    assert event.reply.sender.id == "cli_x"
    assert event.reply.mentions[0].name == "Tom"
    assert event.to_me is False  # quoting the bot is not speaking to it


@pytest.mark.parametrize(
    "answer", [{"code": 0, "data": {"items": []}}, {"code": 0}, {"code": 0, "data": None}]
)
async def test_no_quoted_message(answer: Any, message_event: Build, bot: Bot, platform: Any) -> None:
    platform.answer("im/v1/messages/om_p", answer)
    event = message_event("answer", parent_id="om_p")
    await bot.handle_event(event)
    assert event.reply is None


async def test_a_refusal_costs_only_the_quote(message_event: Build, bot: Bot, platform: Any) -> None:
    platform.refuse("im/v1/messages/om_p", 230002)
    event = message_event("answer", parent_id="om_p")
    await bot.handle_event(event)
    assert event.reply is None


async def test_an_answer_that_does_not_come_is_not_waited_for(
    message_event: Build, bot: Bot, platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_module, "QUOTE_TIMEOUT", 0.2)
    platform.gate = asyncio.Event()
    event = message_event("answer", parent_id="om_p")
    await asyncio.wait_for(bot.handle_event(event), 5)
    assert platform.paths == ["GET im/v1/messages/om_p"]
    assert event.reply is None


async def test_nothing_is_asked_without_a_quote(message_event: Build, bot: Bot, platform: Any) -> None:
    await bot.handle_event(message_event())
    assert not platform.calls
