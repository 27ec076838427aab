"""What handlers did, written down outside the bot's database, in a way that a SIGKILL cannot undo.

One line for each step, appended with a single `write`: the lines of all processes stand in the order in which things
happened, and none is lost or torn while the machine itself lives.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Line:
    """A step.

    Attributes:
        pid: Of the process.
        step: `started` and `completed` (of a handler), `ended` (the row's end is committed), `killed`.
        what: Whose: the handler and the event's number, the row's number, the boundary.
    """

    pid: int
    step: str
    what: str


class Ledger:
    """Appends to a ledger."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, step: str, *what: object) -> None:
        """Add a line; it is there when this returns."""
        os.write(self._file, f"{os.getpid()}\t{step}\t{' '.join(map(str, what))}\n".encode())


def read(path: Path) -> Iterator[Line]:
    """The lines, in the order in which they were written."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            pid, step, what = line.rstrip("\n").split("\t")
            yield Line(int(pid), step, what)
