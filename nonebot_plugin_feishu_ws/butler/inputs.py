"""What a message brings besides its own text: the message it quotes, forwarded ones, pictures, files."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from ..adapter import MessageEvent
from ..openapi import AnswerTooLarge, FeishuError, Message, MessageGone, PermissionDenied
from ..texts.inputs import InputTexts
from .reading import Held, one_line, read, read_message
from .turn import Turn

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

WITHIN = 10.0
"""Seconds for everything."""
MOST_HELD = 5
"""Pictures and files that are looked at."""
LARGEST = 5 * 2**20
"""Bytes of a picture or a file."""
MOST_TEXT = 200_000
"""Characters of everything that is text."""
MOST_FORWARDED = 100
"""Messages of a forwarded chat."""
_LONGEST_NAME = 120

_PICTURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
)
_BINARY = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something a message brings along.

    Attributes:
        kind: `text` is to be read, `image` to be seen; of a `file` no more is known than what `content` says.
        name: What it is, in words; of a file its name, as one line.
        content: Bytes of an image, else text. Where something could not be had, a sentence that says so.
        media_type: `text/plain`, or an image's.
    """

    kind: Literal["text", "image", "file"]
    name: str
    content: str | bytes = field(repr=False)
    media_type: str = "text/plain"


async def inputs_of(turn: Turn, *, within: float = WITHIN) -> list[Attachment]:
    """What a turn's messages bring besides their text; what one quotes comes first.

    Everything in it was written by people and is to be taken as such. Nothing is raised: what cannot be had, or is
    beyond the limits of this module, is a text that says so.

    Args:
        turn: The turn.
        within: Seconds for everything.
    """
    return await _Inputs(turn, asyncio.get_running_loop().time() + within).all()


