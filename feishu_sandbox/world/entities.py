"""Card entities: cards with a life of their own, before and after they are sent (facts, "CardKit")."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .loose import as_list, as_object
from .model import App, Json, Message

_FIRST_ID = 7_355_372_766_134_157_313
_TABLE = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-*:?[ \t]*)+$", re.MULTILINE)
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})", re.MULTILINE)


@dataclass(eq=False, kw_only=True)
class CardEntity:
    """One entity. Its card is that of its message, once it has been sent."""

    card_id: str
    app: App
    draft: Json
    """The card until it is sent."""
    created_at: float
    message: Message | None = None
    sequence: int = 0
    """That of the last operation."""
    uuids: set[str] = field(default_factory=set[str])
    streaming_since: float | None = None
    timed_out: bool = False
    """Its stream was closed by time, and nobody has been told yet."""
    interactions: int = 0
    """Clicks that wait for their answer."""

    @property
    def card(self) -> Json:
        return self.draft if self.message is None else self.message.content


class CardEntities:
    """The entities of the platform.

    ``lifetime`` and ``stream`` are seconds: how long an entity can be used, and how long streaming mode lasts.
    """

    def __init__(self, clock: Callable[[], float], *, lifetime: float, stream: float) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._stream = stream
        self._ids = count(_FIRST_ID)
        self._entities: dict[str, CardEntity] = {}

    def create(self, app: App, card: Json) -> CardEntity:
        entity = CardEntity(card_id=str(next(self._ids)), app=app, draft=card, created_at=self._clock())
        self._entities[entity.card_id] = entity
        self.restart(entity, card)
        return entity

    def get(self, card_id: str) -> CardEntity | None:
        return self._entities.get(card_id)

    def of(self, message: Message) -> CardEntity | None:
        """The entity a message shows."""
        return next((one for one in self._entities.values() if one.message is message), None)

    def convert(self, app: App, message: Message) -> CardEntity:
        """The entity of a card that was sent without one."""
        entity = self.of(message) or self.create(app, message.content)
        entity.message = message
        return entity

    def expired(self, entity: CardEntity) -> bool:
        return self._clock() - entity.created_at > self._lifetime

    def restart(self, entity: CardEntity, card: Json) -> None:
        """Streaming mode as the card's configuration says; its time begins when it is switched on."""
        if not is_streaming(card):
            entity.streaming_since, entity.timed_out = None, False
        elif entity.streaming_since is None:
            entity.streaming_since, entity.timed_out = self._clock(), False

    def streaming(self, entity: CardEntity) -> bool:
        """Whether streaming mode is on: it ends by itself (facts, limits table: at 10 min)."""
        since = entity.streaming_since
        if since is not None and self._clock() - since > self._stream:
            entity.streaming_since, entity.timed_out = None, True
        return entity.streaming_since is not None


def is_streaming(card: Json) -> bool:
    """Whether a card's configuration asks for streaming mode."""
    return (as_object(card.get("config")) or {}).get("streaming_mode") is True


def elements_of(part: object) -> Iterator[Json]:
    """Every component and text of a card: whatever has a tag."""
    for child in as_list(part):
        yield from elements_of(child)
    found = as_object(part)
    if found is None or found.get("type") == "callback":
        return
    if isinstance(found.get("tag"), str):
        yield found
    for child in found.values():
        yield from elements_of(child)


def tables_in(card: Json) -> int:
    """Tables of a card: components, and those written in markdown outside of code."""
    return sum(_tables(element) for element in elements_of(card))


def _tables(element: Json) -> int:
    if element.get("tag") != "markdown":
        return int(element.get("tag") == "table")
    words, outside, fence = str(element.get("content", "")), list[str](), ""
    for line in words.split("\n"):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            outside.append(line)
    return len(_TABLE.findall("\n".join(outside)))


def locate(part: Any, element_id: str) -> tuple[list[Any] | Json, int | str] | None:
    """Where an element is: the list or object that holds it, and its place there."""
    pairs: list[tuple[int | str, Any]] = [*enumerate(as_list(part)), *(as_object(part) or {}).items()]
    for place, child in pairs:
        element = as_object(child)
        if element is not None and element.get("element_id") == element_id:
            return part, place
        found = locate(child, element_id)
        if found is not None:
            return found
    return None
