"""Markdown that grows, cut into pages: what of it can be shown already, and where the next card begins.

Cutting only looks at what is before the cut, so text that is added at the end changes no page but the last.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_DELIMITER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_HALF_FENCE = re.compile(r" {0,3}(?:`{1,2}|~{1,2})")
_LONGEST_ROW = 2000
"""Characters of an unfinished table row that are held back; a longer one is shown as it is."""
_LANGUAGE = 40
"""Characters kept of what stands behind a fence."""
_SLACK = 200
"""Characters before the end of a page in which a line that must be cut is cut at a space."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one page holds.

    Parameters:
        size: bytes in a request, where a card is JSON in a JSON string. Code fences come on top, some 100 at most.
        tables: how many, at least one.
    """

    size: int
    tables: int


def cost(text: str) -> int:
    """Bytes of a text in a card in a request."""
    quoted = json.dumps(json.dumps(text, ensure_ascii=False)[1:-1], ensure_ascii=False)
    return len(quoted.encode("utf-8", "replace")) - 2


def paginate(text: str, bounds: Bounds, *, whole: bool) -> list[str]:
    """The pages of a text, at least one; joined they are the text.

    They end before a paragraph where they can, else before a line, else within it.

    Parameters:
        whole: nothing will be added.
    """
    pages: list[str] = []
    while end := _cut(text, bounds, whole=whole):
        pages.append(text[:end])
        text = text[end:]
    return [*pages, text]


def rendered(pages: list[str]) -> list[str]:
    """Pages that can be shown: a code block that goes on on the next one is closed and opened again."""
    shown: list[str] = []
    fence = ""
    for page in pages:
        begun = f"{fence}\n{page}" if fence else page
        fence = _open_fence(begun)
        if mark := _FENCE.fullmatch(fence):
            fence = mark[1] + mark[2][:_LANGUAGE]
            begun += mark[1] if begun.endswith("\n") else f"\n{mark[1]}"
        shown.append(begun)
    return shown


def settled(text: str) -> str:
    """The text without what cannot be shown before more of it is there: half a table row, a table's heading without the
    line below it, half a code fence.
    """
    head, newline, last = text.rpartition("\n")
    if _HALF_FENCE.fullmatch(last):
        return head + newline
    if _open_fence(text) or len(last) > _LONGEST_ROW:
        return text
    if _is_row(last):
        text = head + newline
    elif last:
        return text
    lines = text.split("\n")
    if len(lines) > 1 and _is_row(lines[-2]) and not (len(lines) > 2 and _is_row(lines[-3])):
        return text[: len(text) - len(lines[-2]) - 1]
    return text


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def _cut(text: str, bounds: Bounds, *, whole: bool) -> int:
    """Where the first page ends; 0 if the text fits."""
    used = tables = 0
    start = previous = paragraph = 0  # of this line, of the one before, of the last paragraph worth a cut
    for line, fenced in _lines(text):
        size = cost(line)
        if used + size > bounds.size:
            return paragraph or start or _within(line, bounds.size)
        complete = whole or line.endswith("\n")
        if not fenced and complete and start > previous and "|" in text[previous:start]:
            tables += bool(_DELIMITER.fullmatch(line.rstrip("\n")))
            if tables > bounds.tables and previous:
                return previous
        used += size
        previous, start = start, start + len(line)
        if not fenced and not line.strip() and used > bounds.size // 2:
            paragraph = start
    return 0


def _within(line: str, size: int) -> int:
    """How many characters of a line too long for a page are on it."""
    low, high = 1, len(line)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if cost(line[:middle]) <= size else (low, middle - 1)
    return line.rfind(" ", max(1, low - _SLACK), low) + 1 or low


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with its end, and whether it belongs to a code block, fences included."""
    fence = ""
    for line in _LINE.findall(text):
        after = _after(fence, line)
        yield line, bool(fence or after)
        fence = after


def _open_fence(text: str) -> str:
    """The line that began the code block in which a text ends, or ""."""
    fence = ""
    for line in text.split("\n"):
        fence = _after(fence, line)
    return fence


def _after(fence: str, line: str) -> str:
    """The open fence after a line, given that before it."""
    line = line.rstrip("\n")
    mark, opened = _FENCE.fullmatch(line), _FENCE.fullmatch(fence)
    if mark is None:
        return fence
    if opened is None:
        return "" if mark[1][0] == "`" and "`" in mark[2] else line.strip()
    return "" if mark[1].startswith(opened[1]) and not mark[2].strip() else fence
