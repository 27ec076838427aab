"""A reaction of the bot on a message, which tells people how it stands with it."""

import asyncio
import logging
from types import TracebackType
from typing import Self

from ..openapi import FeishuClient, FeishuError

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

WAITS = "OneSecond"
"""It is in line behind others."""
WORKS = "Typing"
"""Its answer is worked on."""
_ENDS_WITHIN = 2.0  # seconds for Feishu to take the last reaction away


class Sign:
    """One reaction at a time on a message, while the block lasts. Whether Feishu takes it never matters.

    Emoji: im-v1/message-reaction/emojis-introduce.

    Args:
        client: Of the bot.
        message_id: Of the message.
        emoji: The first one.
        grace: Seconds that one must be wanted before it is shown: what is quicker needs no sign, and spares two calls.
    """

    def __init__(self, client: FeishuClient, message_id: str, emoji: str, *, grace: float) -> None:
        self._client = client
        self._message_id = message_id
        self._wanted = emoji
        self._grace = grace
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.show("")
        try:
            await asyncio.wait([self._task], timeout=_ENDS_WITHIN)
        finally:
            self._task.cancel()

    def show(self, emoji: str) -> None:
        """Show another one instead; empty: none. Nobody waits for it."""
        self._wanted = emoji
        self._changed.set()

    async def _follow(self) -> None:
        while emoji := self._wanted:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), self._grace)
            except TimeoutError:
                await self._one(emoji)

    async def _one(self, emoji: str) -> None:
        """Show one until another is wanted. Feishu is not interrupted: what it has shown is to be taken away."""
        try:
            reaction = await self._client.add_reaction(self._message_id, emoji)
            await self._changed.wait()
            await self._client.remove_reaction(self._message_id, reaction)
        except FeishuError as error:
            logger.debug("%s: no reaction %s, or it stays: %s", self._message_id, emoji, error)
            await self._changed.wait()
