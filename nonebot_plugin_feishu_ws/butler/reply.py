"""How an answer becomes messages: exact text, in pieces people can read, the rest as a file."""

import asyncio
from collections.abc import Iterator
from uuid import uuid4

from nonebot.adapters.feishu import MessageSegment

from ..adapter import ActionFailed, Bot, MessageEvent
from ..openapi import RateLimited

CHUNK = 4000  # characters of one message: about what a phone shows before it folds
MOST_CHUNKS = 5  # beyond that the chat is a bad place to read, and Feishu allows five messages a second


_TRIES = 6
_LONGEST_WAIT = 10.0  # seconds


def chunks(text: str, size: int = CHUNK) -> Iterator[str]:
    """Cut a text into pieces of at most `size` characters, at line ends where there are any, else at spaces.

    The pieces joined are the text, but for the white space at the cuts.
    """
    text = text.strip("\n")
    while len(text) > size:
        cut = text.rfind("\n", 1, size + 1)
        if cut < size // 2:
            cut = max(cut, text.rfind(" ", 1, size + 1))
        if cut < size // 2:
            cut = size
        yield text[:cut].rstrip()
        text = text[cut:].lstrip("\n ")
    if text.strip():
        yield text


def exact(text: str) -> MessageSegment:
    """A text as it is. In a `text` message Feishu would read `<at …>` and `**`; in a post's text nodes it does not.

    Source: https://open.larkoffice.com/document/server-docs/im-v1/message-content-description/create_json
    """
    return MessageSegment.post("", [[{"tag": "text", "text": line}] for line in text.split("\n")])


async def say(bot: Bot, event: MessageEvent, text: str) -> None:
    """Answer a message: one message, a few for a long text, and a file with all of it for a very long one.

    Raises:
        ActionFailed: Feishu refused a message.
        NetworkError: Feishu cannot be reached.
    """
    pieces = list(chunks(text))
    for piece in pieces if len(pieces) <= MOST_CHUNKS else pieces[:1]:
        await _send(bot, event, exact(piece))
    if len(pieces) > MOST_CHUNKS:
        file_key = await bot.client.upload_file(text.encode(), "answer.txt")
        await _send(bot, event, MessageSegment.file(file_key, "answer.txt"))


async def _send(bot: Bot, event: MessageEvent, segment: MessageSegment) -> None:
    """Send one message; where the chat has had too many just now, wait as long as Feishu says and try again."""
    uuid = uuid4().hex
    for attempt in range(1, _TRIES + 1):
        try:
            await bot.send(event, segment, uuid=uuid)
        except ActionFailed as error:
            if not isinstance(error.error, RateLimited) or attempt == _TRIES:
                raise
            await asyncio.sleep(min(error.retry_after or 1.0, _LONGEST_WAIT))
        else:
            return
