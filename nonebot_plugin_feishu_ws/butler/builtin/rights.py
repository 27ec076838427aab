"""What whoever asks may do with connectors. Only people have rights, by ids Feishu vouches for."""

from ...connectors import Actor
from ..approvals import is_superuser
from ..turn import Turn


def actor_of(turn: Turn) -> Actor:
    """Whoever asks, with the rights they have at this moment."""
    person = turn.event.sender_type == "user" and bool(turn.open_id)
    who = turn.open_id if person else ""
    return Actor(who, "chat", superuser=person and is_superuser(who), approved_by=turn.approved_by)


async def manages_any(turn: Turn) -> bool:
    """Whether whoever asks is a superuser, or owns a connector."""
    actor = actor_of(turn)
    return actor.superuser or bool(turn.connectors and actor.who and await turn.connectors.visible(actor))


async def manages_this(turn: Turn) -> bool:
    """Whether whoever asks is a superuser, or owns the connector they speak through."""
    actor = actor_of(turn)
    if actor.superuser or not (turn.connectors and actor.who):
        return actor.superuser
    return any(one.spec.app_id == turn.app_id for one in await turn.connectors.visible(actor))
