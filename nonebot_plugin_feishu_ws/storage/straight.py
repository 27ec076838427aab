"""A session whose awaits never wait, for transactions that run in a thread from beginning to end.

An async driver takes every step of a transaction (begin, statement, rows, close, commit) to a thread and back: a dozen
switches for what SQLite does in 50 µs. Here the coroutine that makes up the transaction goes there as a whole.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

_T = TypeVar("_T")


def run_straight(
    work: Callable[[AsyncSession], Awaitable[_T]], connection: Connection, *, commit: bool
) -> _T:
    """Run `work` on a connection.

    Args:
        work: what makes up the transaction, or a part of it.
        connection: in a transaction, unless it is to be committed.
        commit: whether that was all of the transaction.

    Raises:
        RuntimeError: `work` waits for something else than its session.
    """
    session = _Session(connection, commit=commit)
    try:
        result = _end_of(work(cast("AsyncSession", session)))
        session.finish()
    finally:
        session.close()
    if commit:
        connection.commit()
    return result


def _end_of(work: Awaitable[_T]) -> _T:
    coroutine = cast("Coroutine[Any, Any, _T]", work)
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("a transaction waits for something else than its session")


class _Session:
    """What transactions here use of an `AsyncSession`."""

    def __init__(self, connection: Connection, *, commit: bool) -> None:
        self._connection = connection
        self._commit = commit
        self._made: Session | None = None

    @property
    def _session(self) -> Session:
        """Made when it is first needed: what is written with every event is statements on the connection."""
        if self._made is None:
            mode = "control_fully" if self._commit else "rollback_only"
            self._made = Session(self._connection, expire_on_commit=False, join_transaction_mode=mode)
        return self._made

    def finish(self) -> None:
        """Send what was added."""
        if self._made is not None:
            self._made.commit()

    def close(self) -> None:
        """Let go of what was loaded."""
        if self._made is not None:
            self._made.close()

    async def connection(self) -> Any:
        return _Connection(self._connection)

    async def exec(self, statement: Any, **options: Any) -> Any:
        return cast("Any", self._session).exec(statement, **options)

    def add(self, instance: object) -> None:
        self._session.add(instance)

    def add_all(self, instances: Iterable[object]) -> None:
        self._session.add_all(instances)

    async def get(self, entity: type[_T], key: Any, **options: Any) -> _T | None:
        return self._session.get(entity, key, **options)

    async def get_one(self, entity: type[_T], key: Any, **options: Any) -> _T:
        return self._session.get_one(entity, key, **options)

    async def flush(self) -> None:
        self._session.flush()

    async def delete(self, instance: object) -> None:
        self._session.delete(instance)

    async def merge(self, instance: _T) -> _T:
        return self._session.merge(instance)

    async def refresh(self, instance: object) -> None:
        self._session.refresh(instance)

    async def rollback(self) -> None:
        self._session.rollback()


class _Connection:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Any, parameters: Any = None) -> Any:
        return self._connection.execute(statement, parameters)

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> Any:
        return self._connection.exec_driver_sql(statement, parameters)

    async def run_sync(self, work: Callable[..., _T], *arguments: Any) -> _T:
        return work(self._connection, *arguments)
