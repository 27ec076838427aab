"""A message as Feishu hands it out, read: its words, and the pictures and files it holds.

Source: open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/events/message_content.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from ..openapi import Message

_MENTION = re.compile(r"@_(?:user_\d+|all)")
_DEEPEST = 20  # levels of a card
_SAID_IN = ("title", "text", "content")


@dataclass(frozen=True, slots=True)
class Held:
    """A picture or a file in a message.

    Attributes:
        key: To download it.
        kind: As downloads call it.
        name: Of a file, as its sender chose it.
    """

    key: str
    kind: Literal["image", "file"]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A message, read.

    Attributes:
        text: Its words; of what has none its type, in brackets.
        held: What it holds.
    """

    text: str
    held: tuple[Held, ...] = ()


def read(msg_type: str, content: str, names: Mapping[str, str]) -> Reading:
    """Read a message. Whatever is in it, nothing is raised.

    Args:
        msg_type: Its type.
        content: The JSON text of that type.
        names: Who is behind the keys of mentions (`@_user_1`).
    """
    data = _parsed(content)
    match msg_type:
        case "text":
            return Reading(named(_text(data.get("text")), names))
        case "post":
            return _post(data, names)
        case "image":
            return _holding("[image]", Held(_text(data.get("image_key")), "image"))
        case "file":
            name = _text(data.get("file_name"))
            return _holding(f"[file] {name}".rstrip(), Held(_text(data.get("file_key")), "file", name))
        case "interactive":
            return Reading(named("\n".join(_words(data)), names) or "[card]")
        case _:
            return Reading(f"[{msg_type}]" if msg_type else "")


def read_message(message: Message) -> Reading:
    """Read a message as REST gives it."""
    return read(message.msg_type, message.content, {one.key: one.name for one in message.mentions})


def named(text: str, names: Mapping[str, str]) -> str:
    """A text with names where mentions have keys."""
    return _MENTION.sub(lambda found: f"@{names[found[0]]}" if found[0] in names else found[0], text)


def one_line(text: str, most: int) -> str:
    """A text as one line of at most so many characters; what does not show is a space."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _post(data: Mapping[str, Any], names: Mapping[str, str]) -> Reading:
    if "content" not in data:  # some clients wrap it in a locale
        data = next((inner for inner in map(_object, data.values()) if "content" in inner), _object(None))
    title = _text(data.get("title"))
    lines, held = [title] if title else [], list[Held]()
    for paragraph in _list(data.get("content")):
        line: list[str] = []
        for node in map(_object, _list(paragraph)):
            match node.get("tag"):
                case "img":
                    line.append("[image]")
                    held.append(Held(_text(node.get("image_key")), "image"))
                case "at":
                    key = _text(node.get("user_id"))
                    line.append(f"@{names.get(key) or _text(node.get('user_name')) or key}")
                case "a":
                    words, link = _text(node.get("text")), _text(node.get("href"))
                    line.append(words if words == link or not link else f"{words} ({link})")
                case _:
                    line.append(named(_text(node.get("text")), names))
        lines.append("".join(line))
    return _holding("\n".join(lines).strip(), *held)


def _holding(text: str, *held: Held) -> Reading:
    return Reading(text, tuple(one for one in held if one.key))


def _words(node: object, depth: int = 0) -> Iterator[str]:
    """What a card says, whatever its schema."""
    if depth > _DEEPEST:
        return
    for child in _list(node):
        yield from _words(child, depth + 1)
    for key, value in _object(node).items():
        if key in _SAID_IN and isinstance(value, str):
            if value.strip():
                yield value.strip()
        else:
            yield from _words(value, depth + 1)


def _parsed(content: str) -> Mapping[str, Any]:
    try:
        return _object(json.loads(content))
    except (ValueError, RecursionError):
        return {}


def _object(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
