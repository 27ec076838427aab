"""`bot.send`: an answer goes where the question was asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from nonebot.adapters import Event as BaseEvent
from nonebot.adapters import Message as BaseMessage
from nonebot.adapters import MessageSegment as BaseMessageSegment
from nonebot.adapters import feishu as stock
from nonebot.adapters.feishu import Message, MessageSegment

from .errors import ActionFailed
from .events import NoticeEvent
from .outgoing import Outgoing, to_outgoing

if TYPE_CHECKING:
    from .bot import Bot

Sendable = str | BaseMessage[Any] | BaseMessageSegment[Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Where an answer goes: to the message, or else to its chat."""

    message_id: str | None
    chat_id: str | None
    in_thread: bool = False


async def send(
    bot: Bot,
    event: BaseEvent,
    message: Sendable,
    *,
    at_sender: bool = False,
    reply_message: bool = True,
    uuid: str | None = None,
    in_thread: bool | None = None,
    **_: Any,
) -> Any:
    """See `Bot.send`."""
    target = target_of(event)
    if not reply_message and target.chat_id:
        target = replace(target, message_id=None)
    if in_thread is not None:
        target = replace(target, in_thread=in_thread)
    full = Message(cast("str | MessageSegment", message))
    if at_sender and (mention := _mention_of(event)):
        full = Message([mention, MessageSegment.text(" "), *full])
    parts = to_outgoing(full)
    answers: list[Any] = []
    for number, part in enumerate(parts):
        key = f"{uuid}-{number}" if uuid and number else uuid
        answer, target = await _deliver(bot, target, part, key)
        answers.append(answer)
    return answers[0]


async def _deliver(bot: Bot, target: Target, part: Outgoing, uuid: str | None) -> tuple[Any, Target]:
    """Send one message; the target returned is the one that worked, for the messages after it."""
    body = {"msg_type": part.msg_type, "content": part.content}
    if uuid:
        body["uuid"] = uuid
    if target.message_id:
        reply = {**body, "reply_in_thread": True} if target.in_thread else body
        path = f"im/v1/messages/{quote(target.message_id, safe='')}/reply"
        try:
            return await bot.call_api(path, method="POST", json=reply), target
        except ActionFailed as error:
            if not error.message_gone or not target.chat_id:
                raise
            target = replace(target, message_id=None)
    params = {"receive_id_type": "chat_id"}
    json = {**body, "receive_id": target.chat_id}
    return await bot.call_api("im/v1/messages", method="POST", params=params, json=json), target


def target_of(event: BaseEvent) -> Target:
    """Where the answer to an event goes.

    Raises:
        ValueError: the event has neither a message nor a chat.
    """
    if isinstance(event, stock.MessageEvent):
        message = event.event.message
        topic = getattr(message, "thread_id", None) or "topic" in getattr(message, "platform_chat_type", "")
        return Target(message.message_id or None, message.chat_id or None, bool(topic))
    if isinstance(event, NoticeEvent) and (event.message_id or event.chat_id):
        return Target(event.message_id, event.chat_id)
    raise ValueError(f"nowhere to answer: {event.get_event_name()} names neither a message nor a chat")


def _mention_of(event: BaseEvent) -> MessageSegment | None:
    if isinstance(event, stock.PrivateMessageEvent):
        return None
    try:
        user_id = event.get_user_id()
    except ValueError:
        return None
    return MessageSegment.at(user_id) if user_id else None
