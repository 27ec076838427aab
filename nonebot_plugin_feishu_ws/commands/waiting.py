"""The list of what waits for approval, as a card. Its buttons name an approval and nothing else; whoever clicks decides
as if they had typed the line.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .. import cards
from ..adapter import CardActionEvent
from ..butler.approvals import Waiting
from ..storage import utc_now
from ..texts.approvals import ApprovalTexts
from .approving import decided, listed
from .cards import PREFIX
from .desk import Desk

DECIDE = "decide"
"""The action of the buttons, behind `PREFIX`."""

_SHOWN = 10  # on one card: Feishu takes about 200 elements
_WHOLE = 600  # characters of arguments; what is longer is approved on its own card, which says more


async def clicked(event: CardActionEvent, desk: Desk, value: Mapping[str, Any]) -> None:
    """Decide by a button of the list, and show the list as it is then."""
    answer = await decided(desk, str(value.get("id"))[:32], value.get("approved") is True)
    left = await listed(desk)
    card = waiting_card(desk, left.waiting)
    await event.respond(answer.text, "error" if answer.failed else "success", card)


def waiting_card(desk: Desk, waiting: Sequence[Waiting]) -> cards.Json:
    """The list, with buttons for those who may decide."""
    texts = ApprovalTexts(desk.texts.locale)
    parts: list[cards.Json] = [] if waiting else [cards.text(texts.none_waiting())]
    for one in waiting[:_SHOWN]:
        row = one.row
        whole = len(row.arguments) <= _WHOLE
        age = texts.age((utc_now() - row.created_at).total_seconds())
        parts += [cards.divider()] if parts else []
        parts.append(cards.text(f"{row.tool} · {one.connector} · {row.id} · {age}"))
        parts.append(cards.person(row.asked_by))
        parts.append(cards.text(row.arguments[:_WHOLE] + ("" if whole else "…")))
        own = row.asked_by == desk.decider.who
        buttons = [_button(texts.button(True), row.id, True)] if one.may_decide and whole else []
        if one.may_decide or own:
            buttons.append(_button(texts.take_back() if own else texts.button(False), row.id, False))
        if one.may_decide and not whole:
            parts.append(cards.note(texts.open_card()))
        parts += [cards.row(buttons)] if buttons else []
    if len(waiting) > _SHOWN:
        parts.append(cards.note(texts.more(len(waiting) - _SHOWN)))
    return cards.fit(cards.card(texts.list_title(len(waiting)), *parts), texts.locale)


def _button(label: str, approval_id: str, approved: bool) -> cards.Json:
    value = {"action": f"{PREFIX}{DECIDE}", "id": approval_id, "approved": approved}
    return cards.button(label, value, "primary" if approved else "danger")
