"""What Feishu sends, made into what the stock models accept, without touching the caller's payload.

Feishu leaves fields out or sends null where its documents promise a string (user_id without the contact
scope, ids of mentioned bots), and adds chat types and fields over time (feishu-facts.md, NoneBot-specific
traps). Everything here is total: any JSON object gives a usable result.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard, cast

Json = dict[str, Any]

MESSAGE = "im.message.receive_v1"
CARD_ACTION = "card.action.trigger"
_CARD_ACTION_OLD = "card.action.trigger_v1"


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def as_object(value: object) -> Mapping[str, Any]:
    return value if is_object(value) else {}


def as_list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_objects(value: object) -> list[Mapping[str, Any]]:
    return [item for item in as_list(value) if is_object(item)]


def as_text(value: object) -> str:
    """A string field: null, missing and nested values read as empty, numbers as their digits."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) else ""


def envelope(payload: Mapping[str, Any], app_id: str) -> tuple[Json, Mapping[str, Any]]:
    """Header and body of one callback, whichever of Feishu's three shapes it has.

    Schema 2.0 (`header`, `event`), schema 1.0 (`uuid`, `ts`, `event.type`), and the old, flat card callback.
    """
    body = as_object(payload.get("event"))
    if is_object(raw := payload.get("header")):
        header: Mapping[str, Any] = raw
    elif is_object(payload.get("action")):
        body = payload
        header = {
            "event_type": CARD_ACTION,
            "event_id": _card_event_id(payload),
            **_pick(payload, "tenant_key"),
        }
    else:
        header = {
            "event_type": body.get("type") or payload.get("type"),
            "event_id": payload.get("uuid"),
            "create_time": _milliseconds(payload.get("ts")),
            **_pick(payload, "token"),
            **_pick(body, "app_id", "tenant_key"),
        }
    event_type = as_text(header.get("event_type"))
    return {
        **header,
        "event_id": as_text(header.get("event_id")),
        "event_type": CARD_ACTION if event_type == _CARD_ACTION_OLD else event_type,
        "create_time": as_text(header.get("create_time")),
        "token": as_text(header.get("token")),
        "app_id": as_text(header.get("app_id")) or app_id,
        "tenant_key": as_text(header.get("tenant_key")),
        "resource_id": as_text(header.get("resource_id")) or None,
        "user_list": as_objects(header.get("user_list")) or None,
    }, body


def message_body(body: Mapping[str, Any]) -> Json:
    """The `event` of im.message.receive_v1, complete and with only the chat types the stock models know."""
    sender, message = as_object(body.get("sender")), as_object(body.get("message"))
    chat_type = as_text(message.get("chat_type"))
    fixed = {
        "chat_type": "p2p" if chat_type == "p2p" else "group",
        "platform_chat_type": chat_type,
        "content": _content(message.get("content")),
        "mentions": [_mention(item) for item in as_objects(message.get("mentions"))] or None,
        **{
            name: as_text(message.get(name))
            for name in ("message_id", "create_time", "chat_id", "message_type")
        },
        **{name: as_text(message.get(name)) or None for name in ("root_id", "parent_id", "thread_id")},
    }
    return {
        **body,
        "message": {**message, **fixed},
        "sender": {
            "sender_id": user_ids(sender.get("sender_id")),
            "sender_type": as_text(sender.get("sender_type")),
            "tenant_key": as_text(sender.get("tenant_key")),
        },
    }


def quoted_message(item: Mapping[str, Any]) -> Json:
    """One item of `GET im/v1/messages/:id`, complete for the stock `Reply`."""
    sender, text = as_object(item.get("sender")), as_text
    names = ("message_id", "msg_type", "create_time", "update_time", "chat_id")
    links = ("root_id", "parent_id", "thread_id", "upper_message_id")
    return {
        **item,
        **{name: text(item.get(name)) for name in names},
        **{name: text(item.get(name)) or None for name in links},
        "deleted": item.get("deleted") is True,
        "updated": item.get("updated") is True,
        "sender": {name: text(sender.get(name)) for name in ("id", "id_type", "sender_type", "tenant_key")},
        "body": {"content": _content(as_object(item.get("body")).get("content"))},
        "mentions": [
            {name: text(mention.get(name)) for name in ("id", "id_type", "key", "name", "tenant_key")}
            for mention in as_objects(item.get("mentions"))
        ],
    }


def card_body(body: Mapping[str, Any]) -> Json:
    """The `event` of a card click; the old flat callback is lifted into the shape of the new one."""
    operator, context = as_object(body.get("operator")), as_object(body.get("context"))
    action = as_object(body.get("action"))
    legacy = not operator and not context
    operator = operator or _pick(body, "open_id", "user_id", "union_id", "tenant_key")
    context = context or _pick(body, "open_message_id", "open_chat_id")
    return {
        "operator": {**operator, **user_ids(operator), "tenant_key": as_text(operator.get("tenant_key"))},
        "token": as_text(body.get("token")),
        "host": as_text(body.get("host")),
        "legacy": legacy,
        "delivery_type": as_text(body.get("delivery_type")),
        "context": {
            **context,
            "open_message_id": as_text(context.get("open_message_id")),
            "open_chat_id": as_text(context.get("open_chat_id")),
        },
        "action": {
            **action,
            **{name: as_text(action.get(name)) or None for name in ("name", "option", "timezone")},
            "tag": as_text(action.get("tag")),
            "options": [as_text(item) for item in as_list(action.get("options"))],
            "form_value": dict(as_object(action.get("form_value"))),
            "input_value": value if isinstance(value := action.get("input_value"), str) else None,
            "checked": value if isinstance(value := action.get("checked"), bool) else None,
        },
    }


def user_ids(value: object) -> Json:
    """open_id, union_id and user_id as strings; "" is "not told". A bare string is an open_id."""
    if isinstance(value, str):
        return {"open_id": value, "union_id": "", "user_id": ""}
    ids = as_object(value)
    return {name: as_text(ids.get(name)) for name in ("open_id", "union_id", "user_id")}


def _mention(item: Mapping[str, Any]) -> Json:
    names = ("key", "name", "tenant_key")
    return {**item, **{name: as_text(item.get(name)) for name in names}, "id": user_ids(item.get("id"))}


def _content(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _pick(source: Mapping[str, Any], *names: str) -> Json:
    return {name: source[name] for name in names if name in source}


def moment(milliseconds: str) -> datetime | None:
    """A time of Feishu's (aware, UTC); None if it is none."""
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _milliseconds(seconds: object) -> str:
    try:
        return str(int(float(as_text(seconds)) * 1000))
    except (ValueError, OverflowError):
        return ""


def _card_event_id(payload: Mapping[str, Any]) -> str:
    # The flat callback has no event id; its token is new for every click, but too secret to serve as one.
    token = as_text(payload.get("token"))
    return f"card-{hashlib.sha256(token.encode()).hexdigest()[:32]}" if token else ""
