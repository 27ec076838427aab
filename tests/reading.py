"""Reading messages as a person does."""

from collections.abc import Iterator
from typing import Any

from feishu_sandbox import Message


def plain(message: Message) -> str:
    """The words of a text or a post."""
    if message.msg_type != "post":
        return message.text
    lines = message.content.get("content") or next(iter(message.content.values()))["content"]
    return "\n".join("".join(str(node.get("text", "")) for node in line) for line in lines)


def walk(part: Any) -> Iterator[dict[str, Any]]:
    """Every object in a card."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from walk(inner)


def read(message: Message) -> str:
    """The words of a message, of a card too."""
    if message.msg_type != "interactive":
        return plain(message)
    return "\n".join(str(part["content"]) for part in walk(message.content) if "content" in part)


def values(card: Message) -> list[Any]:
    """What the buttons of a card carry."""
    return [part["value"] for part in walk(card.content) if part.get("type") == "callback"]
