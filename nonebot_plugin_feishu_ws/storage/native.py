"""Statements in the database's own words, for what is written with every event.

SQLAlchemy's own would be compiled once too, but each row's values pass through its types: more than SQLite needs to
store them.
"""

import itertools
import re
from datetime import datetime

from sqlalchemy import Dialect

from .base import UtcDateTime


class Native:
    """For `exec_driver_sql` on a connection of one database.

    Args:
        dialect: which kind of database it is.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._numbered = dialect.name == "postgresql"
        self._time = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)

    def sql(self, statement: str) -> str:
        """A statement with `?` for each parameter (and nowhere else), as this database's driver takes it."""
        numbers = itertools.count(1)
        return re.sub(r"\?", lambda _: f"${next(numbers)}", statement) if self._numbered else statement

    def time(self, at: datetime | None) -> object:
        """A value for a column of `UtcDateTime`."""
        return self._time(at) if self._time is not None else at
