"""Approvals: what waits, and decisions about it."""

from ...butler.approvals import MayNotDecide, Waiting
from ...texts.approvals import ApprovalTexts
from .calls import ApprovalId, ThisCall
from .models import Approval, Approvals, Decided, Deciding
from .problems import Code, Problem


async def waiting(call: ThisCall) -> Approvals:
    """What waits for a decision: an owner sees what concerns their connectors, an admin everything."""
    found = await call.management.deciding.waiting(call.decider)
    return Approvals(approvals=[_approval(one) for one in found])


async def decide(call: ThisCall, action_id: ApprovalId, body: Deciding) -> Decided:
    """Approve or reject.

    Where a tool or connector names approvers, they decide, in their chat: this answers 403 then.
    """
    deciding = call.management.deciding
    try:
        decision = await deciding.decide(call.decider, action_id, body.approved)
    except MayNotDecide:
        if await deciding.may_see(call.decider, action_id):
            raise
        raise Problem(Code.NOT_FOUND) from None  # somebody else's does not exist
    row = decision.row
    if not decision.met(body.approved):
        raise Problem(Code.ALREADY_DECIDED, ApprovalTexts(call.locale).already(row.tool, row.state))
    return Decided.model_validate(
        {"id": row.id, "tool": row.tool, "state": row.state.value, "decided": decision.won}
    )


def _approval(one: Waiting) -> Approval:
    row = one.row
    return Approval(
        id=row.id,
        connector=one.connector,
        tool=row.tool,
        arguments=row.arguments,
        asked_by=row.asked_by,
        chat_id=row.chat_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        may_decide=one.may_decide,
    )
