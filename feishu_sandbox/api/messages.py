"""``/im/v1/messages``: send, reply, read, edit, recall (facts, "Messages")."""

from ..world import TENANT_KEY, App, Chat, Json, Message, User
from ..world.events import content_for_receiver
from ..world.loose import parse_object
from . import cardkit
from .call import Call
from .contents import ContentReader, check_card, check_parts, updatable
from .errors import (
    BOT_INACTIVE,
    CARD_TOO_OLD,
    CHAT_FREQUENCY,
    NO_GROUP_HISTORY,
    NO_MORE_EDITS,
    NO_RECALL_RIGHT,
    NOT_IN_CHAT,
    NOT_OWNER,
    RECALLED,
    TOO_LONG,
    WRONG_TYPE,
    ApiError,
    bad_field,
    invalid,
)


def item(message: Message, app: App) -> Json:
    """A message as REST shows it to an app (Feishu, "获取指定消息的内容")."""
    user = message.sender if isinstance(message.sender, User) else None
    shown: Json = {
        "message_id": message.message_id,
        "msg_type": message.msg_type,
        "create_time": str(message.create_time),
        "update_time": str(message.update_time),
        "deleted": message.recalled,
        "updated": message.edits > 0 or message.update_time > message.create_time,
        "chat_id": message.chat.chat_id,
        "sender": {
            "id": user.open_id(app) if user else getattr(message.sender, "app_id", ""),
            "id_type": "open_id" if user else "app_id",
            "sender_type": "user" if user else "app",
            "tenant_key": TENANT_KEY,
        },
        "body": {"content": content_for_receiver(message)},
    }
    if message.recalled:
        shown["body"] = {"content": "This message was recalled"}
    for key in ("root_id", "parent_id", "thread_id"):
        if value := getattr(message, key):
            shown[key] = value
    if message.mentions:
        shown["mentions"] = [
            {
                "key": mention.key,
                "id": mention.who.open_id(app)
                if isinstance(mention.who, User)
                else mention.who.open_id_for(app),
                "id_type": "open_id",
                "name": mention.who.name,
                "tenant_key": TENANT_KEY,
            }
            for mention in message.mentions
        ]
    return shown


async def create(call: Call) -> Json:
    """``POST /im/v1/messages?receive_id_type=``"""
    kind = call.query("receive_id_type")
    receive_id, msg_type, content = call.text("receive_id"), call.text("msg_type"), call.text("content")
    return _send(call, call.receiver(kind, receive_id), msg_type, content)


async def reply(call: Call) -> Json:
    """``POST /im/v1/messages/:message_id/reply``"""
    parent = call.message()
    msg_type, content = call.text("msg_type"), call.text("content")
    if parent.recalled:
        raise ApiError(*RECALLED)
    in_thread = call.body.get("reply_in_thread") is True
    return _send(call, parent.chat, msg_type, content, parent=parent, in_thread=in_thread)


def _send(
    call: Call,
    chat: Chat,
    msg_type: str,
    content: str,
    *,
    parent: Message | None = None,
    in_thread: bool = False,
) -> Json:
    uuid = call.text("uuid", required=False)
    if len(uuid) > call.platform.rules.max_uuid_length:
        raise bad_field("uuid", f"the max len is {call.platform.rules.max_uuid_length}")
    if not call.app.active:
        raise ApiError(*BOT_INACTIVE)
    if uuid and (earlier := call.platform.sent.earlier(call.app.app_id, uuid)):
        return item(earlier, call.app)
    entity = cardkit.entity_to_send(call, content) if msg_type == "interactive" else None
    if entity is not None:
        body, mentions = entity.card, ()
    else:
        body, mentions = ContentReader(call.world, call.platform.rules, call.app).read(msg_type, content)
    # Facts, limits table: 5 QPS per user; 5 QPS per group shared by all bots.
    if call.platform.limits.count(("chat", chat.chat_id), (call.platform.rules.sends_per_second, 1.0)):
        raise ApiError(*CHAT_FREQUENCY)
    message = call.world.post(
        call.app, chat, msg_type, body, mentions=mentions, parent=parent, in_thread=in_thread
    )
    if entity is not None:
        entity.message = message
    if uuid:
        call.platform.sent.remember(call.app.app_id, uuid, message)
    return item(message, call.app)


