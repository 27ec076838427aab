"""Databases that are thrown away, and what is in them afterwards."""

import sqlite3
import sys
from collections.abc import Generator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from .children import ROOT
from .contenders import Store


class Cluster(Protocol):
    """A PostgreSQL of ours (tests/postgres.py)."""

    def create_database(self) -> str: ...

    def sql(self, statement: str, database: str = ...) -> str: ...


class Databases:
    """Makes them. Made by `databases`.

    Attributes:
        cluster: None: it was not asked for, or PostgreSQL is not installed.
    """

    def __init__(self, cluster: Cluster | None) -> None:
        self.cluster = cluster

    def missing(self, store: Store | None) -> str | None:
        """Why there is no such database, if there is none."""
        return "PostgreSQL is not installed" if store == "postgresql" and self.cluster is None else None

    def make(self, store: Store | None, directory: Path) -> str | None:
        """The address of a new one."""
        if store == "postgresql":
            assert self.cluster is not None
            return self.cluster.create_database()
        return f"sqlite+aiosqlite:///{directory}/bench.sqlite3" if store else None

    def count(self, url: str, table: str, where: str) -> int:
        """How many rows of a table a condition holds for."""
        query = f"SELECT count(*) FROM {table} WHERE {where}"
        name = url.rpartition("/")[2]
        if not url.startswith("sqlite"):
            assert self.cluster is not None
            return int(self.cluster.sql(query, name))
        with closing(sqlite3.connect(url.partition(":///")[2])) as connection:
            return int(connection.execute(query).fetchone()[0])


@contextmanager
def databases(*, postgresql: bool) -> Generator[Databases]:
    """SQLite and, if it is asked for and installed, a PostgreSQL that syncs what it commits."""
    if not postgresql:
        yield Databases(None)
        return
    sys.path.append(str(ROOT / "tests"))
    from postgres import NotInstalledError, running_postgres

    with ExitStack() as stack:
        cluster: Cluster | None = None
        with suppress(NotInstalledError):
            cluster = stack.enter_context(running_postgres(options=""))
        yield Databases(cluster)
