"""How a shell shows an answer: tables and words for people, one line of JSON for scripts."""

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO, cast

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table as RichTable
from rich.text import Text

from .answer import Answer

_WIDE = 100_000  # columns of what is no terminal: there a line is never broken


class Printer:
    """Where answers go: what was asked for to standard output, everything else to standard error.

    Args:
        as_json: One line of JSON and nothing else, refusals included.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json

    def show(self, answer: Answer, *, error: str) -> None:
        """Print an answer.

        Args:
            answer: To be shown.
            error: What JSON calls the failure, if it is one and the answer has no name for it.
        """
        if self._json:
            print(json.dumps(_payload(answer, error), ensure_ascii=False, default=str), flush=True)  # noqa: T201
            return
        console = _console(sys.stderr if answer.failed and answer.table is None else sys.stdout)
        if answer.table is None or not answer.table.rows:
            console.print(Text(_safe(answer.text)), soft_wrap=True)
            return
        table = RichTable(
            box=box.ROUNDED if console.is_terminal else None,
            header_style="bold",
            show_edge=console.is_terminal,
            pad_edge=console.is_terminal,
        )
        for column in answer.table.columns:
            table.add_column(_safe(column), overflow="fold")
        for row in answer.table.rows:
            table.add_row(*(Text(_safe(cell)) for cell in row))
        if console.is_terminal:
            console.print(table)
            return
        with console.capture() as drawn:
            console.print(table)
        for line in drawn.get().splitlines():  # nothing that only fills up a column
            console.out(line.rstrip(), highlight=False)

    def note(self, text: str) -> None:
        """Say something while there is something to wait for."""
        _console(sys.stderr).print(Text(_safe(text)), soft_wrap=True)

    def code(self, rows: Sequence[str]) -> None:
        """Draw a QR code: white on black, whatever the terminal's own colors; nothing where nobody looks."""
        console = _console(sys.stderr)
        if console.is_terminal:
            for row in rows:
                console.print(Text(row, style="bright_white on black"), soft_wrap=True)

    def progress(self) -> Progress:
        """A bar on standard error, while there is something to wait for; none where nobody looks."""
        console = _console(sys.stderr)
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )


def _console(stream: TextIO) -> Console:
    width = None if stream.isatty() else _WIDE
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def _payload(answer: Answer, error: str) -> object:
    data = answer.data
    if not answer.failed:
        return {"message": answer.text} if data is None else data
    if isinstance(data, list):  # several results, some of them refusals
        return cast("list[object]", data)
    facts = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    return {"error": error, **facts, "message": answer.text}


def _safe(text: str) -> str:
    """A text from elsewhere must not command the terminal: control characters are shown, not obeyed."""
    return "".join(
        "�" if unicodedata.category(char) == "Cc" and char not in "\n\t" else char for char in text
    )
