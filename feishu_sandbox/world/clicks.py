"""A click on a card: the token it hands out and the answer it gets back."""

from collections.abc import Callable
from dataclasses import dataclass

from .ids import new_id
from .loose import as_object
from .model import App, Json, Message

NOT_REACHED = 200340
ANSWERED_ERROR = 200671
BAD_ANSWER = 200672
BAD_CARD = 200673
TOAST_TYPES = ("info", "success", "warning", "error")


class ClickFailed(Exception):  # noqa: N818 - what the person sees, not a defect
    """The callback brought no usable answer; ``code`` is what the client shows (facts, "Card callback")."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(f"{code}: {msg}")
        self.code = code
        self.msg = msg


@dataclass(eq=False, kw_only=True)
class UpdateToken:
    """Permission to update one clicked card later (facts, limits table: 30 min, 2 uses, after the answer)."""

    token: str
    app: App
    message: Message
    issued_at: float
    answered: bool = False
    uses: int = 0


class UpdateTokens:
    """The tokens handed out with clicks."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens: dict[str, UpdateToken] = {}

    def issue(self, app: App, message: Message) -> UpdateToken:
        token = UpdateToken(token=new_id("c-", 40), app=app, message=message, issued_at=self._clock())
        self._tokens[token.token] = token
        return token

    def get(self, token: str) -> UpdateToken | None:
        return self._tokens.get(token)


def read_answer(answer: object) -> tuple[Json | None, Json | None]:
    """Toast and card of a callback answer.

    The answer is ``{toast?, card?: {type: raw|template, data}}``; ``{}`` is valid (facts, "Card callback").
    Raises ClickFailed 200672 for another shape and 200673 for a bad card.
    """
    body = as_object(answer)
    if body is None:
        raise ClickFailed(BAD_ANSWER, "the answer is not a JSON object")
    toast = None if body.get("toast") is None else _checked_toast(body["toast"])
    if body.get("card") is None:
        return toast, None
    card = as_object(body["card"])
    if card is None or card.get("type") not in ("raw", "template"):
        raise ClickFailed(BAD_ANSWER, 'card must be {"type": "raw" | "template", "data": {…}}')
    data = as_object(card.get("data"))
    if not data:
        raise ClickFailed(BAD_CARD, "card.data is not a card")
    return toast, data


def _checked_toast(value: object) -> Json:
    toast = as_object(value)
    if toast is None:
        raise ClickFailed(BAD_ANSWER, "toast is not an object")
    if toast.get("type", "info") not in TOAST_TYPES:
        raise ClickFailed(BAD_ANSWER, f"toast.type must be one of {', '.join(TOAST_TYPES)}")
    if not isinstance(toast.get("content", ""), str):
        raise ClickFailed(BAD_ANSWER, "toast.content is not a string")
    return toast
