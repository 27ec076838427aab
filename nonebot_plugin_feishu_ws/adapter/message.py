"""Message content as Feishu sends it -> the stock adapter's segments.

Shapes: open.larkoffice.com …/im-v1/message/events/message_content. A rich text (`post`) is flattened into
Text, At, Image and Media segments like those of plain messages, so that commands and mentions work in it too;
its raw form stays in `event.event.message.content`.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nonebot.adapters.feishu import Message, MessageSegment
from nonebot.adapters.feishu.message import (
    At,
    Audio,
    File,
    Folder,
    Hongbao,
    Image,
    Interactive,
    Location,
    Media,
    ShareCalendarEvent,
    ShareChat,
    ShareUser,
    Sticker,
    System,
    Text,
    Todo,
    VideoChat,
    Vote,
)

from .normalise import Json, as_list, as_object, as_objects, as_text, is_object

# Segment class, and the keys other plugins read without asking whether they are there.
_SEGMENTS: dict[str, tuple[type[MessageSegment], dict[str, Any]]] = {
    "image": (Image, {"image_key": ""}),
    "file": (File, {"file_key": "", "file_name": None}),
    "folder": (Folder, {"file_key": "", "file_name": None}),
    "audio": (Audio, {"file_key": "", "duration": None}),
    "media": (Media, {"file_key": "", "image_key": None, "file_name": None, "duration": None}),
    "sticker": (Sticker, {"file_key": ""}),
    "interactive": (Interactive, {}),
    "hongbao": (Hongbao, {"text": ""}),
    "share_calendar_event": (ShareCalendarEvent, {"summary": "", "start_time": "", "end_time": ""}),
    "share_chat": (ShareChat, {"chat_id": ""}),
    "share_user": (ShareUser, {"user_id": ""}),
    "system": (System, {"template": "", "from_user": [], "to_chatters": []}),
    "location": (Location, {"name": "", "longitude": "", "latitude": ""}),
    "video_chat": (VideoChat, {"topic": "", "start_time": ""}),
    "todo": (Todo, {"task_id": "", "summary": {"title": "", "content": []}, "due_time": ""}),
    "vote": (Vote, {"topic": "", "options": []}),
}
_UNLISTED_KEY = r"@_user_\d+|@_all"


def parse_content(content: str, message_type: str, mentions: Sequence[Json] | None) -> Message:
    """Segments of one received message, never empty and never raising.

    Mentions are as `message_body` gives them.

    Unknown types become a segment of that type with the JSON as data; content that is not a JSON object
    (merge_forward's is not) is kept as `{"content": raw}`.
    """
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        data = None
    if not is_object(data):
        readable = message_type in ("text", "post")
        data = {"text": content} if readable else {"content": content}
        message_type = "text" if readable else message_type
    match message_type:
        case "text":
            return _joined(_text(as_text(data.get("text")), _Mentions(mentions)))
        case "post":
            return _joined(_post(data, _Mentions(mentions)))
        case _:
            cls, defaults = _SEGMENTS.get(message_type, (MessageSegment, {}))
            return Message([cls(message_type, {**defaults, **data})])


class _Mentions:
    """Which At segment stands for which key of a text."""

    def __init__(self, mentions: Sequence[Json] | None) -> None:
        self._by_key = {mention["key"]: mention for mention in mentions or () if mention["key"]}

    def split(self, text: str) -> Iterator[tuple[str, str]]:
        """Pairs of (text before, mention key); the last key is ""."""
        if "@_" not in text and not any(key in text for key in self._by_key):
            yield text, ""
            return
        # Longest first: "@_user_1" must not swallow the beginning of "@_user_12".
        keys = sorted(map(re.escape, self._by_key), key=len, reverse=True)
        start = 0
        for found in re.finditer("|".join([*keys, _UNLISTED_KEY]), text):
            yield text[start : found.start()], found.group()
            start = found.end()
        yield text[start:], ""

    def at(self, key: str, name: str = "") -> At:
        """The At of a mention key, or of the id a rich text has instead of one. Unknown keys name nobody."""
        if key in ("@_all", "all"):
            return At("at", {"user_id": "all"})
        mention = self._by_key.get(key)
        user_id = mention["id"]["open_id"] if mention else "" if key.startswith("@_") else key
        name = (mention["name"] if mention else "") or name
        data: dict[str, Any] = {"user_id": user_id, **({"user_name": name} if name else {})}
        return At("at", data)  # pyright: ignore[reportArgumentType] (a rich text's At also carries user_name)


def _text(text: str, mentions: _Mentions) -> Iterator[MessageSegment]:
    for before, key in mentions.split(text):
        if before:
            yield Text("text", {"text": before})
        if key:
            yield mentions.at(key)


def _post(data: Mapping[str, Any], mentions: _Mentions) -> Iterator[MessageSegment]:
    if "content" not in data:  # some clients wrap it in a locale: {"zh_cn": {"title": …, "content": …}}
        data = next((inner for inner in map(as_object, data.values()) if "content" in inner), as_object(None))
    title = as_text(data.get("title"))
    newline = Text("text", {"text": "\n"})
    if title:
        yield Text("text", {"text": title})
    for index, paragraph in enumerate(as_list(data.get("content"))):
        if title or index:
            yield newline
        for node in as_objects(paragraph):
            yield from _node(node, mentions)


def _node(node: Mapping[str, Any], mentions: _Mentions) -> Iterable[MessageSegment]:
    text = as_text(node.get("text"))
    match node.get("tag"):
        case "at":
            return (mentions.at(as_text(node.get("user_id")), as_text(node.get("user_name"))),)
        case "a":
            href = as_text(node.get("href"))
            return _text(
                text if text == href or not href else f"[{text}]({href})" if text else href, mentions
            )
        case "img":
            return (Image("image", {"image_key": as_text(node.get("image_key"))}),)
        case "media":
            cls, defaults = _SEGMENTS["media"]
            return (cls("media", {**defaults, **{key: node[key] for key in node if key != "tag"}}),)
        case "emotion":
            return (Text("text", {"text": f"[{as_text(node.get('emoji_type'))}]"}),)
        case "code_block":
            return (
                Text("text", {"text": f"```{as_text(node.get('language')).lower()}\n{text.rstrip()}\n```"}),
            )
        case "hr":
            return (Text("text", {"text": "---"}),)
        case _:  # text, md, and whatever comes next
            return _text(text, mentions)


def _joined(segments: Iterable[MessageSegment]) -> Message:
    """A message whose neighbouring texts are one segment: command matching only looks at the first."""
    message = Message()
    run: list[str] = []
    for segment in segments:
        if isinstance(segment, Text):
            run.append(segment.data["text"])
            continue
        if run:
            message.append(Text("text", {"text": "".join(run)}))
            run.clear()
        message.append(segment)
    if run or not message:
        message.append(Text("text", {"text": "".join(run)}))
    return message


def is_at(segment: MessageSegment, open_id: str) -> bool:
    return segment.type == "at" and bool(open_id) and as_object(segment.data).get("user_id") == open_id
