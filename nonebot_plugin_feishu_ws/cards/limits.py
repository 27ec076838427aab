"""What Feishu takes of a card, and cards made to fit.

- 30 KB for the request that carries it (open.feishu.cn …/im-v1/message/create: 230025; feishu-facts.md), in which the
  card is JSON inside a JSON string. 1 KB is kept for what is around it.
- 200 components and texts (…/card-json-v2-structure; 300305). Counted is whatever has a `tag`, which is no less than
  Feishu counts.
- Tables: five say Feishu's pages, with three it was seen to end (feishu-facts.md, "CardKit"), so it is three.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..texts import Locale
from ..texts.cards import CardTexts
from .parts import Json, text, walk

LARGEST = 29 * 1024
"""Bytes of a card in its request."""
MOST_ELEMENTS = 200
MOST_TABLES = 3
_SHORTEST = 100  # characters that are left of every text; less says nothing
_PIECE = (
    3000  # characters of a text, where one is taken apart for several cards; JSON makes up to 7 bytes of one
)
_CLICKABLE = frozenset({"button", "form", "input", "select_static", "date_picker"})


class CardTooLarge(ValueError):  # noqa: N818 (named for what is the case)
    """What can be clicked in a card is more than Feishu takes, and none of that may be left out.

    Attributes:
        size: bytes in the request.
        elements: how many.
    """

    def __init__(self, card: Json) -> None:
        self.size, self.elements = size(card), elements(card)
        super().__init__(f"a card of {self.size} bytes and {self.elements} elements cannot be made smaller")


def size(card: Json) -> int:
    """Bytes of a card in its request: JSON in a JSON string, in UTF-8."""
    content = json.dumps(card, ensure_ascii=False)
    return len(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def elements(card: Json) -> int:
    """Components and texts of a card."""
    return sum("tag" in part for part in walk(card))


def fits(card: Json) -> bool:
    """Whether Feishu takes the card as it is."""
    return size(card) <= LARGEST and elements(card) <= MOST_ELEMENTS and len(_tables(card)) <= MOST_TABLES


def fit(card: Json, locale: Locale = "zh_CN") -> Json:
    """One card that Feishu takes, from one that it may not. What is left out is marked where it was.

    Tables that are too many become text; then the longest texts are cut; then what can only be read is left out, from
    the end. What can be clicked stays.

    Parameters:
        card: of this module's parts, or any card JSON 2.0; it is not changed.
        locale: of the marks.

    Raises:
        CardTooLarge: nothing is left that may be left out.
    """
    if fits(card):
        return card
    words = CardTexts(locale)
    for tables in (MOST_TABLES, 0):
        if (cut := _cut(_with_tables(card, tables), words)) is not None:
            return cut
    return _left_out(_capped(_with_tables(card, 0), _SHORTEST, words), words)


def split(card: Json, locale: Locale = "zh_CN") -> list[Json]:
    """As many cards as it takes, numbered, with nothing left out but what does not fit into a card of its own.

    Parameters:
        card: as for `fit`. Its texts are taken apart, forms and panels are not.
        locale: of the numbers and marks.

    Raises:
        CardTooLarge: a single element is too large and cannot be made smaller.
    """
    if fits(card):
        return [card]
    words = CardTexts(locale)
    card = {**card, "header": _capped(card.get("header", {}), _SHORTEST, words)}
    bodies: list[list[Json]] = [[]]
    for element in _pieces(card):
        if not fits(_with(card, [*bodies[-1], element])):
            bodies.append([])
        bodies[-1] += _body(fit(_with(card, [element]), locale))
    bodies = [body for body in bodies if body]
    return [_numbered(_with(card, body), n, len(bodies), words) for n, body in enumerate(bodies, 1)]


def _body(card: Json) -> list[Json]:
    return card.get("body", {}).get("elements", [])


def _with(card: Json, body: list[Json]) -> Json:
    return {**card, "body": {**card.get("body", {}), "elements": body}}


def _numbered(card: Json, number: int, of: int, words: CardTexts) -> Json:
    header = card["header"]
    if "title" not in header:
        return card
    title = {**header["title"], "content": words.part(header["title"]["content"], number, of)}
    return {**card, "header": {**header, "title": title}}


def _tables(card: Json) -> list[Json]:
    return [part for part in _body(card) if part.get("tag") == "table"]


def _with_tables(card: Json, most: int) -> Json:
    """The card with its first tables; the others are text."""
    body, left = list(_body(card)), most
    for index, part in enumerate(body):
        if part.get("tag") == "table":
            left -= 1
            body[index] = part if left >= 0 else text(_lines(part))
    return _with(card, body)


def _lines(table: Json) -> str:
    keys = [column["name"] for column in table["columns"]]
    headings = [column.get("display_name") or column["name"] for column in table["columns"]]
    rows = [[str(row.get(key, "")) for key in keys] for row in table["rows"]]
    return "\n".join(" | ".join(cells) for cells in [headings, *rows])


def _cut(card: Json, words: CardTexts) -> Json | None:
    """The card with its texts as long as they can be, or None if that does not help."""
    if elements(card) > MOST_ELEMENTS or not fits(_capped(card, _SHORTEST, words)):
        return None
    low, high = _SHORTEST, max(map(len, _texts(card)), default=_SHORTEST)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(_capped(card, middle, words)) else (low, middle - 1)
    return _capped(card, low, words)


def _texts(card: Json) -> Iterator[str]:
    seen: list[str] = []
    _mapped(card, lambda content: seen.append(content) or content)
    yield from seen


def _capped(card: Json, longest: int, words: CardTexts) -> Json:
    def cap(content: str) -> str:
        if len(content) <= longest:
            return content
        kept = content[: _whole(content, longest)]
        mark = words.cut(len(content) - len(kept))
        return f"{_closed(kept)}\n{mark}" if len(mark) < len(content) - len(kept) else content

    return _mapped(card, cap)


def _mapped(part: Any, change: Callable[[str], str]) -> Any:
    """A copy with every text that is only read changed: contents and the cells of tables."""
    if isinstance(part, list):
        return [_mapped(each, change) for each in part]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(part, dict) or part.get("type") == "callback":  # pyright: ignore[reportUnknownMemberType]
        return part  # pyright: ignore[reportUnknownVariableType]
    made: Json = {key: _mapped(value, change) for key, value in part.items()}  # pyright: ignore[reportUnknownVariableType]
    if made.get("tag") in ("plain_text", "markdown"):
        made["content"] = change(made["content"])
    elif made.get("tag") == "table":
        made["rows"] = [
            {key: change(cell) if isinstance(cell, str) else cell for key, cell in row.items()}
            for row in made["rows"]
        ]
    return made


def _closed(markdown: str) -> str:
    """Text whose last code block ends with it."""
    return f"{markdown}\n```" if _open_fence(markdown) else markdown


def _open_fence(markdown: str) -> str:
    """The line that began a code block which is not over, or ""."""
    fences = re.findall(r"^```.{0,20}", markdown, re.MULTILINE)
    return fences[-1] if len(fences) % 2 else ""


def _whole(content: str, end: int) -> int:
    """Where to cut near `end`, not within a character reference."""
    found = re.search(r"&#?\w{0,6}$", content[:end])
    return found.start() if found and found.start() else end


def _left_out(card: Json, words: CardTexts) -> Json:
    body = _body(card)
    readable = [
        index
        for index, part in enumerate(body)
        if not any(each.get("tag") in _CLICKABLE for each in walk(part))
    ]
    for count in range(1, len(readable) + 1):
        first, *others = readable[-count:]
        kept = [part for index, part in enumerate(body) if index not in others]
        kept[first] = text(words.left_out(count))
        if fits(made := _with(card, kept)):
            return made
    raise CardTooLarge(card)


def _pieces(card: Json) -> Iterator[Json]:
    """The elements of a card, those of long text taken apart, and tables that fill no single card as text."""
    for part in _body(card):
        if part.get("tag") == "table" and not fits(_with(card, [part])):
            part = text(_lines(part))
        if part.get("tag") == "markdown":
            yield from ({**part, "content": piece} for piece in _apart(part["content"]))
        elif part.get("tag") == "div" and "text" in part:
            yield from (
                {**part, "text": {**part["text"], "content": piece}}
                for piece in _apart(part["text"]["content"], fences=part["text"]["tag"] != "plain_text")
            )
        else:
            yield part


def _apart(content: str, *, fences: bool = True) -> Iterator[str]:
    while len(content) > _PIECE:
        end = content.rfind("\n", _PIECE // 2, _PIECE) + 1 or _whole(content, _PIECE)
        piece, content = content[:end], content[end:]
        if fences and (fence := _open_fence(piece)):
            piece, content = f"{piece}\n```", f"{fence}\n{content}"
        yield piece
    yield content
