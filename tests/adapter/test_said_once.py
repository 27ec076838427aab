"""What plugins say is said once: tried again with its uuid, which an event handled again gives it again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from typing import Any

import aiohttp
import nonebot
import pytest
from nonebot.adapters.feishu import MessageSegment

from feishu_sandbox import ApiFault, App, Chat, Sandbox
from nonebot_plugin_feishu_ws.adapter import (
    ActionFailed,
    Bot,
    Handling,
    NetworkError,
    ensure_adapter,
    handling,
)
from nonebot_plugin_feishu_ws.delivery import Fenced, Pacer
from nonebot_plugin_feishu_ws.openapi import FeishuClient

SEND = "/open-apis/im/v1/messages$"
TO_A_CHAT = {"receive_id_type": "chat_id"}


class Room:
    """A chat with a bot of ours in it."""

    def __init__(self, sandbox: Sandbox, app: App, chat: Chat, bot: Bot) -> None:
        self.sandbox, self.app, self.chat, self.bot = sandbox, app, chat, bot

    async def say(self, text: str) -> Any:
        return await self.bot.call_api(
            "im/v1/messages",
            method="POST",
            params=TO_A_CHAT,
            json={"receive_id": self.chat.chat_id, "msg_type": "text", "content": f'{{"text": "{text}"}}'},
        )

    def shown(self) -> list[str]:
        return [
            message.text
            for message in self.sandbox.world.messages_in(self.chat)
            if message.sender is self.app
        ]

    def fail(self, **how: Any) -> Any:
        return self.sandbox.faults.add(ApiFault(path=SEND, **how))


@pytest.fixture
async def room(feishu_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    from nonebot_plugin_feishu_ws.adapter import outbound

    monkeypatch.setattr(outbound, "PAUSES", (0.01, 0.01, 0.01))
    world = feishu_sandbox.world
    app, alice = world.add_app("Butler"), world.add_user("Alice")
    chat = world.add_group("room", [alice, app])
    async with aiohttp.ClientSession() as session:
        client = FeishuClient(
            app.app_id,
            app.app_secret,
            base_url=feishu_sandbox.url,
            session=session,
            timeout=0.4,
            pace=Pacer(),
        )
        adapter = ensure_adapter(nonebot.get_driver())
        bot = Bot(adapter, app.app_id, client=client, identity=await client.bot_info(), connector="test")
        adapter.bot_connect(bot)
        yield Room(feishu_sandbox, app, chat, bot)
        adapter.bot_disconnect(bot)


@contextmanager
def handled(event_id: str, confirm: Callable[[], Any] | None = None) -> Any:
    """While an event is handled, as the runtime has it."""

    async def fine() -> None:
        """Still ours."""

    token = handling.set(Handling("cli_a", event_id, confirm or fine))
    try:
        yield
    finally:
        handling.reset(token)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"status": 503}, id="5xx"),
        pytest.param({"status": 503, "after": True}, id="5xx after"),
        pytest.param({"status": 400, "code": 230049}, id="being sent"),
        pytest.param({"drop": True}, id="cut before"),
        pytest.param({"drop": True, "after": True}, id="cut after"),
        pytest.param({"delay": 0.7}, id="too late"),
        pytest.param(
            {"status": 400, "code": 230020, "headers": {"x-ogw-ratelimit-reset": "0.1"}}, id="too fast"
        ),
    ],
)
async def test_what_passes_is_tried_again(room: Room, how: dict[str, Any]) -> None:
    """faults.md 34, 35: one message, whatever became of the first tries."""
    fault = room.fail(times=2, **how)
    sent = await room.say("once")
    assert fault.struck == 2
    assert room.shown() == ["once"]
    assert sent["message_id"] in room.sandbox.world.messages


async def test_tries_end(room: Room) -> None:
    fault = room.fail(drop=True)
    with pytest.raises(NetworkError):
        await room.say("never")
    assert fault.struck == 4
    room.sandbox.faults.clear()
    fault = room.fail(status=400, code=230022)
    with pytest.raises(ActionFailed):
        await room.say("never")
    assert fault.struck == 1, "a refusal is final"
    assert room.shown() == []


async def test_nothing_else_is_tried_again(room: Room) -> None:
    fault = room.sandbox.faults.add(ApiFault(path="/reactions", status=503))
    message_id = (await room.say("hello"))["message_id"]
    with pytest.raises(ActionFailed):
        await room.bot.call_api(
            f"im/v1/messages/{message_id}/reactions",
            method="POST",
            json={"reaction_type": {"emoji_type": "OK"}},
        )
    assert fault.struck == 1


async def test_an_event_handled_again_shows_nothing_twice(room: Room) -> None:
    """faults.md 29: the process died when half of it was said."""
    with handled("ev_1"):
        for text in ("a", "a", "b"):
            await room.say(text)
    with handled("ev_1"):
        for text in ("a", "a", "b", "a", "c"):
            await room.say(text)
    assert room.shown() == ["a", "a", "b", "a", "c"], "what is said twice is said twice, once"
    with handled("ev_2"):
        await room.say("a")
    await room.say("a")
    await room.say("a")
    assert room.shown() == ["a", "a", "b", "a", "c", "a", "a", "a"]


async def test_bot_send_too(room: Room, message_event: Callable[..., Any]) -> None:
    world = room.sandbox.world
    alice = next(member for member in room.chat.users)
    asked = await world.say(alice, room.chat, "question")
    event = message_event("question")
    event.event.message.message_id, event.event.message.chat_id = asked.message_id, room.chat.chat_id
    answer = (
        MessageSegment.text("one") + MessageSegment.share_chat(room.chat.chat_id) + MessageSegment.text("two")
    )
    for _ in range(2):
        with handled("ev_1"):
            await room.bot.send(event, answer)
    said = [message for message in world.messages_in(room.chat) if message.sender is room.app]
    assert [message.msg_type for message in said] == ["text", "share_chat", "text"]
    assert {message.parent_id for message in said} == {asked.message_id}


async def test_a_process_that_was_taken_for_dead_says_nothing(room: Room) -> None:
    """faults.md 31: another handles the event by now."""

    async def fenced() -> None:
        raise Fenced("worker")

    with handled("ev_1", fenced), pytest.raises(Fenced):
        await room.say("never")
    assert room.shown() == []


async def test_a_burst_of_any_plugin_keeps_to_the_chats_limit(room: Room) -> None:
    """faults.md 35: order kept, nothing refused, and replies count where their message is."""
    await asyncio.gather(*(room.say(f"{n}") for n in range(7)))
    assert room.shown() == [f"{n}" for n in range(7)]
    codes = [change.data["code"] for change in room.sandbox.world.feed.history if change.kind == "api_call"]
    assert set(codes) == {0}
