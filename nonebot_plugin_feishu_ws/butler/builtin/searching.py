"""Looking for words in a conversation. Feishu lets no bot search, so the latest messages are read."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ...openapi import FeishuError, Message
from ...texts.builtin import BuiltinTexts
from ..reading import one_line, read_message
from ..turn import Turn
from .trouble import said_of

SCOPE = "im:message.group_msg"
"""What the app needs in groups; Feishu's error does not always say so."""
MOST_READ = 500
"""Messages."""
MOST_FOUND = 10
MOST_KNOWN = 500
"""People whose names are looked up."""
WITHIN = 10.0
"""Seconds, each for the messages and the names."""
_LONGEST = 160
_LONGEST_NAME = 40


@dataclass
class _Found:
    messages: list[tuple[Message, str]] = field(default_factory=list[tuple[Message, str]])
    looked_at: int = 0
    all_of_it: bool = True


async def search(turn: Turn, words: list[str]) -> str:
    texts = BuiltinTexts(turn.texts.locale)
    wanted = [word.casefold() for word in words if word.strip()]
    if not wanted:
        return texts.nothing_to_look_for()
    try:
        async with asyncio.timeout(WITHIN):
            found = await _find(turn, wanted)
    except TimeoutError:
        return texts.too_slow()
    except FeishuError as error:
        return said_of(texts, error, needed=SCOPE)
    names = await _names(turn, found)
    lines = [
        texts.found_line(_moment(turn, message), _who(turn, texts, names, message), one_line(text, _LONGEST))
        for message, text in found.messages
    ]
    return texts.found(lines, found.looked_at, all_of_it=found.all_of_it)


async def _find(turn: Turn, wanted: list[str]) -> _Found:
    """The latest messages that hold all the words; neither the question, nor what this bot has said."""
    client, found = turn.bot.client, _Found()
    where = (turn.thread_id, "thread") if turn.thread_id else (turn.chat_id, "chat")
    async with aclosing(client.list_messages(*where)) as messages:
        async for message in messages:
            if found.looked_at == MOST_READ or len(found.messages) == MOST_FOUND:
                found.all_of_it = False
                break
            found.looked_at += 1
            if message.deleted or message.message_id == turn.event.message_id:
                continue
            if message.sender.id == turn.app_id:
                continue
            text = read_message(message).text
            if all(word in text.casefold() for word in wanted):
                found.messages.append((message, text))
    return found


async def _names(turn: Turn, found: _Found) -> Mapping[str, str]:
    """Names by open_id, as far as they are to be had."""
    names: dict[str, str] = {}
    if not (turn.event.is_group and found.messages):
        return names
    try:
        async with (
            asyncio.timeout(WITHIN),
            aclosing(turn.bot.client.list_chat_members(turn.chat_id)) as people,
        ):
            async for person in people:
                names[person.member_id] = person.name
                if len(names) == MOST_KNOWN:
                    break
    except (FeishuError, TimeoutError):  # the ids will do
        pass
    return names


def _who(turn: Turn, texts: BuiltinTexts, names: Mapping[str, str], message: Message) -> str:
    sender = message.sender
    if sender.id == turn.open_id:
        return texts.you()
    if sender.sender_type != "user":
        return texts.a_bot()
    return one_line(names.get(sender.id, ""), _LONGEST_NAME) or sender.id


def _moment(turn: Turn, message: Message) -> str:
    try:
        return turn.texts.moment(datetime.fromtimestamp((message.create_time or 0) / 1000, UTC))
    except (OverflowError, OSError, ValueError):
        return ""
