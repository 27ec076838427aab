"""What a person typed, as the content Feishu's own client would send."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ..world import Member, Mention
from .markup import clean, safe_url

__all__ = ["NotAnObjectError", "mentioned", "parse_content", "post_content"]

Element = dict[str, Any]
_STYLE = {"strong": "bold", "em": "italic", "s": "lineThrough"}


class NotAnObjectError(ValueError):
    """The typed JSON is no object; `valid` tells whether it is JSON at all."""

    def __init__(self, *, valid: bool) -> None:
        super().__init__("not a JSON object" if valid else "not JSON")
        self.valid = valid


def parse_content(text: str) -> dict[str, Any]:
    """Typed JSON; raises NotAnObjectError for anything but an object."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        raise NotAnObjectError(valid=False) from None
    if not isinstance(value, dict):
        raise NotAnObjectError(valid=True)
    return cast("dict[str, Any]", value)


def mentioned(text: str, members: Sequence[Member], picked: Sequence[Member]) -> list[Member]:
    """Whom a text names, in order of appearance: everybody whose `@Name` stands in it (the longest wins).

    Of two people with one name it is the one who was picked from the list.
    """
    names = {f"@{who.name}": who for who in (*members, *picked)}
    if not names:
        return []
    pattern = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    found: list[Member] = []
    for hit in pattern.findall(text):
        if names[hit] not in found:
            found.append(names[hit])
    return found


def post_content(text: str, mentions: Sequence[Member]) -> dict[str, Any]:
    """Markdown as the rich text receivers get: styled elements, never `md` (Feishu "接收消息内容")."""
    keys = {f"@{who.name}": Mention(f"@_user_{n}", who) for n, who in enumerate(mentions, start=1)}
    paragraphs: list[list[Element]] = []
    prefix, heading = "", False
    for token in _parser().parse(text):
        match token.type:
            case "fence" | "code_block":
                block = {"tag": "code_block", "language": token.info.strip().upper(), "text": token.content}
                paragraphs.append([block])
            case "hr":
                paragraphs.append([{"tag": "hr"}])
            case "list_item_open":
                prefix = f"{token.info}. " if token.info else "- "
            case "heading_open" | "heading_close":
                heading = token.nesting > 0
            case "inline":
                lines = _inline(token.children or (), keys, ["bold"] if heading else [])
                if prefix:
                    lines[0].insert(0, _text(prefix, ()))
                    prefix = ""
                paragraphs += lines
            case _:
                pass
    return {"title": "", "content": paragraphs or [[_text("", ())]]}


@lru_cache
def _parser() -> MarkdownIt:
    return (
        MarkdownIt("commonmark", {"html": False})
        .enable("strikethrough")
        .disable(["code", "html_block", "html_inline"])
    )


def _inline(tokens: Sequence[Token], keys: Mapping[str, Mention], styles: list[str]) -> list[list[Element]]:
    lines: list[list[Element]] = [[]]
    href = ""
    for token in tokens:
        kind = token.type.removesuffix("_open").removesuffix("_close")
        if kind in _STYLE:
            styles.append(_STYLE[kind]) if token.nesting > 0 else styles.remove(_STYLE[kind])
        elif kind == "link":
            href = safe_url(token.attrGet("href")) if token.nesting > 0 else ""
        elif token.type in ("softbreak", "hardbreak"):
            lines.append([])
        elif token.content and href:
            lines[-1].append({"tag": "a", "href": href, "text": clean(token.content), "style": [*styles]})
        elif token.content:
            lines[-1] += _with_mentions(token.content, styles, keys)
    return lines


def _with_mentions(text: str, styles: Sequence[str], keys: Mapping[str, Mention]) -> list[Element]:
    if not keys:
        return [_text(text, styles)]
    pattern = "|".join(re.escape(name) for name in sorted(keys, key=len, reverse=True))
    parts: list[Element] = []
    for part in re.split(f"({pattern})", text):
        if one := keys.get(part):
            parts.append({"tag": "at", "user_id": one.key, "user_name": one.who.name, "style": [*styles]})
        elif part:
            parts.append(_text(part, styles))
    return parts


def _text(text: str, styles: Sequence[str]) -> Element:
    return {"tag": "text", "text": clean(text), "style": [*styles]}
