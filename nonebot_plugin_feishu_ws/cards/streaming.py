"""An answer that appears while it is written: on streaming cards, else on replaced ones, else as a message at last."""

import asyncio
import logging
import time
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Self

from ..adapter import CardWriter
from ..openapi import (
    FeishuClient,
    FeishuError,
    RateLimited,
    ServerError,
    StreamClosed,
    TooLarge,
    TransportError,
)
from ..texts import Locale
from ..texts.streaming import StreamTexts
from .lastword import LastWord
from .limits import MOST_TABLES
from .paging import Bounds, paginate, rendered, settled
from .streamed import View
from .streampages import EntityPage, MessagePage, Pace, Page, Send

__all__ = ["Pace", "Send", "StreamingCard"]

log = logging.getLogger("nonebot_plugin_feishu_ws.cards")

PAGE_SIZE = 18 * 1024
"""Bytes of text on one card: with steps, buttons and fences around it, it stays below Feishu's 30 KB."""
_SMALLEST_PAGE = 1024
_TOO_MANY_TABLES = 11310
_AGAIN = (TransportError, RateLimited, ServerError)


class StreamingCard:
    """Writes a growing text on a card, on further cards where it gets too long, and settles them in the end.

    It is told what is to be seen, as often as one likes; a task of its own brings the cards to the latest of that, at
    Feishu's pace. In the end all of the text is in the chat: where CardKit is refused the card is replaced as a whole
    (PATCH); where that fails too, or Feishu has closed the stream (after ten minutes), a message with the whole text
    comes after it.

    Use it as an async context manager, or call `open` and then `close` or `abandon`.

    Parameters:
        client: of the app that sends.
        send: sends the cards and messages, where they belong.
        locale: of the few words of ours.
        title: of the cards, may be empty.
        stop: what a click on the stop button carries; None for no button.
        earlier: card_ids of the entities an earlier attempt has sent for the same parts (`card_ids`), in order.
        pace: how fast, and how patient; Feishu's limits are kept by default.
        live: where clicks find the cards that stream (`Bot.live_cards`): a card they show ends the answer.
    """

    def __init__(
        self,
        client: FeishuClient,
        send: Send,
        *,
        locale: Locale,
        title: str = "",
        stop: Mapping[str, object] | None = None,
        earlier: Sequence[str] = (),
        pace: Pace | None = None,
        live: MutableMapping[str, CardWriter] | None = None,
    ) -> None:
        self._client = client
        self._send = send
        self._live: MutableMapping[str, CardWriter] = {} if live is None else live
        self._sent: set[str] = set()  # message ids
        self._locale: Locale = locale
        self._title = title
        self._stop = stop
        self._earlier = tuple(earlier)
        self._pace = pace or Pace()
        self._text = self._status = ""
        self._steps: tuple[str, ...] = ()
        self._card: Mapping[str, object] | None = None
        self._bounds = Bounds(PAGE_SIZE, MOST_TABLES)
        self._pages: list[Page] = []
        self._entities = True  # until Feishu refuses one
        self._fallen = False  # the cards are given up
        self._closing = False
        self._deadline = 0.0
        self._whole: LastWord | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def card_ids(self) -> tuple[str, ...]:
        """The entities so far, in order."""
        pages = (page for page in self._pages if isinstance(page, EntityPage))
        return tuple(page.card_id for page in pages if page.card_id is not None)

    # What is to be seen

    def open(self) -> None:
        """Begin: the first card appears."""
        self._task = asyncio.create_task(self._run(), name="streaming card")

    def update(self, text: str) -> None:
        """The whole text so far, markdown. It need not begin with the last one, but is typed out only if it does."""
        self._text = text
        self._changed.set()

    def status(self, words: str) -> None:
        """The line above the text, plain; gone in the end."""
        self._status = words
        self._changed.set()

    def step(self, words: str) -> None:
        """Something that was done, plain: another line in the folded panel."""
        self._steps += (words,)
        self._changed.set()

    async def close(self, final: str | Mapping[str, object] | None = None, *, status: str = "") -> None:
        """End: returns when everything is in the chat.

        Parameters:
            final: the whole text, if it is not what `update` was told last; or a card shown in place of the last one.
            status: a line that stays above the text, plain, such as who has stopped it.

        Raises:
            FeishuError: it could not be brought there, not even as a message.
        """
        if isinstance(final, str):
            self._text = final
        elif final is not None:
            self._card = final
        self._status, self._closing = status, True
        self._deadline = time.monotonic() + self._pace.patience
        self._changed.set()
        if self._task is None:
            self.open()
        assert self._task is not None
        await self._task

    async def abandon(self) -> None:
        """Stop writing; the cards stay as they are."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            await self.abandon()
        elif not self._closing:
            await self.close()

    # Bringing it about

    async def _run(self) -> None:
        try:
            await self._write()
        finally:
            for message_id in self._sent:
                self._live.pop(message_id, None)

    async def _send_card(self, part: str, msg_type: str, content: str) -> str:
        message_id = await self._send(part, msg_type, content)
        self._live[message_id] = self.close
        self._sent.add(message_id)
        return message_id

    async def _write(self) -> None:
        wait = self._pace.retry_first
        while True:
            self._changed.clear()
            try:
                busy = await self._advance()
                wait = self._pace.retry_first
            except _AGAIN as error:
                if self._closing and time.monotonic() > self._deadline:
                    self._give_up(error)
                    continue
                log.debug("streaming card: %s; again in %.1f s", error, wait)
                await asyncio.sleep(max(wait, getattr(error, "retry_after", None) or 0.0))
                wait = min(wait * 2, self._pace.retry_most)
                continue
            if not busy and self._closing:
                return
            if not busy:
                await self._changed.wait()

    def _give_up(self, error: FeishuError) -> None:
        if self._fallen:
            raise error
        log.warning("streaming card: the end could not be written on it, a message follows: %s", error)
        self._fallen = True
        self._deadline = time.monotonic() + self._pace.patience

    async def _advance(self) -> bool:
        """Do one call, if anything is left to do."""
        if self._fallen:
            return self._closing and await self._last_word().say()
        if (todo := self._todo()) is None:
            return False
        await asyncio.sleep(todo[0].free_at - time.monotonic())
        # While it slept, more may have come.
        if (todo := self._todo()) is not None:
            page, view = todo
            try:
                await page.advance(view)
            except _AGAIN:
                raise
            except FeishuError as error:
                await self._refused(page, view, error)
        return True

    def _last_word(self) -> LastWord:
        if self._whole is None:
            whole = View(
                self._text,
                live=False,
                title=self._title,
                status=self._status,
                steps=self._steps,
                card=self._card,
            )
            self._whole = LastWord(self._send, self._locale, whole, self._bounds)
        return self._whole

    def _todo(self) -> tuple[Page, View] | None:
        """The first card that does not show what it is to show, and what that is."""
        views = self._views()
        while len(self._pages) < len(views):
            self._pages.append(self._new_page(len(self._pages)))
        # Fewer than before: the text has been cut or rewritten.
        views += [View("", live=False)] * (len(self._pages) - len(views))
        pairs = zip(self._pages, views, strict=True)
        return next(((page, view) for page, view in pairs if not page.shows(view)), None)

    def _views(self) -> list[View]:
        text = self._text if self._closing else settled(self._text)
        texts = rendered(paginate(text, self._bounds, whole=self._closing))
        last = len(texts) - 1
        words = StreamTexts(self._locale)
        views = [
            View(
                page,
                live=number == last and not self._closing,
                title=self._title
                if not number or not self._title
                else words.continued(self._title, number + 1),
                steps=self._steps if not number else (),
            )
            for number, page in enumerate(texts)
        ]
        views[-1] = replace(views[-1], status=self._status, stop=self._stop, card=self._card)
        return views

    def _new_page(self, number: int) -> Page:
        if not self._entities:
            return MessagePage(
                self._client, self._send_card, f"card-{number}", self._locale, interval=self._pace.replaced
            )
        return EntityPage(
            self._client,
            self._send_card,
            f"stream-{number}",
            self._locale,
            interval=self._pace.interval,
            card_id=self._earlier[number] if number < len(self._earlier) else None,
        )

    # When Feishu refuses

    async def _refused(self, page: Page, view: View, error: FeishuError) -> None:
        """Find another way, after a refusal that would come again."""
        if isinstance(error, StreamClosed):
            await self._fall(error)
        elif isinstance(error, TooLarge) or getattr(error, "sub_code", None) == _TOO_MANY_TABLES:
            await self._tighten(view, error)
        elif isinstance(page, EntityPage) and not page.sent:
            log.warning("streaming card: CardKit is refused, the card is replaced instead: %s", error)
            self._entities = False
            self._pages[self._pages.index(page)] = self._new_page(self._pages.index(page))
        elif not page.doubt():
            await self._fall(error)

    async def _tighten(self, view: View, error: FeishuError) -> None:
        """Cut smaller pages."""
        size, tables = self._bounds.size // 2, self._bounds.tables
        if not isinstance(error, TooLarge):
            size, tables = self._bounds.size, tables - 1
        if size < _SMALLEST_PAGE or tables < 1 or view.card is not None:
            await self._fall(error)
        else:
            self._bounds = Bounds(size, tables)

    async def _fall(self, error: FeishuError) -> None:
        """Give the cards up; those that seem to go on say so, if they still can."""
        log.warning("streaming card: given up, a message with the whole text follows: %s", error)
        self._fallen = True
        words = StreamTexts(self._locale).whole_below()
        for page, view in zip(self._pages, self._views(), strict=False):
            if page.sent and not page.settled:
                await asyncio.sleep(page.free_at - time.monotonic())
                try:
                    await page.advance(replace(view, live=False, status=words, card=None))
                except FeishuError as failure:
                    log.debug("streaming card: it keeps its last state: %s", failure)
