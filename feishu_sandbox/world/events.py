"""Event bodies as apps are sent them (schema 2.0), each seen through one app's eyes.

Sources: Feishu's pages "接收消息", "新增消息表情回复", "删除消息表情回复", "消息已读", "撤回消息",
"机器人进群", "机器人被移出群", "用户进入与机器人的会话", "卡片回传交互".
"""

import json
import time

from .contents import card_summary
from .ids import new_id
from .model import TENANT_KEY, App, Chat, Json, Member, Message, Reaction, User

USER_AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Lark/7.20.0"


def envelope(app: App, event_type: str, event: Json, *, now: float | None = None) -> Json:
    """The whole pushed object: header with a new event_id, and the body."""
    stamp = time.time() if now is None else now
    return {
        "schema": "2.0",
        "header": {
            "event_id": new_id(""),
            "token": app.verification_token,
            "create_time": str(round(stamp * 1000)),
            "event_type": event_type,
            "tenant_key": TENANT_KEY,
            "app_id": app.app_id,
        },
        "event": event,
    }


def ids_of(who: Member, viewer: App) -> dict[str, str | None]:
    """The three ids of a user, or a bot's open_id (facts, "Identity": bots have no user_id)."""
    if isinstance(who, User):
        return who.ids(viewer)
    return {"open_id": who.open_id_for(viewer), "union_id": None, "user_id": None}


def content_for_receiver(message: Message) -> str:
    """The content string: a card arrives as its plain summary, everything else as it is."""
    content = card_summary(message.content) if message.msg_type == "interactive" else message.content
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def message_received(message: Message, app: App, bot_sender_type: str) -> Json:
    """``im.message.receive_v1``"""
    body: Json = {
        "message_id": message.message_id,
        "create_time": str(message.create_time),
        "update_time": str(message.update_time),
        "chat_id": message.chat.chat_id,
        "chat_type": message.chat.chat_type,
        "message_type": message.msg_type,
        "content": content_for_receiver(message),
        "user_agent": USER_AGENT,
    }
    for key in ("root_id", "parent_id", "thread_id"):
        if value := getattr(message, key):
            body[key] = value
    if message.mentions:
        body["mentions"] = [
            {
                "key": mention.key,
                "id": ids_of(mention.who, app),
                "name": mention.who.name,
                "tenant_key": TENANT_KEY,
                "mentioned_type": "user" if isinstance(mention.who, User) else "bot",
            }
            for mention in message.mentions
        ]
    return {
        "sender": {
            "sender_id": ids_of(message.sender, app),
            "sender_type": "user" if isinstance(message.sender, User) else bot_sender_type,
            "tenant_key": TENANT_KEY,
        },
        "message": body,
    }


def reaction_event(message: Message, reaction: Reaction, app: App, at: int) -> Json:
    """``im.message.reaction.created_v1`` and ``…deleted_v1``: who reacted, with what."""
    user = isinstance(reaction.by, User)
    event: Json = {
        "message_id": message.message_id,
        "reaction_type": {"emoji_type": reaction.emoji},
        "operator_type": "user" if user else "app",
        "action_time": str(at),
    }
    if isinstance(reaction.by, User):
        event["user_id"] = reaction.by.ids(app)
    else:
        event["app_id"] = reaction.by.app_id
    return event


def message_read(messages: list[Message], reader: User, app: App, at: int) -> Json:
    """``im.message.message_read_v1``"""
    return {
        "reader": {"reader_id": reader.ids(app), "read_time": str(at), "tenant_key": TENANT_KEY},
        "message_id_list": [message.message_id for message in messages],
    }


def message_recalled(message: Message, at: int) -> Json:
    """``im.message.recalled_v1``"""
    return {
        "message_id": message.message_id,
        "chat_id": message.chat.chat_id,
        "recall_time": str(at),
        "recall_type": "message_owner",
    }


def bot_membership(chat: Chat, operator: User, app: App) -> Json:
    """``im.chat.member.bot.added_v1`` and ``…deleted_v1``"""
    return {
        "chat_id": chat.chat_id,
        "operator_id": operator.ids(app),
        "external": False,
        "operator_tenant_key": TENANT_KEY,
        "name": chat.name,
        "i18n_names": {"zh_cn": chat.name, "en_us": chat.name, "ja_jp": ""},
    }


def p2p_chat_entered(chat: Chat, user: User, app: App, last: Message | None) -> Json:
    """``im.chat.access_event.bot_p2p_chat_entered_v1``"""
    event: Json = {"chat_id": chat.chat_id, "operator_id": user.ids(app)}
    if last is not None:
        event["last_message_id"] = last.message_id
        event["last_message_create_time"] = str(last.create_time)
    return event


def card_action(message: Message, user: User, app: App, action: Json, token: str) -> Json:
    """``card.action.trigger`` (facts, "Card callback")"""
    return {
        "operator": {"tenant_key": TENANT_KEY, **user.ids(app)},
        "token": token,
        "action": action,
        "host": "im_message",
        "context": {"open_message_id": message.message_id, "open_chat_id": message.chat.chat_id},
    }
