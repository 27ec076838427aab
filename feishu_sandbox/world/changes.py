"""What happened, for whoever watches: the chat page, the side pane, a waiting test."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from .model import Message

HISTORY = 1000
BACKLOG = 10_000


class ChangeKind(StrEnum):
    APP_ADDED = "app_added"
    USER_ADDED = "user_added"
    CHAT_ADDED = "chat_added"
    CHAT_CHANGED = "chat_changed"
    MESSAGE_CREATED = "message_created"
    MESSAGE_EDITED = "message_edited"
    MESSAGE_RECALLED = "message_recalled"
    CARD_UPDATED = "card_updated"
    REACTION_ADDED = "reaction_added"
    REACTION_REMOVED = "reaction_removed"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FRAME_IN = "frame_in"
    FRAME_OUT = "frame_out"
    API_CALL = "api_call"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened.

    ``data`` by kind: frames ``{app_id, conn_id, method: control|data, type, message_id, seq, sum, headers,
    size, payload: str}``; connections ``{app_id, conn_id}``; API calls ``{app_id, method, path, status, code,
    duration_ms, request: str, response: str}`` (tokens and secrets redacted); reactions ``{emoji, by}``.
    """

    seq: int
    kind: ChangeKind
    at: int
    """Milliseconds."""
    chat_id: str | None = None
    message: Message | None = None
    data: dict[str, Any] = field(default_factory=dict[str, Any])


class Subscription:
    """An async iterator of changes from the moment it was made. A ``with`` block (or ``close()``) ends it.

    A subscriber that falls 10,000 changes behind loses the oldest.
    """

    def __init__(self, leave: Callable[["Subscription"], None]) -> None:
        self._changes: deque[Change] = deque(maxlen=BACKLOG)
        self._arrived = asyncio.Event()
        self._leave = leave
        self._open = True

    def put(self, change: Change) -> None:
        self._changes.append(change)
        self._arrived.set()

    def close(self) -> None:
        self._open = False
        self._leave(self)
        self._arrived.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __aiter__(self) -> AsyncIterator[Change]:
        return self

    async def __anext__(self) -> Change:
        while not self._changes:
            if not self._open:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._changes.popleft()


class Feed:
    """Publishes changes to every subscriber and keeps the last thousand."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seq = 0
        self._subscribers: set[Subscription] = set()
        self.history: deque[Change] = deque(maxlen=HISTORY)

    def publish(
        self,
        kind: ChangeKind,
        *,
        chat_id: str | None = None,
        message: Message | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        self._seq += 1
        if message is not None:
            chat_id = message.chat.chat_id
        change = Change(self._seq, kind, round(self._clock() * 1000), chat_id, message, data or {})
        self.history.append(change)
        for subscriber in tuple(self._subscribers):
            subscriber.put(change)

    def subscribe(self) -> Subscription:
        subscription = Subscription(self._subscribers.discard)
        self._subscribers.add(subscription)
        return subscription

    def close(self) -> None:
        """End every subscription (the sandbox stops)."""
        for subscriber in tuple(self._subscribers):
            subscriber.close()
