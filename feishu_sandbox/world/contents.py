"""Message contents as receivers get them, one per type.

Source: Feishu, "接收消息内容" (im-v1/message/events/message_content).
"""

import json
from collections.abc import Sequence

from .ids import new_id
from .loose import as_list, as_object
from .model import Json, Mention

SAMPLES: dict[str, Json] = {
    "image": {"image_key": "img_v3_02ab_8d5a1f4c-7a52-4a8e-9f3b-5f0a2c6d1e7g"},
    "file": {"file_key": "file_v3_00ab_75235e0c-4f92-430a-a99b-8446610223cg", "file_name": "report.txt"},
    "folder": {"file_key": "file_v3_00ab_8a1c7f3e-2d5b-4b0e-8c7d-1f2e3a4b5c6g", "file_name": "folder"},
    "audio": {"file_key": "file_v3_00ab_19de7f05-8e06-4f7c-b0f6-3a7d2b6c5e4g", "duration": 2000},
    "media": {
        "file_key": "file_v3_00ab_6c3b1c1a-6d0a-4e1c-9f4d-8b7a6c5d4e3g",
        "image_key": "img_v3_02ab_2f7d0f5b-53b1-4d0e-9f2f-5d0b1c2a3e4g",
        "file_name": "clip.mp4",
        "duration": 2000,
    },
    "sticker": {"file_key": "4ba009df-2453-47b3-a753-444b152217bg"},
    "interactive": {
        "title": "Card",
        "elements": [[{"tag": "text", "text": "A forwarded card"}]],
    },
    "merge_forward": {"content": "Merged and Forwarded Message"},
    "location": {"name": "浙江省杭州市余杭区五常街道", "longitude": "120.005467", "latitude": "30.285467"},
    "share_chat": {"chat_id": "oc_0dd200d32fda15216d2c2ef1ddb32f76"},
    "share_user": {"user_id": "ou_0dd200d32fda15216d2c2ef1ddb32f76"},
    "system": {
        "template": "{from_user} invited {to_chatters} to this chat.",
        "from_user": ["Ada"],
        "to_chatters": ["Ben"],
    },
    "todo": {
        "task_id": "7054521712512345678",
        "summary": {"title": "", "content": [[{"tag": "text", "text": "新任务"}]]},
        "due_time": "1623124318000",
    },
    "vote": {"topic": "午饭", "options": ["面", "饭", "粥"]},
    "hongbao": {"text": "[红包]"},
    "video_chat": {"topic": "视频会议", "start_time": "1623124318000"},
    "share_calendar_event": {"summary": "周会", "start_time": "1608265395000", "end_time": "1608267015000"},
    "calendar": {"summary": "周会", "start_time": "1608265395000", "end_time": "1608267015000"},
    "general_calendar": {"summary": "周会", "start_time": "1608265395000", "end_time": "1608267015000"},
}
"""A valid content of every type but text and post, which are made from words."""

MESSAGE_TYPES = ("text", "post", *SAMPLES)

SENDABLE_TYPES = (
    "text",
    "post",
    "image",
    "file",
    "audio",
    "media",
    "sticker",
    "interactive",
    "share_chat",
    "share_user",
    "system",
)
"""What an app can send (im-v1/message/create, ``msg_type``)."""


def spoken(text: str, mentions: Sequence[Mention]) -> str:
    """``text`` with each ``@Name`` turned into its key; a mention that is not in the text goes in front."""
    missing: list[str] = []
    for mention in mentions:
        name = f"@{mention.who.name}"
        if name in text:
            text = text.replace(name, mention.key, 1)
        elif mention.key not in text:
            missing.append(mention.key)
    return " ".join([*missing, text]) if text else " ".join(missing)


def user_content(msg_type: str, text: str, mentions: Sequence[Mention]) -> Json:
    """What arrives when a user writes ``text``, or sends something of another type without details.

    Raises ValueError for a type Feishu does not have.
    """
    if msg_type == "text":
        return {"text": spoken(text, mentions)}
    if msg_type == "post":
        at: list[Json] = [
            {"tag": "at", "user_id": m.key, "user_name": m.who.name, "style": []} for m in mentions
        ]
        lines: list[list[Json]] = [[{"tag": "text", "text": line, "style": []}] for line in text.split("\n")]
        return {"title": "", "content": [[*at, *lines[0]], *lines[1:]]}
    if msg_type not in SAMPLES:
        raise ValueError(f"unknown message type {msg_type!r}, one of: {', '.join(MESSAGE_TYPES)}")
    return json.loads(json.dumps(SAMPLES[msg_type]))


def card_summary(card: Json) -> Json:
    """The simplified form in which Feishu hands out a card's content: a title and rows of plain elements."""
    if "title" in card and "header" not in card:
        return card
    body = as_object(card.get("body"))
    rows: list[list[Json]] = []
    _collect((body or card).get("elements"), rows)
    return {"title": _text_of((as_object(card.get("header")) or {}).get("title")), "elements": rows}


def _collect(node: object, rows: list[list[Json]]) -> None:
    for child in as_list(node):
        _collect(child, rows)
    element = as_object(node)
    if element is None:
        return
    text = _text_of(element.get("text")) or _text_of(element.get("content"))
    match element.get("tag"):
        case "button":
            rows.append([{"tag": "button", "text": text, "type": element.get("type", "default")}])
        case "hr":
            rows.append([{"tag": "hr"}])
        case "img":
            rows.append([{"tag": "img", "image_key": element.get("img_key")}])
        case _:
            if text:
                rows.append([{"tag": "text", "text": text}])
            for key in ("fields", "actions", "elements", "columns", "extra"):
                _collect(element.get(key), rows)


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value
    return str((as_object(value) or {}).get("content", ""))


def new_resource_key(kind: str) -> str:
    """An image_key or file_key as uploads return it."""
    tail = new_id("", 32)
    uuid = "-".join((tail[:8], tail[8:12], tail[12:16], tail[16:20], tail[20:31] + "g"))
    return ("img_v3_02ab_" if kind == "image" else "file_v3_00ab_") + uuid
