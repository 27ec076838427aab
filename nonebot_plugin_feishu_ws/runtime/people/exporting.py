"""What is kept of one person, for them to read: a JSON object for each row."""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ...storage import (
    ApprovalCardRow,
    ApprovalRow,
    Base,
    ConnectorRow,
    ConversationRow,
    Database,
    EventRow,
    LogRow,
    MergedRow,
    OutboxRow,
    RunRow,
    SessionRow,
    SignInRow,
    SpendingRow,
    TurnRow,
)
from .finding import Person, json_of, name_of, rows_of, strings, texts_of

_TABLES: tuple[type[Base], ...] = (
    EventRow,
    OutboxRow,
    ApprovalRow,
    ApprovalCardRow,
    ConversationRow,
    RunRow,
    MergedRow,
    TurnRow,
    SpendingRow,
    SessionRow,
    SignInRow,
    LogRow,
)
_UNTOLD = {"owner", "nonce", "arguments_hash", "proof"}  # of the machinery, or a key to something
_OPENS = (SessionRow, SignInRow)


async def export(database: Database, person: Person) -> AsyncGenerator[str]:
    """Lines of JSON: who they are, then every row about them as `{"table": …, "row": …}`.

    What others have said stays with them: their messages are left out although they may name the person, and of a
    conversation in a group there is only a note that it is remembered.

    Raises:
        DatabaseUnavailable: The database is away.
    """
    yield _line({"person": {"ids": sorted(person.ids), "direct_chats": sorted(person.chats)}})
    for table in _TABLES:
        async for row in rows_of(database, table):
            if is_theirs(person, row):
                yield _line({"table": name_of(table), "row": _told(person, row)})
    async for row in rows_of(database, ConnectorRow):
        if roles := roles_of(person, row):
            yield _line({"table": name_of(ConnectorRow), "row": {"name": row.name, "named_in": roles}})


def is_theirs(person: Person, row: Base) -> bool:
    """Whether a row is about them. (An event is if they have done it.)"""
    match row:
        case EventRow():
            return (row.connector, row.event_id) in person.events
        case ConversationRow():
            about = not person.ids.isdisjoint(row.people)
        case OutboxRow() | RunRow() | MergedRow() | TurnRow() | ApprovalRow():
            about = (row.connector, row.event_id or "") in person.events
        case LogRow():
            about = (
                row.message_id in person.messages
                or (row.connector or "", row.event_id or "") in person.events
            )
        case _:
            about = False
    return about or any(person.in_text(text) for text in texts_of(row))


def roles_of(person: Person, row: ConnectorRow) -> list[str]:
    """Where a connector's record names them."""
    named = {"owner": row.owner, "approvers": row.approvers, **row.policy}
    return [name for name, people in named.items() if not person.ids.isdisjoint(strings(people))]


def _told(person: Person, row: Base) -> Mapping[str, Any]:
    facts = row.model_dump(mode="json", exclude={"payload", *_UNTOLD})
    if isinstance(row, EventRow):
        return {**facts, "payload": json_of(row.payload)}
    if isinstance(row, _OPENS):
        return {name: value for name, value in facts.items() if name != "id"}
    if isinstance(row, ConversationRow) and not person.ids.issuperset(row.people):
        return {
            "connector": row.connector,
            "chat_id": row.chat_id,
            "left_out": "others have spoken there, too",
        }
    return facts


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
