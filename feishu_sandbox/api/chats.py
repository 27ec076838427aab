"""``/im/v1/chats``: what the bot is in, and who else."""

from ..world import TENANT_KEY, Chat, Json
from .call import Call
from .errors import CHAT_FORBIDDEN, CHAT_NOT_FOUND, ApiError, bad_field


def _chat(call: Call) -> Chat:
    chat = call.world.chats.get(call.part("chat_id"))
    if chat is None:
        raise ApiError(*CHAT_NOT_FOUND)
    if call.app not in chat.apps:
        raise ApiError(*CHAT_FORBIDDEN)
    return chat


async def get(call: Call) -> Json:
    """``GET /im/v1/chats/:chat_id`` (Feishu, "获取群信息")"""
    chat = _chat(call)
    return {
        "avatar": "",
        "name": chat.name,
        "description": "",
        "owner_id": chat.users[0].open_id(call.app) if chat.users else "",
        "owner_id_type": "open_id",
        "chat_mode": "p2p" if chat.chat_type == "p2p" else ("topic" if chat.topic else "group"),
        "chat_type": "private",
        "group_message_type": "thread" if chat.topic else "chat",
        "chat_tag": "inner",
        "external": False,
        "tenant_key": TENANT_KEY,
        "user_count": str(len(chat.users)),
        "bot_count": str(len(chat.apps)),
        "chat_status": "normal",
    }


async def listing(call: Call) -> Json:
    """``GET /im/v1/chats``: the groups the bot is in."""
    return call.page(
        [
            {
                "chat_id": chat.chat_id,
                "avatar": "",
                "name": chat.name,
                "description": "",
                "owner_id": chat.users[0].open_id(call.app) if chat.users else "",
                "owner_id_type": "open_id",
                "external": False,
                "tenant_key": TENANT_KEY,
                "chat_status": "normal",
            }
            for chat in call.world.chats.values()
            if chat.chat_type == "group" and call.app in chat.apps
        ]
    )


async def members(call: Call) -> Json:
    """``GET /im/v1/chats/:chat_id/members?member_id_type=``: users only, bots are not listed."""
    chat = _chat(call)
    kind = call.query("member_id_type", default="open_id")
    if kind not in ("open_id", "user_id", "union_id"):
        raise bad_field("member_id_type", "must be open_id, user_id or union_id")
    people: list[Json] = [
        {
            "member_id_type": kind,
            "member_id": user.ids(call.app)[kind] or "",
            "name": user.name,
            "tenant_key": TENANT_KEY,
        }
        for user in chat.users
    ]
    return {**call.page(people), "member_total": len(people)}
