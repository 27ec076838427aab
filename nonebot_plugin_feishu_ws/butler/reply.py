"""How an answer becomes messages: exact text, in pieces people can read, the rest as a file; each said once."""

import asyncio
import itertools
import logging
from collections.abc import Iterator, Sequence

from nonebot.adapters.feishu import Message, MessageSegment

from ..adapter import Bot, MessageEvent, handling, target_of, to_outgoing
from ..delivery import Draft, Outbox, uuid_for
from ..openapi import FeishuClient, FeishuError, ServerError, TransportError
from ..texts import Texts

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

CHUNK = 4000  # characters of one message: about what a phone shows before it folds
MOST_CHUNKS = 5  # beyond that the chat is a bad place to read, and Feishu allows five messages a second
LARGEST = 28 * 1024
"""Bytes of a message's content, as it stands in the request: Feishu takes 30 KB of a post (feishu-facts.md, limits)."""
_PAUSES = (0.5, 1.0, 2.0)  # seconds between the tries of an upload


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
    """Answer a message at once: one message, a few for a long text, and a file with all of it for a very long one.

    Raises:
        ActionFailed: Feishu refused a message.
        NetworkError: Feishu cannot be reached.
        FeishuError: The file cannot be uploaded.
    """
    for segment in await _segments(bot.client, text, pieces(text)):
        await bot.send(event, segment)


class Voice:
    """What the Butler says in answer to one message: committed first, said once however often it is handled.

    Args:
        outbox: Where messages are committed.
        bot: Who says it.
        event: What it answers.
        texts: For what the Butler has to say for itself.
        name: Of this answer, where a message is answered more than once.
    """

    def __init__(
        self, outbox: Outbox, bot: Bot, event: MessageEvent, texts: Texts, name: str = "say"
    ) -> None:
        self._outbox = outbox
        self._bot = bot
        self._event = event
        self._texts = texts
        self._name = name
        self._count = itertools.count()

    async def say(self, text: str, *, final: bool = False) -> None:
        """Say something; returns when Feishu has it.

        Args:
            text: As it is to be shown, of any length.
            final: With this the message is answered: handled again after a crash, nothing more is said.

        Raises:
            OutboxError: It could not be sent, or nobody knows.
            Fenced: The message is another process's by now.
        """
        said = pieces(text)
        if not said:
            return
        try:
            segments = await _segments(self._bot.client, text, said)
        except FeishuError as error:
            logger.error("the whole of an answer cannot be uploaded: %s", error)
            segments = [*map(exact, said[:MOST_CHUNKS]), exact(self._texts.rest_missing())]
        app_id, target = self._bot.self_id, target_of(self._event)
        answer = f"{self._name} {next(self._count)}"
        messages = [message for segment in segments for message in to_outgoing(Message(segment))]
        drafts = [
            Draft(
                app_id=app_id,
                uuid=uuid_for(app_id, self._event.event_id, answer, str(number)),
                msg_type=message.msg_type,
                content=message.content,
                reply_to=target.message_id,
                receive_id=target.chat_id,
                in_thread=target.in_thread,
                event_id=self._event.event_id,
                final=final and number == len(messages) - 1,
            )
            for number, message in enumerate(messages)
        ]
        if (current := handling.get()) is not None:
            await current.confirm()
        for posted in await self._outbox.post(drafts):
            await self._outbox.sent(posted.app_id, posted.uuid)

    async def answered(self) -> bool:
        """Whether the message was answered before, by a process that died since; its answer is then waited for."""
        said = self._bot.self_id, self._event.event_id
        if not await self._outbox.answered(*said):
            return False
        await self._outbox.delivered(*said)
        return True


def pieces(text: str) -> list[str]:
    """A text as those messages say it that hold it all."""
    return [piece for chunk in chunks(text) for piece in _fitting(chunk)]


async def _segments(client: FeishuClient, text: str, said: Sequence[str]) -> list[MessageSegment]:
    """The messages that say a text.

    Raises:
        FeishuError: The file for what is too much cannot be uploaded.
    """
    if len(said) <= MOST_CHUNKS:
        return [exact(piece) for piece in said]
    file_key = await _uploaded(client, text.encode("utf-8", "replace"))
    return [exact(said[0]), MessageSegment.file(file_key, "answer.txt")]


def _fitting(text: str) -> Iterator[str]:
    """Cut further what has so many lines that it would be too large for Feishu all the same."""
    [message] = to_outgoing(Message(exact(text)))
    # The content is a string within the request's JSON: what is quoted in it is quoted once more.
    if len(message.content.encode("utf-8", "replace")) + message.content.count('"') <= LARGEST:
        yield text
        return
    for piece in chunks(text, len(text) // 2):
        yield from _fitting(piece)


async def _uploaded(client: FeishuClient, content: bytes) -> str:
    for pause in _PAUSES:
        try:
            return await client.upload_file(content, "answer.txt")
        except (ServerError, TransportError) as error:
            logger.info("an upload failed, again in %g s: %s", pause, error)
            await asyncio.sleep(pause)
    return await client.upload_file(content, "answer.txt")
