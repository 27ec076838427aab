"""A NoneBot message -> the Feishu messages that carry it.

Shapes: open.larkoffice.com …/im-v1/message-content-description/create_json. What a rich text can hold is
joined into one message; a file, a card and the like need one of their own.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nonebot.adapters.feishu import Message, MessageSegment

from .normalise import as_list, as_object, as_text, is_object

_INLINE = frozenset({"text", "at", "a", "emotion"})
# "图片、视频元素必须是独立的一个段落": a paragraph with one of these holds nothing else.
_PARAGRAPH = frozenset({"image", "img", "media", "md", "hr", "code_block"})
_NO_NODES = frozenset({"post"})
_JOINED = _INLINE | _PARAGRAPH | _NO_NODES

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to send: `msg_type` and the JSON text of `content`."""

    msg_type: str
    content: str


def to_outgoing(message: Message) -> list[Outgoing]:
    """The Feishu messages for a NoneBot message, in order.

    Raises:
        ValueError: the message is empty.
    """
    parts: list[Outgoing] = []
    run: list[MessageSegment] = []
    for segment in message:
        if segment.type in _JOINED:
            run.append(segment)
            continue
        parts += _flush(run)
        parts.append(
            _outgoing(segment.type, {key: value for key, value in segment.data.items() if value is not None})
        )
    parts += _flush(run)
    if not parts:
        raise ValueError("Cannot send an empty message")
    return parts


def _flush(run: list[MessageSegment]) -> Iterator[Outgoing]:
    segments = [segment for segment in run if segment.type != "text" or segment.data.get("text")]
    run.clear()
    kinds = {segment.type for segment in segments}
    if not segments:
        return
    if kinds == {"text"}:
        yield _outgoing("text", {"text": "".join(as_text(segment.data.get("text")) for segment in segments)})
    elif len(segments) == 1 and kinds <= {"image", "media"}:
        [segment] = segments
        yield _outgoing(
            segment.type, {key: value for key, value in segment.data.items() if value is not None}
        )
    elif len(segments) == 1 and "post" in kinds and _is_localised(segments[0].data):
        yield _outgoing("post", segments[0].data)
    else:
        yield _outgoing("post", {"zh_cn": _post(segments)})


def _post(segments: list[MessageSegment]) -> Node:
    title = ""
    paragraphs: list[list[Node]] = []
    open_paragraph = False
    for segment in segments:
        if segment.type == "post":
            post = next(iter(segment.data.values())) if _is_localised(segment.data) else segment.data
            title = title or as_text(post.get("title"))
            paragraphs += post.get("content") or []
        elif segment.type in _INLINE:
            if not open_paragraph:
                paragraphs.append([])
            paragraphs[-1].append(_node(segment))
        else:
            paragraphs.append([_node(segment)])
        open_paragraph = segment.type in _INLINE
    return {"title": title, "content": paragraphs}


def _node(segment: MessageSegment) -> Node:
    data = {key: value for key, value in segment.data.items() if value is not None}
    if segment.type == "at" and not data.get("user_id"):
        return {"tag": "text", "text": f"@{data.get('user_name', '')}"}  # someone we know by name only
    return {"tag": "img" if segment.type == "image" else segment.type, **data}


def _is_localised(post: Mapping[str, Any]) -> bool:
    return bool(post) and "content" not in post and all(is_object(inner) for inner in post.values())


def _outgoing(msg_type: str, content: Mapping[str, Any]) -> Outgoing:
    return Outgoing(msg_type, json.dumps(as_object(content), ensure_ascii=False))


def repaired(msg_type: str, content: str) -> Outgoing:
    """What the stock `Message.serialize` makes (plugins call it themselves), in the form Feishu takes.

    A lone mention is not a message type, and pictures need paragraphs of their own. All else stays as it is.
    """
    if msg_type not in ("at", "post"):
        return Outgoing(msg_type, content)
    try:
        data = as_object(json.loads(content))
    except ValueError:
        return Outgoing(msg_type, content)
    if msg_type == "at":
        return _outgoing("post", {"zh_cn": _post([MessageSegment("at", dict(data))])})
    locales = {
        name: {**as_object(post), "content": _paragraphs(as_object(post))} for name, post in data.items()
    }
    return _outgoing("post", locales)


def _paragraphs(post: Mapping[str, Any]) -> list[list[Node]]:
    return [
        list(nodes)
        for row in as_list(post.get("content"))
        for alone, nodes in groupby(as_list(row), lambda node: as_object(node).get("tag") in _PARAGRAPH)
        for nodes in ([[node] for node in nodes] if alone else [nodes])
    ]
