"""`approvals`, `approve ID`, `reject ID`: for everybody, because who may decide is looked up for each approval."""

from typing import Any

from ..butler.approvals import MayNotDecide, UnknownApproval, Waiting
from ..storage import utc_now
from ..texts.approvals import ApprovalTexts
from .answer import Answer, Table
from .desk import Desk
from .grammar import Call

OPEN = frozenset({"approvals", "approve", "reject"})
"""Verbs for people who manage no connector, too."""


async def approvals(desk: Desk, _call: Call) -> Answer:
    """What waits."""
    return await listed(desk)


async def listed(desk: Desk) -> Answer:
    """What waits, as far as they may see it."""
    texts = ApprovalTexts(desk.texts.locale)
    waiting = await desk.management.deciding.waiting(desk.decider)
    rows = tuple(_row(texts, one) for one in waiting)
    text = "\n".join(f"{row[0]} · {row[4]} {row[5]} · {row[2]} · {row[1]}" for row in rows)
    data = [_data(one) for one in waiting]
    table = Table(texts.columns(), rows)
    return Answer(text or texts.none_waiting(), data, table, waiting=tuple(waiting))


async def decide(desk: Desk, call: Call) -> Answer:
    """Approve or reject one."""
    return await decided(desk, str(call.arguments["id"]), call.verb.name == "approve")


async def decided(desk: Desk, approval_id: str, approved: bool) -> Answer:
    """Decide about an approval by its id, and say what came of it."""
    texts = ApprovalTexts(desk.texts.locale)
    approval_id = approval_id.strip().lower()
    try:
        decision = await desk.management.deciding.decide(desk.decider, approval_id, approved)
    except UnknownApproval:
        return _no(texts.unknown(approval_id), "UnknownApproval")
    except MayNotDecide as error:
        return _no(texts.refused(error.refusal), "MayNotDecide", error.refusal.value)
    row = decision.row
    data = {"id": row.id, "tool": row.tool, "state": row.state.value, "decided": decision.won}
    if decision.won:
        return Answer(texts.decision(row.tool, row.state), data)
    return Answer(texts.already(row.tool, row.state), data, failed=not decision.met(approved))


def _no(text: str, error: str, reason: str | None = None) -> Answer:
    return Answer(text, {"error": error, **({"reason": reason} if reason else {})}, failed=True)


def _row(texts: ApprovalTexts, one: Waiting) -> tuple[str, ...]:
    row = one.row
    age = texts.age((utc_now() - row.created_at).total_seconds())
    return row.id, age, row.asked_by, one.connector, row.tool, row.arguments


def _data(one: Waiting) -> dict[str, Any]:
    row = one.row
    return {
        "id": row.id,
        "connector": one.connector,
        "tool": row.tool,
        "arguments": row.arguments,
        "asked_by": row.asked_by,
        "chat_id": row.chat_id,
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat(),
        "may_decide": one.may_decide,
    }
