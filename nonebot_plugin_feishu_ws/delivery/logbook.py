"""The log people read: what happened to a connector and to each message, and why."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ..storage import Database, LogRow, utc_now
from .pruning import DELETE_AT_ONCE, delete_in_pieces
from .spool import Spool

_MAX_PAGE = 500
_Line = tuple[object, ...]
_INSERT = """
INSERT INTO feishu_ws_log (at, level, action, connector, name, event_id, message_id, detail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


class LogAction(StrEnum):
    """What happened. Stored and shown, so renaming one is a breaking change (contract.md, Log actions)."""

    CREATE_CONNECTOR = "create_connector"
    UPDATE_CONNECTOR = "update_connector"
    REMOVE_CONNECTOR = "remove_connector"
    VERIFY_CALLBACK = "verify_callback"
    VERIFICATION_RESET = "verification_reset"
    SET_ENABLED = "set_enabled"
    WS_CONNECTING = "ws_connecting"
    WS_CONNECTED = "ws_connected"
    WS_DISCONNECTED = "ws_disconnected"
    WS_RECONNECTING = "ws_reconnecting"
    WS_BLOCKED = "ws_blocked"
    WS_FILTERED = "ws_filtered"
    WS_ROUTED = "ws_routed"
    WS_OUTBOUND = "ws_outbound"
    WS_AUTH_CARD = "ws_auth_card"
    WS_AUTH_CARD_DECISION = "ws_auth_card_decision"
    WS_DEAD_LETTER = "ws_dead_letter"
    COMMAND_DENIED = "command_denied"
    EXPORT_USER = "export_user"
    FORGET_USER = "forget_user"


class LogLevel(StrEnum):
    """How much it matters."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log."""

    id: int
    at: datetime
    level: str
    action: str
    connector: str | None
    name: str | None
    event_id: str | None
    message_id: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines, newest first."""

    entries: tuple[LogEntry, ...]
    cursor: str | None
    """Give it to `read` for the lines before these; None: there are no more."""


class LogBook:
    """Writes without making anybody wait, and reads by page. Make it, `start()` it, `stop()` it.

    Args:
        database: started.
        capacity: lines that may wait for the database; what comes on top is dropped and counted.
        max_batch: lines in one transaction.
        retry_first, retry_most: seconds until the database is tried again, doubling from the one to the
            other.
        linger: seconds a line waits for others; each commit keeps those waiting that events need.
        now: the time, aware.
    """

    def __init__(
        self,
        database: Database,
        *,
        capacity: int = 10_000,
        max_batch: int = 200,
        retry_first: float = 0.5,
        retry_most: float = 15.0,
        linger: float = 0.1,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._now = now
        self._native = database.native
        self._insert = self._native.sql(_INSERT)
        self._spool: Spool[_Line] = Spool(
            "log lines",
            self._store,
            moment=database.moment,
            max_batch=max_batch,
            capacity=capacity,
            retry_first=retry_first,
            retry_most=retry_most,
            linger=linger,
        )

    @property
    def dropped(self) -> int:
        """Lines lost since this object was made."""
        return self._spool.dropped

    def start(self) -> None:
        """Begin to write. Lines from before are written first."""
        self._spool.start()

    async def stop(self) -> None:
        """Write what waits and end the task."""
        await self._spool.stop()

    async def flush(self) -> None:
        """Wait until all lines so far are written."""
        await self._spool.flush()

    def write(
        self,
        action: LogAction,
        *,
        level: LogLevel = LogLevel.INFO,
        connector: str | None = None,
        name: str | None = None,
        event_id: str | None = None,
        message_id: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Note a line; it is stored soon. Never waits, never raises.

        Args:
            action: what happened.
            level: how much it matters.
            connector: the bot's app_id.
            name: the connector's name.
            event_id, message_id: what it is about, if it is about one.
            detail: anything else, as JSON; what JSON does not know is written as text. Without secrets.
        """
        self._spool.put(
            (
                self._native.time(self._now()),
                level.value,
                action.value,
                connector,
                name,
                event_id,
                message_id,
                _frozen(detail) if detail else "{}",
            )
        )

    async def read(
        self,
        connector: str | Collection[str] | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
        action: LogAction | None = None,
        level: LogLevel = LogLevel.DEBUG,
    ) -> LogPage:
        """Lines, newest first.

        Args:
            connector: only this bot's (app_id), or these bots'.
            limit: how many at most, 1 to 500.
            cursor: from the page before.
            action: only these.
            level: only those that matter at least so much.

        Raises:
            ValueError: the limit or the cursor is not valid.
            DatabaseUnavailable: the database is away.
        """
        if not 1 <= limit <= _MAX_PAGE:
            raise ValueError(f"limit is a number from 1 to {_MAX_PAGE}")
        if cursor is not None and not (cursor.isascii() and cursor.isdecimal() and len(cursor) < 19):
            raise ValueError("cursor is not one that a page of the log came with")
        wanted = select(LogRow).order_by(col(LogRow.id).desc()).limit(limit + 1)
        if connector is not None:
            apps = [connector] if isinstance(connector, str) else connector
            wanted = wanted.where(col(LogRow.connector).in_(apps))
        if cursor is not None:
            wanted = wanted.where(col(LogRow.id) < int(cursor))
        if action is not None:
            wanted = wanted.where(col(LogRow.action) == action.value)
        if level is not LogLevel.DEBUG:
            levels = list(LogLevel)
            wanted = wanted.where(col(LogRow.level).in_([one.value for one in levels[levels.index(level) :]]))
        async with self._database.session() as session:
            rows = (await session.exec(wanted)).all()
        more = len(rows) > limit
        entries = tuple(_entry(row) for row in rows[:limit])
        return LogPage(entries, str(entries[-1].id) if more else None)

    async def about(self, message_id: str, connectors: Collection[str]) -> tuple[LogEntry, ...]:
        """What some connectors (app_ids) noted of one message, oldest first; the first 500 lines.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        wanted = (
            select(LogRow)
            .where(col(LogRow.message_id) == message_id, col(LogRow.connector).in_(connectors))
            .order_by(col(LogRow.id))
            .limit(_MAX_PAGE)
        )
        async with self._database.session() as session:
            return tuple(_entry(row) for row in (await session.exec(wanted)).all())

    async def prune(self, older_than: timedelta) -> int:
        """Delete the lines from longer ago.

        Returns:
            How many were deleted.

        Raises:
            DatabaseUnavailable: the database is away.
        """
        # Lines are written in order of time: looking at the first ones is enough, and quick.
        first = select(LogRow.id).order_by(col(LogRow.id)).limit(DELETE_AT_ONCE)
        before = self._now() - older_than
        statement = delete(LogRow).where(col(LogRow.id).in_(first), col(LogRow.at) < before)
        return await delete_in_pieces(self._database, statement)

    async def _store(self, lines: Sequence[_Line]) -> None:
        async def work(session: AsyncSession) -> None:
            await (await session.connection()).exec_driver_sql(self._insert, list(lines))

        await self._database.write(work, shared=True)


def _frozen(detail: Mapping[str, object]) -> str:
    """JSON as the column has it, which later changes do not reach."""
    try:
        return json.dumps(dict(detail), default=str, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):  # odd keys, circles
        return json.dumps({"detail": str(type(detail))})


def _entry(row: LogRow) -> LogEntry:
    return LogEntry(
        id=row.id or 0,
        at=row.at,
        level=row.level,
        action=row.action,
        connector=row.connector,
        name=row.name,
        event_id=row.event_id,
        message_id=row.message_id,
        detail=row.detail,
    )
