"""How a click gets its answer: with the callback while there is time, by API afterwards.

Feishu waits 3 s for the callback's answer and then shows an error, so it is answered before, with what there is. What
comes later updates the card by the click's token (after the answer, twice, for 30 minutes), then by its message.
A card that was in time is brought by its message, too, because some clients ignore the one in the answer.

Sources: feishu-facts.md, "Card callback"; open.feishu.cn/document/ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

from nonebot.adapters.feishu import log
from nonebot.utils import escape_tag
from pydantic import BaseModel

from ..openapi import FeishuClient, FeishuError
from .errors import translated

ANSWER_DEADLINE = 2.5
"""Seconds a click waits for its handlers; after 3 Feishu shows the user an error (feishu-facts.md)."""

ToastType = Literal["info", "success", "error", "warning"]
Card = Mapping[str, Any]
CardWriter = Callable[[Card], Awaitable[None]]
"""Shows a card in place of one that streams, which no answer of a click changes. Raises what `FeishuClient` raises."""

_TOKEN_USES = 2
_HELD = 0.5  # seconds an answer waits at most for an update on its way


class Toast(BaseModel):
    """The message that pops up for whoever clicked.

    Parameters:
        i18n: texts by locale (`zh_cn`, `en_us` …), instead of `content` where there is one.
    """

    content: str
    type: ToastType = "info"
    i18n: dict[str, str] | None = None


class CardTurn:
    """The message of one card, which all clicks on it update: one after another, and the newest card stays.

    Parameters:
        wanted: the newest card of any click.
        turn: held by the click whose update is next.
        calling: held while an update is on its way.
    """

    def __init__(self) -> None:
        self.wanted: Card | None = None
        self.turn = asyncio.Lock()
        self.calling = asyncio.Lock()


class Answering:
    """The answer of one click.

    Parameters:
        token: the click's, "" if it has none.
        message_id: the card's message, if it has one.
        legacy: the old flat callback, which takes the new card itself as its answer.
        grace: seconds between the answer and the first update, for the answer to reach Feishu first.
    """

    def __init__(self, token: str, message_id: str | None, *, legacy: bool, grace: float) -> None:
        self._token = token
        self._message_id = message_id
        self._legacy = legacy
        self._grace = grace
        self._answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answered = asyncio.Event()
        self._answered_at = 0.0
        self._token_uses = 0
        self._client: FeishuClient | None = None
        self._turn = CardTurn()
        self._live: Callable[[], CardWriter | None] = lambda: None
        self._latest: Card | None = None
        self._brings = False
        self._following: asyncio.Task[None] | None = None
        self._otherwise: Callable[[], Toast | None] = lambda: None

    def bind(self, client: FeishuClient, turn: CardTurn, live: Callable[[], CardWriter | None]) -> None:
        """Give updates their way out.

        Parameters:
            turn: one for all clicks on the card's message.
            live: how the card is written now if it streams, else None.
        """
        self._client, self._turn, self._live = client, turn, live

    def otherwise(self, toast: Callable[[], Toast | None]) -> None:
        """What to say if all handlers are done and none has answered."""
        self._otherwise = toast

    @property
    def superseded(self) -> bool:
        """Whether another click has brought a newer card than this one's."""
        return self._turn.wanted is not self._latest

    def first(self, toast: Toast | None, card: Card | None, *, follow: bool = True) -> bool:
        """Answer with the callback, unless that is too late.

        Parameters:
            follow: bring the card by its message, too.
        """
        if self._answer.done():
            return False
        self._brings = card is not None and self._live() is None
        self._answer.set_result(self._payload(toast, card if self._brings else None))
        if card is None:
            return True
        self._want(card)
        if follow and self._client is not None and self._message_id is not None:
            self._following = asyncio.create_task(self._follow(card))
        return True

    async def late(self, card: Card) -> None:
        """Update the card after the answer.

        Raises:
            ActionFailed, NetworkError: it cannot be updated.
        """
        if self._client is None:
            raise RuntimeError(
                "the event was not dispatched by a bot of this plugin, nothing can carry a late answer"
            )
        self._want(card)
        with translated():
            await self._bring(self._client, card, by_token=bool(self._token))

    async def wait(self, deadline: float) -> dict[str, Any]:
        """The callback's answer, {} if there is none within `deadline` seconds."""
        held_until = asyncio.get_running_loop().time() + deadline
        try:
            await asyncio.wait({self._answer}, timeout=deadline)
            if self._brings:
                await self._hold(held_until)
        finally:
            if not self._answer.done():
                self._answer.set_result({})
            self._answered_at = asyncio.get_running_loop().time()
            self._answered.set()
        return self._answer.result()

    @asynccontextmanager
    async def handled(self) -> AsyncGenerator[None]:
        """Around the handlers: when they are done, nothing more is waited for but what they have begun."""
        try:
            yield
        except BaseException:
            if self._following is not None:
                self._following.cancel()
            raise
        finally:
            if not self._answer.done():
                self._answer.set_result(self._payload(self._otherwise(), None))
        await self.followed()

    async def followed(self) -> None:
        """Until the card of an answer in time is shown by its message, too."""
        if self._following is not None:
            await asyncio.wait({self._following})

    def _want(self, card: Card) -> None:
        self._latest = self._turn.wanted = card

    async def _hold(self, until: float) -> None:
        """An older click's update that is on its way would undo the answer; those not begun are not made any more."""
        until = min(until, asyncio.get_running_loop().time() + _HELD)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until), self._turn.calling:
                pass

    async def _follow(self, card: Card) -> None:
        assert self._client is not None
        try:
            await self._bring(self._client, card, by_token=False)
        except FeishuError as error:
            log(
                "DEBUG",
                f"{escape_tag(repr(self._message_id))} shows its new card by the answer only: {error}",
            )

    async def _bring(self, client: FeishuClient, card: Card, *, by_token: bool) -> None:
        async with self._turn.turn:
            # An update that overtakes the answer fails or is undone.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), ANSWER_DEADLINE)
            await asyncio.sleep(self._answered_at + self._grace - asyncio.get_running_loop().time())
            if card is not self._turn.wanted:
                return  # a newer one is there, or waits for its turn
            async with self._turn.calling:
                await self._update(client, _bare(card), by_token=by_token)

    async def _update(self, client: FeishuClient, card: Card, *, by_token: bool) -> None:
        if (writer := self._live()) is not None:
            await writer(card)
        elif not (by_token and await self._by_token(client, card)) and self._message_id is not None:
            await client.update_card(self._message_id, card)

    async def _by_token(self, client: FeishuClient, card: Card) -> bool:
        if self._token_uses == _TOKEN_USES:
            return False
        self._token_uses += 1
        try:
            await client.update_card_by_token(self._token, card)
        except FeishuError as error:
            if self._message_id is None:
                raise
            log("DEBUG", f"The click's token did not update the card: {escape_tag(str(error))}")
            return False
        return True

    def _payload(self, toast: Toast | None, card: Card | None) -> dict[str, Any]:
        if self._legacy and card is not None:
            if toast is not None:
                log("DEBUG", "A toast beside a card was dropped: the old card callback takes one of them")
            return dict(_bare(card))
        payload: dict[str, Any] = {}
        if toast is not None:
            payload["toast"] = toast.model_dump(exclude_none=True)
        if card is not None:
            wrapped = card.get("type") in ("raw", "template") and "data" in card
            payload["card"] = dict(card) if wrapped else {"type": "raw", "data": dict(card)}
        return payload


def _bare(card: Card) -> Card:
    """The card without the wrapping a callback's answer has; templates keep theirs everywhere."""
    return card["data"] if card.get("type") == "raw" and "data" in card else card
