"""How an approval looks: one card for every state, and the messages around it.

The arguments are canonical JSON in a plain text of their own: whatever they hold, they end where the element ends and
can become neither a button nor a link nor a line that seems to be ours. What the bot says of its reason stands below
them, labelled as the bot's. Who asked is an open_id that Feishu vouches for, shown as a mention.
"""

import json
import re
from collections.abc import Iterator

from ... import cards
from ...delivery import Draft, uuid_for
from ...storage import ApprovalRow, ApprovalState
from ...texts.approvals import ApprovalTexts
from ..reply import pieces
from .rules import API, SHELL

ACTION = "feishu_auth_decision"
"""What the buttons carry, see contract.md."""

MOST_ARGUMENTS = 20_000
"""Characters of canonical arguments: more is more than anybody checks."""
_SHOWN = 3000  # characters of them on the card, of which Feishu takes 30 KB
_RESULT = 1500
_REASON = 500
_PIECE = (
    5000  # characters of arguments in one message: 30 KB for what takes 3 bytes a character, and a margin
)
_PIECES = 5  # messages of one result
_OPEN_ID = re.compile(r"ou_\w+", re.ASCII)
_COLOURS: dict[ApprovalState, cards.Colour] = {
    ApprovalState.PENDING: "orange",
    ApprovalState.APPROVED: "turquoise",
    ApprovalState.EXECUTING: "turquoise",
    ApprovalState.DONE: "green",
    ApprovalState.FAILED: "red",
    ApprovalState.UNKNOWN: "red",
}


def card(texts: ApprovalTexts, row: ApprovalRow, *, summary: str = "") -> cards.Json:
    """The card of an approval in the state it is in.

    Parameters:
        summary: What the tool does, as its author says.
    """
    pending = row.state is ApprovalState.PENDING
    parts = [cards.text(summary)] if summary else []
    parts += [cards.note(texts.arguments(row.state)), cards.text(row.arguments[:_SHOWN])]
    if len(row.arguments) > _SHOWN:
        parts.append(cards.note(texts.cut(_SHOWN, len(row.arguments), row.arguments_hash)))
    if row.reason:
        parts.append(cards.note(texts.reason(row.reason)))
    parts += [cards.divider(), cards.markdown(texts.asked_by(_mention(texts, row.asked_by)))]
    if pending:
        parts += [cards.note(texts.until(row.expires_at)), _buttons(texts, row)]
        parts.append(cards.note(texts.fallback(row.id)))
    elif row.decided_by is not None:
        state = row.state.value
        parts.append(cards.markdown(texts.decided(state, _mention(texts, row.decided_by))))
    if row.error:
        parts.append(cards.text(texts.error(row.error)))
    if row.result:
        parts.append(cards.text(texts.result(_short(row.result, _RESULT))))
    colour = _COLOURS.get(row.state, "grey")
    return cards.fit(cards.card(texts.title(row.tool, row.state), *parts, colour=colour), texts.locale)


def drafts_of(
    texts: ApprovalTexts, row: ApprovalRow, receive_ids: tuple[str, ...], summary: str
) -> list[Draft]:
    """The cards of a new approval, each followed by the complete arguments where the card has not room for them."""
    content = _json(card(texts, row, summary=summary))
    drafts: list[Draft] = []
    for receive_id in receive_ids:
        uuid = uuid_for("approval", row.id, receive_id)
        drafts.append(_draft(row, uuid, receive_id, "interactive", content))
        if len(row.arguments) > _SHOWN:
            parts = list(_cut(row.arguments))
            for number, piece in enumerate(parts, 1):
                head = texts.whole(row.id, number, len(parts))
                uuid = uuid_for("approval", row.id, receive_id, str(number))
                drafts.append(_draft(row, uuid, receive_id, "post", _post(f"{head}\n{piece}")))
    return drafts


def card_uuid(approval_id: str, receive_id: str) -> str:
    """The uuid of the card that `drafts_of` makes."""
    return uuid_for("approval", approval_id, receive_id)


def answers(texts: ApprovalTexts, row: ApprovalRow) -> list[Draft]:
    """What is told in the chat, once it is over; whoever takes something back knows that."""
    if row.state is ApprovalState.CANCELLED:
        return []
    text = texts.outcome(row.tool, row.state, row.error)
    if row.result:
        text = f"{text}\n{row.result}"
    return words(row, "outcome", text, texts.cut_result(len(row.result or "")))


def words(row: ApprovalRow, name: str, text: str, rest: str = "…") -> list[Draft]:
    """A text in answer to the question, in a few messages.

    Parameters:
        name: Of the text: with the same one it is said once.
        rest: Said in place of what is too much.
    """
    said = pieces(text)
    if len(said) > _PIECES:
        said = [*said[:_PIECES], rest]
    return [
        _draft(row, uuid_for("approval", row.id, name, str(number)), row.chat_id, "post", _post(piece))
        for number, piece in enumerate(said)
    ]


def reason_of(text: str) -> str:
    """A reason as it is kept: one line, not too long, with nothing in it that does not show."""
    line = " ".join(text.split())
    return _short("".join(char for char in line if char.isprintable()), _REASON)


def _buttons(texts: ApprovalTexts, row: ApprovalRow) -> cards.Json:
    def value(approved: bool) -> dict[str, object]:
        return {"action": ACTION, "action_id": row.id, "approved": approved, "nonce": row.nonce}

    return cards.row(
        [
            cards.button(texts.button(True), value(True), "primary"),
            cards.button(texts.button(False), value(False), "danger"),
        ]
    )


def _mention(texts: ApprovalTexts, who: str) -> str:
    if _OPEN_ID.fullmatch(who):
        return f"<at id={who}></at>"
    if who.startswith(SHELL):
        return cards.escape(texts.operator(who.removeprefix(SHELL)))
    if who.startswith(API):
        return cards.escape(texts.administrator(who.removeprefix(API)))
    return cards.escape(who)


def _draft(row: ApprovalRow, uuid: str, receive_id: str, msg_type: str, content: str) -> Draft:
    """A reply to the question in its chat, or a message to an approver."""
    if receive_id != row.chat_id:
        return Draft(row.connector, uuid, msg_type, content, None, receive_id, "open_id")
    in_thread = row.thread_id is not None
    return Draft(row.connector, uuid, msg_type, content, row.message_id, receive_id, in_thread=in_thread)


def _post(text: str) -> str:
    """Exact text, see `reply.exact`."""
    rows = [[{"tag": "text", "text": line}] for line in text.split("\n")]
    return _json({"zh_cn": {"title": "", "content": rows}})


def _cut(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