class _Inputs:
    """Collects what one message brings.

    Args:
        turn: Of the message.
        until: When to stop, as the loop's time.
    """

    def __init__(self, turn: Turn, until: float) -> None:
        self._turn = turn
        self._texts = InputTexts(turn.texts.locale)
        self._until = until
        self._left = MOST_TEXT
        self._held: list[tuple[str, Held]] = []

    async def all(self) -> list[Attachment]:
        events = (*self._turn.earlier, self._turn.event)
        known = {event.message_id for event in events}
        found: list[Attachment] = []
        for event in events:
            found += await self._of(event, known)
        return found + await self._fetched()

    async def _of(self, event: MessageEvent, known: set[str]) -> list[Attachment]:
        """What one message brings; `known`: those that need not be quoted (again)."""
        found: list[Attachment] = []
        if event.parent_id and event.parent_id not in known:
            known.add(event.parent_id)
            found += await self._quoted(event.parent_id)
        if event.message_type == "merge_forward":
            messages = await self._messages(event.message_id, self._texts.forwarded())
            found += [messages] if isinstance(messages, Attachment) else self._forwarded(messages[1:])
        else:
            self._hold(event.message_id, read(event.message_type, event.event.message.content, {}).held)
        return found

    # --- messages -----------------------------------------------------------------------------------------------

    async def _quoted(self, message_id: str) -> list[Attachment]:
        messages = await self._messages(message_id, self._texts.quoted(self._texts.somebody()))
        if isinstance(messages, Attachment):
            return [messages]
        message = messages[0]
        reading = read_message(message)
        if message.msg_type == "merge_forward":
            return self._forwarded(messages[1:])
        self._hold(message_id, reading.held)
        return [self._text(self._texts.quoted(self._who(message)), reading.text)]

    def _forwarded(self, messages: Sequence[Message]) -> list[Attachment]:
        # What forwarded messages hold cannot be had: im-v1/message-resource/get, 使用限制.
        lines = [
            f"{_moment(message)} {self._who(message)}: {read_message(message).text}".strip()
            for message in messages[:MOST_FORWARDED]
        ]
        if (more := len(messages) - MOST_FORWARDED) > 0:
            lines.append(self._texts.too_many_messages(more))
        return [self._text(self._texts.forwarded(), "\n".join(lines))]

    async def _messages(self, message_id: str, name: str) -> tuple[Message, ...] | Attachment:
        """A message and those forwarded in it, or why not."""
        try:
            async with asyncio.timeout_at(self._until):
                messages = await self._turn.bot.client.get_message(message_id)
        except MessageGone:
            messages = ()
        except Exception as error:
            return self._missing(name, error)
        if not messages or messages[0].deleted:
            return Attachment("text", name, self._texts.recalled())
        return messages

    def _who(self, message: Message) -> str:
        sender = message.sender.id
        if sender == self._turn.app_id:
            return self._texts.this_bot()
        return self._texts.asker() if sender == self._turn.open_id else sender or self._texts.somebody()

    # --- pictures and files -------------------------------------------------------------------------------------

    def _hold(self, message_id: str, held: Sequence[Held]) -> None:
        self._held += [(message_id, one) for one in held]

    async def _fetched(self) -> list[Attachment]:
        """All of them side by side: a slow one does not keep the others from coming."""
        wanted = self._held[:MOST_HELD]
        found = list(await asyncio.gather(*(self._fetch(*one) for one in wanted)))
        if (more := len(self._held) - len(wanted)) > 0:
            found.append(Attachment("text", self._texts.note(), self._texts.too_many(more)))
        return found

    async def _fetch(self, message_id: str, held: Held) -> Attachment:
        picture = held.kind == "image"
        name = self._texts.image() if picture else one_line(held.name, _LONGEST_NAME) or self._texts.unnamed()
        try:
            async with asyncio.timeout_at(self._until):
                client = self._turn.bot.client
                download = await client.download_resource(message_id, held.key, held.kind, max_bytes=LARGEST)
        except Exception as error:
            return self._missing(name, error)
        return self._picture(name, download.content) if picture else self._file(name, download.content)

    def _picture(self, name: str, content: bytes) -> Attachment:
        for magic, media_type in _PICTURES:
            if magic.match(content):
                return Attachment("image", name, content, media_type)
        return Attachment("text", name, self._texts.no_picture(name))

    def _file(self, name: str, content: bytes) -> Attachment:
        text = decoded(content)
        if text is None:
            return Attachment("file", name, self._texts.not_text(len(content)))
        return self._text(name, text)

    # --- in common ----------------------------------------------------------------------------------------------

    def _text(self, name: str, text: str) -> Attachment:
        """A text, as much of it as there is room for."""
        kept, self._left = text[: self._left], max(0, self._left - len(text))
        more = len(text) - len(kept)
        return Attachment("text", name, f"{kept}\n{self._texts.cut(more)}".lstrip("\n") if more else kept)

    def _missing(self, name: str, error: Exception) -> Attachment:
        """Why something could not be had."""
        texts = self._texts
        match error:
            case TimeoutError():
                why = texts.late(name)
            case AnswerTooLarge():
                why = texts.too_large(name, LARGEST)
            case PermissionDenied():
                why = texts.forbidden(name)
            case MessageGone():
                why = texts.recalled()
            case _:
                why = texts.unreadable(name)
        if isinstance(error, FeishuError | TimeoutError):
            logger.info("%s: part of %s: %r", self._turn.connector, self._turn.event.message_id, error)
        else:  # a brain answers all the same
            logger.error("part of %s cannot be read", self._turn.event.message_id, exc_info=error)
        return Attachment("text", name, why)


def decoded(content: bytes) -> str | None:
    """The text of a file, None if it is none: UTF-8, or what Chinese Windows writes."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _BINARY.search(text) else text
    return None


def _moment(message: Message) -> str:
    try:
        moment = datetime.fromtimestamp((message.create_time or 0) / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return ""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M") if message.create_time else ""
