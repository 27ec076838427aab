"""What a verb answers: words for people, a table for wide screens, data for scripts."""

from dataclasses import dataclass, field

from ..butler.approvals import Waiting
from ..connectors import Connector, Reported


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with headings."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a verb.

    Attributes:
        text: In the reader's language; complete without anything else.
        data: The same as plain JSON values, for scripts.
        table: The same as a table, if it is one.
        connectors: The connectors it is about, for cards.
        waiting: The approvals it is about, for cards.
        failed: Nothing was done; `text` says why.
        fields: The fields whose values were the reason.
        alarming: It was done, and what came out needs somebody's attention.
    """

    text: str
    data: object = None
    table: Table | None = None
    connectors: tuple[tuple[Connector, Reported], ...] = field(default=(), repr=False)
    waiting: tuple[Waiting, ...] = field(default=(), repr=False)
    failed: bool = False
    fields: tuple[str, ...] = ()
    alarming: bool = False
