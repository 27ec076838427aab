"""A click on a card: typed, and answered within the time Feishu gives."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Literal

from nonebot.adapters.feishu import log
from nonebot.utils import escape_tag
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from typing_extensions import override

from ..openapi import FeishuClient, FeishuError
from .errors import translated
from .events import NoticeEvent

ANSWER_DEADLINE = 2.5
"""Seconds a click waits for its handlers; after 3 Feishu shows the user an error (feishu-facts.md)."""

ToastType = Literal["info", "success", "error", "warning"]
_TOKEN_USES = (
    2  # …/延时更新消息卡片: two updates by one token, within 30 minutes, after the callback is answered
)


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow")


class Toast(BaseModel):
    """The message that pops up for whoever clicked.

    Parameters:
        i18n: texts by locale (`zh_cn`, `en_us` …), instead of `content` where there is one.
    """

    content: str
    type: ToastType = "info"
    i18n: dict[str, str] | None = None


class CardOperator(_Model):
    """Who clicked; "" is an id Feishu did not tell."""

    open_id: str
    union_id: str
    user_id: str
    tenant_key: str


class CardAction(_Model):
    """What was clicked, and what was entered.

    Parameters:
        value: the component's own `value`: an object or a string.
        tag: the kind of component (`button`, `select_static` …).
        name: the component's name inside a form.
        option, options: what was chosen; the latter where several can be.
        form_value: all fields of a submitted form by name.
        input_value: the text of an input outside a form.
        checked: the state of a checker.
        timezone: the user's, with dates and times.
    """

    value: Any = None
    tag: str
    name: str | None
    option: str | None
    options: list[str]
    # What people type may be a password, so neither is in a repr, and NoneBot's log of events does not quote them.
    form_value: dict[str, Any] = Field(repr=False)
    input_value: str | None = Field(repr=False)
    checked: bool | None
    timezone: str | None


class CardContext(_Model):
    """Where the card is; "" if Feishu does not say."""

    open_message_id: str
    open_chat_id: str


class CardActionDetail(_Model):
    """The body of card.action.trigger (open.larkoffice.com …/feishu-cards/card-callback-communication)."""

    operator: CardOperator
    action: CardAction
    context: CardContext
    token: str = Field(repr=False)
    host: str
    delivery_type: str
    legacy: bool = False
    """The old flat callback, which takes the new card itself as its answer."""


class CardActionEvent(NoticeEvent):
    """A user operated a card the bot has sent. Answer with `respond`."""

    __event__ = "card.action.trigger"
    event: CardActionDetail

    ack_grace: ClassVar[float] = 0.3
    """Seconds between the answer and the first late update, for the answer to reach Feishu first."""

    _answer: asyncio.Future[dict[str, Any]] | None = PrivateAttr(default=None)
    _answered: asyncio.Event = PrivateAttr(default_factory=asyncio.Event)
    _answered_at: float = PrivateAttr(default=0.0)
    _client: FeishuClient | None = PrivateAttr(default=None)
    _token_uses: int = PrivateAttr(default=0)

    @property
    def operator(self) -> CardOperator:
        return self.event.operator

    @property
    def action(self) -> CardAction:
        return self.event.action

    @property
    @override
    def chat_id(self) -> str | None:
        return self.event.context.open_chat_id or None

    @property
    @override
    def message_id(self) -> str | None:
        """The card's message."""
        return self.event.context.open_message_id or None

    @override
    def get_user_id(self) -> str:
        operator = self.event.operator
        return operator.open_id or operator.union_id or operator.user_id

    @override
    def get_event_description(self) -> str:
        event = self.event
        what = event.action.value if event.action.value is not None else sorted(event.action.form_value)
        return escape_tag(
            f"{self.message_id} by {self.get_user_id()}@[{self.chat_id}] {event.action.tag} {what!r}"
        )

    async def respond(
        self,
        toast: str | Toast | None = None,
        toast_type: ToastType = "info",
        card: Mapping[str, Any] | None = None,
    ) -> bool:
        """Answer the click with a toast, a new card, or both.

        The first answer in time goes back with the click. A later one still updates the card, by the click's
        token or else by its message; a toast cannot come late and is dropped.

        Parameters:
            toast: shown to whoever clicked.
            toast_type: of a toast given as text.
            card: the card's new JSON, or a template `{"type": "template", "data": {…}}`.

        Returns:
            Whether the answer was in time.

        Raises:
            ActionFailed, NetworkError: the late update failed.
        """
        answer = self._future()
        if not answer.done():
            answer.set_result(
                self._payload(
                    Toast(content=toast, type=toast_type) if isinstance(toast, str) else toast, card
                )
            )
            return True
        if toast is not None:
            log("DEBUG", f"A toast for {escape_tag(repr(self.message_id))} came late and was dropped")
        if card is not None:
            await self._update_late(card)
        return False

    async def answer(self, deadline: float = ANSWER_DEADLINE) -> dict[str, Any]:
        """What the callback is answered with: a handler's response, or {} if none came.

        Parameters:
            deadline: seconds to wait, less if all handlers are done before.
        """
        future = self._future()
        try:
            await asyncio.wait({future}, timeout=deadline)
        finally:
            self.finish()
            self._answered_at = asyncio.get_running_loop().time()
            self._answered.set()
        return future.result()

    def bind(self, client: FeishuClient) -> None:
        """Give late answers their way out."""
        self._client = client

    def finish(self) -> None:
        """All handlers are done: nothing more to wait for."""
        future = self._future()
        if not future.done():
            future.set_result({})

    def _future(self) -> asyncio.Future[dict[str, Any]]:
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    def _payload(self, toast: Toast | None, card: Mapping[str, Any] | None) -> dict[str, Any]:
        if self.event.legacy and card is not None:
            if toast is not None:
                log("DEBUG", "A toast beside a card was dropped: the old card callback takes one of them")
            return dict(_card_json(card))
        payload: dict[str, Any] = {}
        if toast is not None:
            payload["toast"] = toast.model_dump(exclude_none=True)
        if card is not None:
            wrapped = card.get("type") in ("raw", "template") and "data" in card
            payload["card"] = dict(card) if wrapped else {"type": "raw", "data": dict(card)}
        return payload

    async def _update_late(self, card: Mapping[str, Any]) -> None:
        if self._client is None:
            raise RuntimeError(
                "the event was not dispatched by a bot of this plugin, nothing can carry a late answer"
            )
        # An update that overtakes the answer fails or is undone (…/延时更新消息卡片).
        with suppress(TimeoutError):
            await asyncio.wait_for(self._answered.wait(), ANSWER_DEADLINE)
        await asyncio.sleep(self._answered_at + self.ack_grace - asyncio.get_running_loop().time())
        card, message_id = _card_json(card), self.message_id
        with translated():
            if self.event.token and self._token_uses < _TOKEN_USES:
                self._token_uses += 1
                try:
                    await self._client.update_card_by_token(self.event.token, card)
                except FeishuError as error:
                    if message_id is None:
                        raise
                    log(
                        "DEBUG",
                        f"The click's token did not update the card: {escape_tag(str(error))}",
                    )
                else:
                    return
            if message_id is not None:
                await self._client.update_card(message_id, card)


def _card_json(card: Mapping[str, Any]) -> Mapping[str, Any]:
    """The card without the wrapping a callback's answer has; templates keep theirs everywhere."""
    return card["data"] if card.get("type") == "raw" and "data" in card else card
