"""Who somebody is, by any of their ids, and which rows are theirs."""

import json
import re
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from sqlalchemy import Column, tuple_
from sqlmodel import select

from ...storage import Base, Database, EventRow

_IDS = ("open_id", "union_id", "user_id")
_ACTORS = ("sender", "operator", "operator_id", "user", "user_id")  # of an event: whoever did it
_CERTAIN = re.compile(r"(ou|on|oc)_\w{8}")
_PAGE = 500
_T = TypeVar("_T", bound=Base)

Key = tuple[str, str]
"""app_id and event_id."""


@dataclass(slots=True)
class Person:
    """A person, as far as events that are kept tell.

    Attributes:
        ids: open_ids (each app knows them by another one), union_id, user_id.
        events: What they have done.
        messages: What they have said, by message id.
        chats: Their direct chats with bots.
    """

    ids: set[str]
    events: set[Key] = field(default_factory=set[Key])
    messages: set[str] = field(default_factory=set[str])
    chats: set[str] = field(default_factory=set[str])

    def in_text(self, text: str) -> bool:
        """Whether a text names them, by an id that is nothing else."""
        return any(one in text for one in self._certain())

    def in_payload(self, text: str) -> bool:
        """The same of an event's JSON, where a user_id is one, too: it may be any word."""
        return self.in_text(text) or any(one in text for word in self._words() for one in _quoted(word))

    def without(self, text: str, alias: str, *, payload: bool = False) -> str:
        """A text, or a value of an event's JSON, with an alias in the place of their ids."""
        for one in self._certain():
            text = text.replace(one, alias)
        for word in self._words() if payload else ():
            text = alias if text == word else text
            for one in _quoted(word):
                text = text.replace(one, one.replace(word, alias))
        return text

    def _certain(self) -> list[str]:
        return [one for one in (*self.ids, *self.chats) if _CERTAIN.match(one)]

    def _words(self) -> list[str]:
        return [one for one in self.ids if not _CERTAIN.match(one)]


def _quoted(word: str) -> tuple[str, str]:
    """A value in JSON, and in JSON in JSON."""
    return f'"{word}"', f'\\"{word}\\"'


async def find(database: Database, ids: Collection[str]) -> Person:
    """Find the other ids of a person, and what they have done, in the events that are kept.

    Raises:
        DatabaseUnavailable: The database is away.
    """
    person = Person({one for one in ids if one})
    known = 0
    while known != len(person.ids):  # an id leads to others, which may stand in earlier events
        known = len(person.ids)
        async for row in rows_of(database, EventRow):
            _learn(person, row)
    return person


def _learn(person: Person, row: EventRow) -> None:
    text = row.payload.decode("utf-8", "replace")
    if not (person.in_payload(text) or row.chat_id in person.chats):
        return
    payload = json_of(row.payload)
    person.ids.update(other for ids in _id_objects(payload) if person.ids & ids for other in ids)
    event = as_object(payload.get("event"))
    actors = [value for name in _ACTORS for value in strings(event.get(name))]
    if person.ids.isdisjoint(actors) and row.chat_id not in person.chats:
        return
    person.events.add((row.connector, row.event_id))
    if row.message_id:
        person.messages.add(row.message_id)
    if row.chat_id and as_object(event.get("message")).get("chat_type") == "p2p":
        person.chats.add(row.chat_id)


async def rows_of(database: Database, table: type[_T]) -> AsyncGenerator[_T]:
    """All rows of a table, in the order of its key, a page at a time."""
    columns = _key_of(table)
    last: tuple[Any, ...] | None = None
    while True:
        wanted = select(table).order_by(*columns).limit(_PAGE)
        if last is not None:
            wanted = wanted.where(tuple_(*columns) > tuple_(*last))
        async with database.session() as session:
            page = (await session.exec(wanted)).all()
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        last = tuple(getattr(page[-1], column.name) for column in columns)


def name_of(table: type[Base]) -> str:
    """A table's own name."""
    return cast("Any", table).__table__.name


def _key_of(table: type[Base]) -> tuple[Column[Any], ...]:
    return tuple(cast("Any", table).__table__.primary_key.columns)


def texts_of(row: Base) -> Iterator[str]:
    """Everything in a row that may name somebody."""
    for value in row.model_dump().values():
        yield from strings(value)


def json_of(payload: bytes) -> dict[str, Any]:
    """An event's JSON."""
    try:
        return as_object(json.loads(payload))
    except (ValueError, RecursionError):
        return {}


def as_object(value: object) -> dict[str, Any]:
    """A JSON object; an empty one in the place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def strings(value: object) -> Iterator[str]:
    """All texts in a value, of JSON or of a row."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, dict):
        for one in cast("dict[object, object]", value).values():
            yield from strings(one)
    elif isinstance(value, list | tuple | set | frozenset):
        for one in cast("Iterable[object]", value):
            yield from strings(one)


def _id_objects(value: object) -> Iterator[set[str]]:
    """Every object in JSON that tells ids of one person."""
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        ids = {one for name in _IDS if isinstance(one := found.get(name), str) and one}
        if ids:
            yield ids
        for one in found.values():
            yield from _id_objects(one)
    elif isinstance(value, list):
        for one in cast("list[object]", value):
            yield from _id_objects(one)