async def get(call: Call) -> Json:
    """``GET /im/v1/messages/:message_id``: a list, because a merged forward has many."""
    message = call.message()
    inner: tuple[Message, ...] = () if message.recalled else message.forwarded
    forwarded = [{**item(one, call.app), "upper_message_id": message.message_id} for one in inner]
    return {"items": [item(message, call.app), *forwarded]}


async def listing(call: Call) -> Json:
    """``GET /im/v1/messages?container_id_type=chat|thread&container_id=&sort_type=`` (Feishu, "获取会话历史消息")

    Of a plain group's topics a chat's list holds only the first message.
    """
    kind, container = call.query("container_id_type"), call.query("container_id")
    if kind not in ("chat", "thread"):
        raise bad_field("container_id_type", "must be chat or thread")
    field = "chat_id" if kind == "chat" else "thread_id"
    found = [
        message
        for message in call.world.messages.values()
        if (message.chat.chat_id if kind == "chat" else message.thread_id) == container
    ]
    if kind == "chat" and container not in call.world.chats:
        raise invalid(f"invalid {field}.")
    chat = call.world.chats.get(container) if kind == "chat" else next((one.chat for one in found), None)
    if chat is not None:
        if call.app not in chat.apps:
            raise ApiError(*NOT_IN_CHAT)
        if chat.chat_type == "group" and "im:message.group_msg" not in call.app.scopes:
            raise ApiError(*NO_GROUP_HISTORY)
    if kind == "chat" and chat is not None and not chat.topic:
        found = [message for message in found if not (message.thread_id and message.parent_id)]
    if call.query("sort_type", default="ByCreateTimeAsc") == "ByCreateTimeDesc":
        found.reverse()
    return call.page([item(message, call.app) for message in found], most=50)


async def edit(call: Call) -> Json:
    """``PUT /im/v1/messages/:message_id``: text and post, at most 20 times (facts, limits table)."""
    message = _own(call)
    msg_type, content = call.text("msg_type"), call.text("content")
    if message.msg_type not in ("text", "post") or msg_type not in ("text", "post"):
        raise ApiError(*WRONG_TYPE)
    if msg_type != message.msg_type:
        raise invalid("msg_type can not be changed.")
    if message.edits >= call.platform.rules.max_edits:
        raise ApiError(*NO_MORE_EDITS)
    call.world.edit(
        message, *ContentReader(call.world, call.platform.rules, call.app).read(msg_type, content)
    )
    return item(message, call.app)


async def patch_card(call: Call) -> Json:
    """``PATCH /im/v1/messages/:message_id``: the whole card again (facts, limits table)."""
    message = _own(call)
    rules = call.platform.rules
    if message.msg_type != "interactive":
        raise ApiError(*WRONG_TYPE)
    if call.world.now_ms() - message.create_time > rules.card_update_window * 1000:
        raise ApiError(*CARD_TOO_OLD)
    card = read_card(call, call.text("content"))
    if not updatable(message.content) or not updatable(card):
        raise invalid("config.update_multi of the card must be true, before and after the update.")
    if call.platform.limits.count(("card", message.message_id), (rules.card_updates_per_second, 1.0)):
        raise ApiError(*CHAT_FREQUENCY)
    call.world.set_card(message, card)
    return {}


def read_card(call: Call, text: str) -> Json:
    """A card from its JSON text. Raises ApiError."""
    if len(text.encode("utf-8", "surrogatepass")) > call.platform.rules.max_card_size:
        raise ApiError(*TOO_LONG)
    card = parse_object(text)
    if card is None:
        raise invalid("content is not a string in json format.")
    check_card(card)
    check_parts(card, call.platform.rules)
    return card


async def recall(call: Call) -> Json:
    """``DELETE /im/v1/messages/:message_id``"""
    message = call.message()
    if message.sender is not call.app:
        raise ApiError(*NO_RECALL_RIGHT)
    if message.recalled:
        raise ApiError(*RECALLED)
    call.world.recall(message)
    return {}


def _own(call: Call) -> Message:
    message = call.message()
    if message.recalled:
        raise ApiError(*RECALLED)
    if message.sender is not call.app:
        raise ApiError(*NOT_OWNER)
    return message
