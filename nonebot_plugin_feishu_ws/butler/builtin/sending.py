"""A text to another chat. Where the connector may send at all is decided where everything it sends is."""

import re

from nonebot.adapters.feishu import Message

from ...adapter import ChatNotAllowed, to_outgoing
from ...texts.builtin import BuiltinTexts
from ..reply import exact
from ..turn import Turn

_CHAT = re.compile(r"oc_\w+", re.ASCII)


async def send_to_chat(turn: Turn, chat: str, text: str) -> str:
    texts = BuiltinTexts(turn.texts.locale)
    if not _CHAT.fullmatch(chat):
        return texts.no_chat_id(chat)
    # What was approved is what is read: `<at user_id="all">` in it must mention nobody.
    [message] = to_outgoing(Message(exact(text)))
    try:
        await turn.bot.send_msg("chat_id", chat, message.content, message.msg_type)
    except ChatNotAllowed:
        return texts.chat_not_allowed(chat)
    return texts.sent(chat)
