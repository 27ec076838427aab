"""What a measure gives, and how it gets into README.md."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for.

    Attributes:
        rounds: How often each figure is taken; the clients take turns.
        clients: The names of those that take part; empty: all.
        quick: Tiny sizes: to see that everything works, not to measure.
        directory: Where README.md, `results/`, `plots/` and `profiles/` are: a copy that is thrown away, unless all of
            it was measured.
    """

    rounds: int
    clients: frozenset[str]
    quick: bool
    directory: Path

    def size(self, usual: int) -> int:
        """How many of something: what is usual, or few."""
        return max(usual // 100, 10) if self.quick else usual

    def place(self, *parts: str) -> Path:
        """A file below `directory`, its folder made."""
        path = self.directory.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True, slots=True)
class Table:
    """Goes between `<!-- name -->` and `<!-- /name -->`. The first column is text, the others are figures."""

    name: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def markdown(self) -> str:
        align = ["---"] + ["---:"] * (len(self.head) - 1)
        lines = [f"| {' | '.join(row)} |" for row in (self.head, align, *self.rows)]
        return "\n".join([*lines, *(["", self.note] if self.note else [])])


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot or a profile, by its path below benchmarks/."""

    name: str
    path: str
    caption: str

    def markdown(self) -> str:
        return f"![{self.caption}]({self.path})"


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that is to be reached; all of them are the table `goals` at the top.

    Attributes:
        what: The work.
        peers: What others, or the floor, need for it.
        wanted: As it is written: `≤ 17 µs`.
        found: The figure, as it is written.
        reached: Whether it is.
    """

    what: str
    peers: str
    wanted: str
    found: str
    reached: bool


@dataclass(slots=True)
class Outcome:
    """What a measure found.

    Attributes:
        blocks: For README.md.
        raw: Every figure of every round, for results/NAME.json.
        goals: Those it decides.
        wrong: Figures that are not to be trusted, or work that was not done right: the command fails.
        rounds: How often it was measured, where that is not what was asked for.
    """

    blocks: list[Table | Picture] = field(default_factory=list[Table | Picture])
    raw: object = None
    goals: list[Goal] = field(default_factory=list[Goal])
    wrong: list[str] = field(default_factory=list[str])
    rounds: int | None = None


def rewrite(text: str, name: str, block: str) -> str:
    """`text` with what stands between a block's markers replaced.

    Raises:
        KeyError: it does not have these markers, once.
    """
    between = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    found, count = between.subn(lambda marks: f"{marks[1]}\n{block}\n\n{marks[2]}", text)
    if count != 1:
        raise KeyError(f"README.md needs <!-- {name} --> and <!-- /{name} --> once, not {count} times")
    return found


def goals_table(goals: Sequence[Goal]) -> Table:
    marks = {True: "✓", False: "✗"}
    rows = [(goal.what, goal.peers, goal.wanted, goal.found, marks[goal.reached]) for goal in goals]
    return Table("goals", ("work", "floor, peers", "to reach", "ours", ""), rows)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of figures in order, the one below which `share` of them lie."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def middle(figures: Sequence[float], unit: str = "", digits: int | None = None) -> str:
    """The median and, of more than one, the spread: `12.3 [11.8..14.0]`."""
    median = statistics.median(figures)
    shown = f"{number(median, digits)}{unit}"
    if len(figures) == 1:
        return shown
    return f"{shown} [{number(min(figures), digits)}..{number(max(figures), digits)}]"


def number(figure: float, digits: int | None = None) -> str:
    """Three digits that count, or as many behind the point as are asked for."""
    if digits is None:
        digits = 0 if abs(figure) >= 100 else 1 if abs(figure) >= 10 else 2
    return f"{figure:,.{digits}f}"


def ratio(figures: Sequence[float], floor: Sequence[float]) -> str:
    """How often the floor goes into it: the median of the rounds' ratios, each round with itself."""
    return f"{statistics.median(a / b for a, b in zip(figures, floor, strict=True)):.1f} ×"
