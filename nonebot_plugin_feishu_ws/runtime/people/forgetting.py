"""Taking a person out of everything that is kept."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import inspect
from sqlmodel.ext.asyncio.session import AsyncSession

from ...delivery import LogAction
from ...storage import (
    ApprovalRow,
    ApprovalState,
    Base,
    ConnectorRow,
    ConversationRow,
    Database,
    EventRow,
    EventState,
    LogRow,
    MergedRow,
    OutboxRow,
    OutboxState,
    RunRow,
    RunState,
    SessionRow,
    SignInRow,
    SpendingRow,
    TurnRow,
    utc_now,
)
from .exporting import is_theirs, roles_of
from .finding import Person, as_object, json_of, name_of, rows_of, texts_of

_AT_ONCE = 200  # rows changed in one transaction
_NAMES = ("name", "en_name", "user_name", "nickname")
_WAY = frozenset(
    {LogAction.WS_FILTERED, LogAction.WS_ROUTED, LogAction.WS_OUTBOUND, LogAction.WS_DEAD_LETTER}
)
"""What the log says of a message on its way; everything else is who did what, and stays."""
_GIVEN_UP = timedelta(days=2)
"""What has not been finished for so long is of a connector that is gone: everything that waits ends within a day."""
_FORGOTTEN_WHOLE = (ConversationRow, RunRow, MergedRow, TurnRow, SpendingRow, SessionRow, SignInRow)
_UNSENT = (OutboxState.QUEUED, OutboxState.SENDING)


class InHand(Exception):  # noqa: N818 - it says what is the case
    """Something of theirs is not finished: an event that is being handled, a message that is being sent, an approval
    that waits. Nothing was changed.

    Attributes:
        counts: By table.
    """

    def __init__(self, counts: Mapping[str, int]) -> None:
        super().__init__(", ".join(f"{table}: {count}" for table, count in counts.items()))
        self.counts = counts


class StillNamed(Exception):  # noqa: N818 - the same
    """Connectors name them: who owns, approves, or may speak is for an administrator to change. Nothing was changed.

    Attributes:
        connectors: Their names, and the fields.
    """

    def __init__(self, connectors: Mapping[str, list[str]]) -> None:
        super().__init__(", ".join(f"{name}: {' '.join(fields)}" for name, fields in connectors.items()))
        self.connectors = connectors


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done, or would be.

    Attributes:
        alias: Stands for them from now on.
        changed, deleted: Rows, by table.
    """

    alias: str
    changed: Mapping[str, int]
    deleted: Mapping[str, int]


async def forget(database: Database, person: Person, *, really: bool = True) -> Forgotten:
    """Take a person out. It may be interrupted, and run again.

    Args:
        database: Started. A bot may run on it.
        person: Who.
        really: Change anything; False: only count.

    Raises:
        InHand: Something of theirs is not finished.
        StillNamed: Connectors name them.
        DatabaseUnavailable: The database is away; what was done stays done.
    """
    await _refuse(database, person)
    alias = f"forgotten-{secrets.token_hex(4)}"
    changed, deleted = dict[str, int](), dict[str, int]()
    for table in _tables():
        keys = [_key(row) async for row in rows_of(database, table) if _concerned(person, row)]
        for start in range(0, len(keys), _AT_ONCE):
            for gone in await _take_out(
                database, person, table, keys[start : start + _AT_ONCE], alias, really=really
            ):
                counts = deleted if gone else changed
                counts[name_of(table)] = counts.get(name_of(table), 0) + 1
    if really:
        await database.settle()
    return Forgotten(alias, changed, deleted)


def _tables() -> list[type[Base]]:
    """All of them; a table that is added is looked through, too."""
    others = [table for table in Base.__subclasses__() if table not in (ConnectorRow, EventRow)]
    return [*others, EventRow]  # the last: it tells what is theirs in the others, should this be interrupted


