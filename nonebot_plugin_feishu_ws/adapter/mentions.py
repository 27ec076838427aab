"""Whether a message is to the bot: mentioned, called by its nickname, or in its direct chat."""

import re
from collections.abc import Iterable

from nonebot.adapters.feishu import Message, MessageEvent, MessageSegment
from nonebot.adapters.feishu.message import Text

from .message import is_at


def note_mention(event: MessageEvent, open_id: str) -> None:
    """Set `to_me` if the bot is mentioned or the chat is direct; take its mention off either end.

    Parameters:
        open_id: the bot's own, as its app knows it. Without it only a direct chat is to me.
    """
    detail = event.event.message
    mentioned = any(mention.id.open_id == open_id for mention in detail.mentions or ()) and bool(open_id)
    message = event.get_message()
    leading = _strip_leading(message, open_id)
    trailing = not leading and _strip_trailing(message, open_id)
    if detail.chat_type == "p2p" or mentioned or leading or trailing:
        event.to_me = True
    if not message:
        message.append(MessageSegment.text(""))


def note_nickname(event: MessageEvent, nicknames: Iterable[str]) -> None:
    """Set `to_me` if the text begins with a nickname of the bot (NoneBot's NICKNAME), and take that off."""
    names = "|".join(re.escape(name) for name in nicknames if name)
    message = event.get_message()
    if not names or not message or message[0].type != "text":
        return
    text: str = message[0].data["text"]
    if called := re.match(rf"(?:{names})([\s,，]*|$)", text, re.IGNORECASE):
        event.to_me = True
        message[0] = Text("text", {"text": text[called.end() :]})


def _strip_leading(message: Message, open_id: str) -> bool:
    index = 1 if len(message) > 1 and _is_blank(message[0]) else 0
    if not message or not is_at(message[index], open_id):
        return False
    while message and (is_at(message[0], open_id) or _is_blank(message[0])):
        del message[0]
    if message and message[0].type == "text":
        message[0] = Text("text", {"text": message[0].data["text"].lstrip()})
    return True


def _strip_trailing(message: Message, open_id: str) -> bool:
    end = len(message) - 1 if len(message) > 1 and _is_blank(message[-1]) else len(message)
    if not end or not is_at(message[end - 1], open_id):
        return False
    del message[end - 1 :]
    return True


def _is_blank(segment: MessageSegment) -> bool:
    return segment.type == "text" and not segment.data["text"].strip()
