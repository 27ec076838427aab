"""A click on a card: typed, and answered within the time Feishu gives."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar

from nonebot.adapters.feishu import log
from nonebot.utils import escape_tag
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from typing_extensions import override

from ..openapi import FeishuClient
from .answering import ANSWER_DEADLINE, Answering, Card, CardTurn, CardWriter, Toast, ToastType
from .events import NoticeEvent


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow")


class CardOperator(_Model):
    """Who clicked; "" is an id Feishu did not tell."""

    open_id: str
    union_id: str
    user_id: str
    tenant_key: str


class ClickedPart(_Model):
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
    action: ClickedPart
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
    """Seconds between the answer and the first update by API, for the answer to reach Feishu first."""

    _answering: Answering | None = PrivateAttr(default=None)

    @property
    def operator(self) -> CardOperator:
        return self.event.operator

    @property
    def action(self) -> ClickedPart:
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
        card: Card | None = None,
        *,
        follow: bool = True,
    ) -> bool:
        """Answer the click with a toast, a new card, or both.

        The first answer in time goes back with the click, and its card is shown by its message, too, for clients that
        ignore the one in the answer. A later answer still updates the card, by the click's token or else by its
        message; a toast cannot come late and is dropped. Of several cards the last one stays, also of several clicks.

        Parameters:
            toast: shown to whoever clicked.
            toast_type: of a toast given as text.
            card: the card's new JSON, or a template `{"type": "template", "data": {…}}`.
            follow: show a card that was in time by its message, too; False if you do that yourself.

        Returns:
            Whether the answer was in time.

        Raises:
            ActionFailed, NetworkError: the late update failed.
        """
        if self.respond_now(toast, toast_type, card, follow=follow):
            return True
        if toast is not None:
            log("DEBUG", f"A toast for {escape_tag(repr(self.message_id))} came late and was dropped")
        if card is not None:
            await self.answering.late(card)
        return False

    def respond_now(
        self,
        toast: str | Toast | None = None,
        toast_type: ToastType = "info",
        card: Card | None = None,
        *,
        follow: bool = True,
    ) -> bool:
        """`respond` if that is still in time; else nothing happens.

        Returns:
            Whether it was.
        """
        given = Toast(content=toast, type=toast_type) if isinstance(toast, str) else toast
        return self.answering.first(given, card, follow=follow)

    async def update(self, card: Card) -> None:
        """Show another card in place of the one that was clicked; returns when its message does.

        Raises:
            ActionFailed, NetworkError: it came late, and the update failed.
        """
        await self.respond(card=card)
        await self.answering.followed()

    async def answer(self, deadline: float = ANSWER_DEADLINE) -> dict[str, Any]:
        """What the callback is answered with: a handler's response, or {} if none came.

        Parameters:
            deadline: seconds to wait, less if all handlers are done before.
        """
        return await self.answering.wait(deadline)

    @property
    def superseded(self) -> bool:
        """Whether somebody has clicked on the card since and was shown another: what is late may be left out."""
        return self.answering.superseded

    def otherwise(self, toast: Callable[[], Toast | None]) -> None:
        """What to say if all handlers are done in time and none has answered."""
        self.answering.otherwise(toast)

    def bind(
        self,
        client: FeishuClient,
        turn: CardTurn | None = None,
        live: Callable[[], CardWriter | None] = lambda: None,
    ) -> None:
        """Give late answers their way out; see `Answering.bind`."""
        self.answering.bind(client, turn or CardTurn(), live)

    def handled(self) -> AbstractAsyncContextManager[None]:
        """Around the run of all handlers."""
        return self.answering.handled()

    @property
    def answering(self) -> Answering:
        """How this click is answered."""
        if self._answering is None:
            event = self.event
            self._answering = Answering(
                event.token, self.message_id, legacy=event.legacy, grace=self.ack_grace
            )
        return self._answering
