"""One card of a streamed answer, brought step by step to what it is to show: by CardKit, or by replacing it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from typing_extensions import override

from ..openapi import (
    FeishuClient,
    MessageGone,
    MessageLocked,
    OutOfSequence,
    ServerError,
    TransportError,
    entity_content,
)
from ..texts import Locale
from . import streamed
from .streamed import View, card_text, layout

_LEAPS = (1_000, 100_000, 10_000_000)
"""By how much the sequence rises, one after the other, when somebody else's was higher."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a card changes, and how long trouble is borne. Seconds.

    Parameters:
        interval: between two operations on a card entity. Feishu takes 10 a second, from everybody together.
        replaced: between two replacements of a card without entity. Feishu takes 5 a second.
        retry_first, retry_most: to wait after a passing failure, doubled each time.
        patience: how long the end of an answer is tried for, on its cards and then once more as a message.
    """

    interval: float = 0.25
    replaced: float = 0.5
    retry_first: float = 0.5
    retry_most: float = 5.0
    patience: float = 60.0


class Send(Protocol):
    """Sends a message and returns its message_id; asked again for the same `part`, it sends nothing twice.

    So it derives the message's `uuid` from `part`, or keeps an outbox. It raises what `FeishuClient` raises.
    """

    async def __call__(self, part: str, msg_type: str, content: str) -> str: ...


class Page(ABC):
    """One card.

    Parameters:
        interval: seconds between two changes of it.

    Attributes:
        sent: whether it is in the chat.
        free_at: when it may be changed again, on the monotonic clock.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._shown: View | None = None
        self.sent = False
        self.free_at = 0.0

    @property
    def settled(self) -> bool:
        """Whether it is certain that the card shows a final state."""
        return self._shown is not None and not self._shown.live

    def shows(self, view: View) -> bool:
        """Whether it is certain that the card shows this."""
        shown = self._shown
        return shown is not None and shown.shape() == view.shape() and shown.texts() == view.texts()

    def doubt(self) -> bool:
        """Let the next change be of the whole card; False if the last one was."""
        doubtful, self._shown = self._shown is not None, None
        return doubtful

    async def advance(self, view: View) -> None:
        """Do one call that brings the card nearer to `view`."""
        if self.sent:
            self.free_at = time.monotonic() + self._interval
        try:
            await self._advance(view)
        except (TransportError, ServerError):
            # It may have been carried out. The next change says everything, so nothing depends on that.
            self._shown = None
            raise

    @abstractmethod
    async def _advance(self, view: View) -> None: ...


class EntityPage(Page):
    """A card entity: its texts are streamed, everything else is changed by replacing the whole.

    Changes carry no uuid: each says what is to be shown, and one that comes late is refused for its sequence, so doing
    one again does no harm. Sequences are seconds since 1970, or more, because Feishu goes on counting where another
    process has stopped.

    Parameters:
        part: names the message for `send`.
        card_id: of the entity an earlier attempt has made for this part.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        client: FeishuClient,
        send: Send,
        part: str,
        locale: Locale,
        *,
        interval: float,
        card_id: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(interval)
        self._cards = client.cards
        self._send = send
        self._part = part
        self._locale: Locale = locale
        self._clock = clock
        self._sequence = 0
        self._draft: View | None = None  # what the entity shows before it is sent
        self.card_id = card_id

    @override
    async def _advance(self, view: View) -> None:
        if self.card_id is None:
            self.card_id = await self._cards.create(layout(view, self._locale, streams=True))
            self._draft = view
        elif self._draft is None:
            await self._take_over(self.card_id, view)
        elif not self.sent:
            await self._send(self._part, "interactive", card_text(entity_content(self.card_id)))
            self.sent, self._shown = True, self._draft
        elif self._shown is None or not view.live or self._shown.shape() != view.shape():
            await self._replace(self.card_id, view)
            self._shown = view
        else:
            self._shown = await self._stream(self.card_id, self._shown, view)

    async def _take_over(self, card_id: str, view: View) -> None:
        """Write over what the earlier attempt has left; forget that if it is of no use any more."""
        try:
            await self._replace(card_id, view)
            self._draft = view
        except (MessageGone, MessageLocked):
            self.card_id = None

    async def _replace(self, card_id: str, view: View) -> None:
        card = layout(view, self._locale, streams=True)
        await self._in_sequence(lambda sequence: self._cards.replace(card_id, card, sequence=sequence))

    async def _stream(self, card_id: str, shown: View, view: View) -> View:
        """Write the first text that differs; returns what is shown then."""
        old, new = shown.texts(), view.texts()
        name = next(name for name, text in new.items() if old[name] != text)
        if not shown.text and view.text:  # the first words are what somebody waits for
            name = streamed.TEXT
        text = new[name]
        await self._in_sequence(lambda sequence: self._cards.stream(card_id, name, text, sequence=sequence))
        match name:
            case streamed.STATUS:
                return replace(shown, status=view.status)
            case streamed.STEPS:
                return replace(shown, steps=view.steps)
            case _:
                return replace(shown, text=view.text)

    async def _in_sequence(self, operation: Callable[[int], Awaitable[None]]) -> None:
        for leap in _LEAPS:
            self._sequence = max(self._sequence + 1, int(self._clock()))
            try:
                await operation(self._sequence)
            except OutOfSequence:
                self._sequence += leap
            else:
                return
        await operation(self._sequence)


class MessagePage(Page):
    """A card without an entity, replaced as a whole (im-v1/message/patch). Parameters as for `EntityPage`."""

    def __init__(
        self, client: FeishuClient, send: Send, part: str, locale: Locale, *, interval: float
    ) -> None:
        super().__init__(interval)
        self._client = client
        self._send = send
        self._part = part
        self._locale: Locale = locale
        self._message_id = ""

    @override
    async def _advance(self, view: View) -> None:
        card = card_text(layout(view, self._locale, streams=False))
        if self.sent:
            await self._client.update_card(self._message_id, card)
            self._shown = view
        else:
            # What it shows is in doubt until it is replaced: an earlier try may have sent another state of it.
            self._message_id = await self._send(self._part, "interactive", card)
            self.sent = True
