"""`register` on Feishu: one card in the direct chat of whoever asked, from the code to the new connector."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..adapter import ActionFailed, Bot, CardActionEvent, NetworkError
from ..connectors import RegistrationProgress, Scan, qr_png
from ..openapi import FeishuError
from .access import words_of
from .answer import Answer
from .cards import connector_card, note_card, scan_card
from .desk import Desk
from .slips import Slips
from .verbs import perform


class Scans:
    """Registrations under way. Each is a task of its own: NoneBot shields handlers from cancellation, and a shutdown
    must not wait for a person."""

    def __init__(self) -> None:
        self._slips: Slips[asyncio.Task[Answer]] = Slips()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Let a registration go on by itself."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End them all: the process ends."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def run(
        self, bot: Bot, open_id: str, desk: Desk, line: str, sent: Callable[[], Awaitable[None]] | None
    ) -> Answer | None:
        """Register an app for somebody; returns when that has come to an end.

        Args:
            bot: Sends the card.
            open_id: Who asked.
            desk: Theirs.
            line: What they typed after the root.
            sent: Called when the card is with them, if they asked elsewhere.

        Returns:
            What to say where there is no card to say it on.
        """
        words, card = words_of(desk), _Card(bot, open_id, desk)

        async def show(progress: RegistrationProgress) -> None:
            if await card.show(progress, nonce):
                self._slips.place(nonce, card.message_id)
                if sent is not None:
                    await sent()

        work = asyncio.create_task(perform(replace(desk, show=show), line))
        nonce = self._slips.put((bot.self_id, open_id), work)
        try:
            answer = await work
        except (ActionFailed, NetworkError):
            return Answer(words.form_not_sent(), failed=True)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if not work.cancelled() or (current is not None and current.cancelling()):
                raise
            answer = Answer(words.cancelled(), failed=True)
        finally:
            self._slips.drop(nonce)
        return await card.end(answer)

    async def cancel(self, event: CardActionEvent, nonce: object) -> None:
        """Whoever asked has thought better of it.

        Raises:
            SlipError: It has ended already, or is somebody else's.
        """
        self._slips.take((event.app_id, event.get_user_id()), nonce, event.message_id).cancel()


class _Card:
    """The card of one registration."""

    def __init__(self, bot: Bot, open_id: str, desk: Desk) -> None:
        self._bot, self._open_id, self._desk = bot, open_id, desk
        self._link = self._text = ""
        self._state: str = ""
        self._image_key: str | None = None
        self.message_id = ""

    async def show(self, progress: RegistrationProgress, nonce: str) -> bool:
        """Show the link, or how it gets on if that has changed.

        Returns:
            Whether the card was sent just now.
        """
        words, first = words_of(self._desk), isinstance(progress, Scan)
        if isinstance(progress, Scan):
            self._link = progress.link
            self._text = words.scan(progress.link, round(progress.expires_in / 60))
            self._image_key = await self._picture()
            state = words.scan_state("pending", "")
        else:
            state = words.scan_state(progress.state, progress.reason)
        if state == self._state:
            return False
        self._state = state
        card = scan_card(words, self._text, state, url=self._link, image_key=self._image_key, nonce=nonce)
        if not first:
            with suppress(FeishuError):  # the registration matters, not how it looks meanwhile
                await self._bot.client.update_card(self.message_id, card)
            return False
        content = json.dumps(card, ensure_ascii=False)
        sent = await self._bot.send_msg("open_id", self._open_id, content, "interactive")
        self.message_id = sent["data"]["message_id"]
        return True

    async def end(self, answer: Answer) -> Answer | None:
        """Show what came of it; without a card somebody else has to."""
        if not self.message_id:
            return answer
        if answer.connectors:
            card = connector_card(self._desk.texts, answer.connectors[0], note=answer.text)
        else:
            card = note_card(words_of(self._desk).scan_title(), answer.text)
        try:
            await self._bot.client.update_card(self.message_id, card)
        except FeishuError:
            return answer
        return None

    async def _picture(self) -> str | None:
        if (png := qr_png(self._link)) is None:
            return None
        try:
            return await self._bot.client.upload_image(png)
        except FeishuError:  # without the scope for pictures there is still the link
            return None
