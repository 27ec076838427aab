"""What waits for a person's yes, and what was decided."""

from fastapi import Response

from ...butler.approvals import MayNotDecide, UnknownApproval
from .visit import Notice, Visit

_SHOWN = 30  # of those that were decided


async def index(visit: Visit) -> Response:
    """What somebody may see of both."""
    deciding = visit.management.deciding
    decider = visit.here.decider
    waiting = await deciding.waiting(decider)
    decided = await deciding.decided(decider, _SHOWN)
    return await visit.page(
        "approvals", section="approvals", waiting=waiting, decided=decided, decider=decider
    )


async def decide(visit: Visit) -> Response:
    """Approve or reject one."""
    texts = visit.texts.approval
    approved = visit.form.get("approved") == "true"
    try:
        decision = await visit.management.deciding.decide(visit.here.decider, visit.path("id"), approved)
    except UnknownApproval:
        return await visit.go("/approvals", Notice("bad", texts.unknown(visit.path("id")[:32])))
    except MayNotDecide as error:
        return await visit.go("/approvals", Notice("bad", texts.refused(error.refusal)))
    row = decision.row
    say = texts.decision if decision.won else texts.already
    kind = "good" if decision.won else "info"
    return await visit.go("/approvals", Notice(kind, say(row.tool, row.state)))
