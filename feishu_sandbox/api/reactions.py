"""``/im/v1/messages/:message_id/reactions`` (facts, "Messages")."""

from ..world import Json, Message, Reaction, User
from ..world.loose import as_object
from .call import Call
from .emoji import EMOJI
from .errors import (
    BAD_EMOJI,
    MESSAGE_NOT_FOUND,
    NOT_REACTION_OWNER,
    REACTION_ON_RECALLED,
    ApiError,
    invalid,
    unknown_id,
)


def _message(call: Call) -> Message:
    message_id = call.part("message_id")
    if not message_id.startswith("om_"):
        raise unknown_id("open_message_id", message_id)
    message = call.world.messages.get(message_id)
    if message is None or call.app not in message.chat.apps:
        raise ApiError(*MESSAGE_NOT_FOUND)
    return message


def _shown(call: Call, reaction: Reaction) -> Json:
    by = reaction.by
    user = isinstance(by, User)
    return {
        "reaction_id": reaction.reaction_id,
        "operator": {
            "operator_id": by.open_id(call.app) if isinstance(by, User) else by.app_id,
            "operator_type": "user" if user else "app",
        },
        "action_time": str(reaction.at),
        "reaction_type": {"emoji_type": reaction.emoji},
    }


async def add(call: Call) -> Json:
    """``POST …/reactions`` with ``{reaction_type: {emoji_type}}``"""
    message = _message(call)
    emoji = (as_object(call.body.get("reaction_type")) or {}).get("emoji_type")
    if emoji not in EMOJI:
        raise ApiError(*BAD_EMOJI)
    if message.recalled:
        raise ApiError(*REACTION_ON_RECALLED)
    return _shown(call, call.world.add_reaction(message, str(emoji), call.app))


async def remove(call: Call) -> Json:
    """``DELETE …/reactions/:reaction_id``: one's own."""
    message = _message(call)
    reaction_id = call.part("reaction_id")
    reaction = next((r for r in message.reactions if r.reaction_id == reaction_id), None)
    if reaction is None:
        raise invalid("invalid reaction_id")
    if reaction.by is not call.app:
        raise ApiError(*NOT_REACTION_OWNER)
    call.world.remove_reaction(message, reaction)
    return _shown(call, reaction)


async def listing(call: Call) -> Json:
    """``GET …/reactions?reaction_type=``"""
    wanted = call.request.query.get("reaction_type")
    found = [r for r in _message(call).reactions if wanted in (None, "", r.emoji)]
    return call.page([_shown(call, reaction) for reaction in found])