async def _refuse(database: Database, person: Person) -> None:
    named = {
        row.name: roles async for row in rows_of(database, ConnectorRow) if (roles := roles_of(person, row))
    }
    if named:
        raise StillNamed(named)
    counts: dict[str, int] = {}
    for table in (EventRow, OutboxRow, ApprovalRow, RunRow, TurnRow):
        async for row in rows_of(database, table):
            if _unfinished(row) and is_theirs(person, row):
                counts[name_of(table)] = counts.get(name_of(table), 0) + 1
    if counts:
        raise InHand(counts)


def _unfinished(row: Base) -> bool:
    match row:
        case EventRow():
            open_since = row.received_at if row.state is EventState.RECEIVED else None
        case OutboxRow():
            open_since = row.created_at if row.state in _UNSENT else None
        case ApprovalRow():
            open_since = row.created_at if row.finished_at is None else None
        case RunRow():
            open_since = None if row.state is RunState.DONE else row.created_at
        case TurnRow():
            open_since = row.created_at
        case _:
            open_since = None
    return open_since is not None and utc_now() - open_since < _GIVEN_UP


def _concerned(person: Person, row: Base) -> bool:
    return is_theirs(person, row) or any(map(person.in_text, texts_of(row))) or _mentions(person, row)


def _mentions(person: Person, row: Base) -> bool:
    return isinstance(row, EventRow) and person.in_payload(row.payload.decode("utf-8", "replace"))


async def _take_out(
    database: Database, person: Person, table: type[Base], keys: list[Any], alias: str, *, really: bool
) -> list[bool]:
    """For each row whether it is gone, or changed."""

    async def work(session: AsyncSession) -> list[bool]:
        gone: list[bool] = []
        for key in keys:
            row = await session.get(table, key, with_for_update=True)
            if row is None or _unfinished(row):  # it came in since somebody looked
                continue
            gone.append(_delete(person, row))
            if gone[-1]:
                await session.delete(row)
            else:
                _change(person, row, alias)
        if not really:
            await session.rollback()
        return gone

    return await database.write(work)


def _delete(person: Person, row: Base) -> bool:
    """Whether nothing of a row is to stay."""
    if isinstance(row, LogRow):
        return row.action in _WAY and is_theirs(person, row)
    keys = [part for part in _key(row) if isinstance(part, str)]
    return isinstance(row, _FORGOTTEN_WHOLE) or any(map(person.in_text, keys))


def _change(person: Person, row: Base, alias: str) -> None:
    if isinstance(row, EventRow):
        theirs = is_theirs(person, row)
        left: object = {} if theirs else _scrubbed(person, json_of(row.payload), alias, payload=True)
        row.payload = json.dumps(left, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if theirs:  # its keys stay: what Feishu pushes again must be known
            row.chat_id, row.error, row.state = None, None, EventState.DONE
    elif isinstance(row, OutboxRow):
        row.content, row.reply_to, row.error = "{}", None, None
        row.state = OutboxState.FAILED if row.state in _UNSENT else row.state
    elif isinstance(row, ApprovalRow) and (
        row.asked_by in person.ids or (row.connector, row.event_id) in person.events
    ):
        row.arguments, row.arguments_hash, row.reason, row.result, row.nonce = "{}", "", "", None, ""
        if row.finished_at is None:
            row.state, row.finished_at = ApprovalState.EXPIRED, utc_now()
    for name, value in row.model_dump(exclude={"payload"}).items():
        if (scrubbed := _scrubbed(person, value, alias)) != value:
            setattr(row, name, scrubbed)


def _scrubbed(person: Person, value: object, alias: str, *, payload: bool = False) -> object:
    """The same value with an alias in the place of ids, and of names beside ids."""
    if isinstance(value, str):
        return person.without(value, alias, payload=payload)
    if isinstance(value, list):
        return [_scrubbed(person, one, alias, payload=payload) for one in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    found = as_object(cast("object", value))
    near = (*found.values(), *as_object(found.get("id")).values())
    about = any(isinstance(one, str) and one in person.ids for one in near)
    return {
        name: alias
        if about and name in _NAMES and isinstance(one, str)
        else _scrubbed(person, one, alias, payload=payload)
        for name, one in found.items()
    }


def _key(row: Base) -> tuple[Any, ...]:
    return tuple(inspect(row).mapper.primary_key_from_instance(row))
