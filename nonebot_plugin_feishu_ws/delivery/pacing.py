"""Pacing: as many calls as Feishu documents, in order, so that its limits are hardly ever met.

========================  ====================  ==============================================================
Calls                     Limit                 Source
========================  ====================  ==============================================================
to one user or group      5 a second            im-v1/message/create; a group's is shared by all bots in it
edits of one message      5 a second            im-v1/message/patch
one CardKit card          10 a second           feishu-cards/streaming-updates-openapi-overview
each API, for each app    50 a second and       ukTMukTMukTM/uUzN04SN3QjL1cDN (rate limits), and the pages of
                          1000 a minute         the calls we make
========================  ====================  ==============================================================

A call is counted by Feishu somewhere between its start and its end, on a clock and in a window of its own. Whoever
starts the sixth call a second after the *end* of the first is within five a second wherever the window lies and
however long the calls took on their way. Other processes have a pacer of their own: where they share a limit, Feishu's
refusals keep the peace.
"""

import asyncio
import logging
import math
import re
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import TypeVar, cast

from ..openapi import ApiCall, ApiError, FeishuError, RateLimited
from ..telemetry import Counts, Kind, span

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_HEADROOM = 1.02  # clocks do not run at quite the same speed
_REMEMBERED = 20_000  # messages whose chat is known
_OF_THE_PLACE = (230020, 11232)  # "per chat, user or message"; "system pressure": other chats may do better
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 10.0  # seconds, where Feishu names none
_NOTICEABLE = 0.005  # seconds: whoever waits for less has only waited for the loop
_FIXED = re.compile(r"[a-z_-]{1,40}")


class _Window:
    """At most `limit` calls in any `seconds`. Whoever comes first enters first."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds * _HEADROOM
        self._door = asyncio.Lock()
        self._running = 0
        self._ended: deque[float] = deque()
        self._one_left = asyncio.Event()
        self._closed_until = 0.0

    async def enter(self) -> None:
        async with self._door:
            while wait := self._full_for():
                self._one_left.clear()
                if wait is math.inf:
                    await self._one_left.wait()
                else:
                    await asyncio.sleep(wait)
            self._running += 1

    def leave(self) -> None:
        self._running -= 1
        self._ended.append(_now())
        self._one_left.set()

    def close(self, seconds: float) -> None:
        """Let nobody enter for a while."""
        self._closed_until = max(self._closed_until, _now() + seconds)

    def is_empty(self) -> bool:
        return not self._running and not self._full_for() and not self._ended

    def _full_for(self) -> float:
        """Seconds until the next may enter; 0 for now, infinite until one leaves."""
        now = _now()
        while self._ended and self._ended[0] + self._seconds <= now:
            self._ended.popleft()
        if now < self._closed_until:
            return self._closed_until - now
        if self._running + len(self._ended) < self._limit:
            return 0.0
        return self._ended[0] + self._seconds - now if self._ended else math.inf


class _Queue:
    """Calls that share limits; with `one_by_one` each waits for the end of the one before, and order is kept."""

    def __init__(self, *windows: _Window, one_by_one: bool = False) -> None:
        self.windows = windows
        self.door = asyncio.Lock() if one_by_one else None
        self.users = 0
        self.closed_until = 0.0

    def is_idle(self) -> bool:
        return (
            not self.users and _now() >= self.closed_until and all(each.is_empty() for each in self.windows)
        )


class Pacer:
    """Orders the calls of all clients of a process; give it to each of them. Nothing to start or stop.

    Sends and replies to one chat or person, edits of one message, and operations on one card go one after another, in
    the order in which they were called; all other calls side by side.

    Args:
        patience: Seconds a call may wait because Feishu refused it as too soon; then the refusal is raised. Waiting for
            one's turn has no limit.
    """

    def __init__(self, *, patience: float = 60.0) -> None:
        self._patience = patience
        self._queues: OrderedDict[Hashable, _Queue] = OrderedDict()
        self._chats: OrderedDict[Hashable, str] = OrderedDict()
        """Of messages, and of persons somebody wrote to."""
        self.calls = Counts()
        """Calls that were made: by API, and by the code of Feishu's answer or the kind of failure."""
        self.waits = Counts()
        """How often calls had to wait for the limits, by API."""
        self.waited = Counts()
        """Seconds they did, by API."""

    def __len__(self) -> int:
        """How many limits are in use, or were a moment ago."""
        return len(self._queues)

    def learn(self, message_id: str, chat_id: str) -> None:
        """Remember which chat a message is in."""
        self._remember(("message", message_id), chat_id)

    async def run(self, call: ApiCall, perform: Callable[[], Awaitable[_T]]) -> _T:
        """Carry out a call when it is its turn, and again where Feishu finds that it was too soon.

        Raises:
            RateLimited: Feishu refuses for longer than `patience`.
        """
        self._tidy()
        api = self._queue(_api_of(call), _api_limits)
        receiver = _receiver_of(call)
        place = None if receiver is None else self._queue(self._place_of(receiver), _limits_of(receiver))
        queues = [queue for queue in (place, api) if queue is not None]
        for queue in queues:
            queue.users += 1
        try:
            name = name_of(call)
            if place is None or place.door is None:
                return await self._try(queues, name, perform)
            async with place.door:
                result = await self._try(queues, name, perform)
                self._learn_from(receiver, result)
                return result
        finally:
            for queue in queues:
                queue.users -= 1

    async def _try(self, queues: list[_Queue], name: str, perform: Callable[[], Awaitable[_T]]) -> _T:
        waited, pause = 0.0, _FIRST_WAIT
        while True:
            entered: list[_Window] = []
            begun = _now()
            try:
                for queue in queues:
                    for window in queue.windows:
                        await window.enter()
                        entered.append(window)
                if (late := _now() - begun) > _NOTICEABLE:
                    self.waits.add(name)
                    self.waited.add(name, by=late)
                return await self._made(name, perform)
            except RateLimited as error:
                wait = pause if error.retry_after is None else error.retry_after
                # The API's own limit concerns everybody who calls it, a chat's only those who write there.
                concerned = queues[0] if error.code in _OF_THE_PLACE else queues[-1]
                concerned.windows[0].close(min(wait, self._patience))
                waited += wait
                if waited > self._patience:
                    raise
                _log.info("too soon, again in %.1f s: %s", wait, error)
                pause = min(pause * 2, _LONGEST_WAIT)
            finally:
                for window in entered:
                    window.leave()

    async def _made(self, name: str, perform: Callable[[], Awaitable[_T]]) -> _T:
        """Make a call; counted, and traced."""
        code = "0"
        with span(name, Kind.CLIENT, feishu__api=name) as traced:
            try:
                return await perform()
            except FeishuError as error:
                code = _code_of(error)
                raise
            finally:
                traced.set_attribute("feishu.code", code)
                self.calls.add(name, code)

    def _queue(self, key: Hashable, make: Callable[[], _Queue]) -> _Queue:
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = make()
        else:
            self._queues.move_to_end(key)
        return queue

    def _tidy(self) -> None:
        """Forget limits that nothing was counted against for a while, beginning with the one used longest ago."""
        while self._queues:
            key, queue = next(iter(self._queues.items()))
            if not queue.is_idle():
                return
            del self._queues[key]

    def _place_of(self, receiver: Hashable) -> Hashable:
        chat_id = self._chats.get(receiver)
        return receiver if chat_id is None else ("chat", chat_id)

    def _learn_from(self, receiver: Hashable, answer: object) -> None:
        """A message that was sent tells its chat, and the chat of whoever it was sent to."""
        data = _object(_object(answer).get("data"))
        message_id, chat_id = data.get("message_id"), data.get("chat_id")
        if not (isinstance(message_id, str) and isinstance(chat_id, str)):
            return
        self.learn(message_id, chat_id)
        here, there = self._place_of(receiver), ("chat", chat_id)
        if here != there:
            self._remember(receiver, chat_id)
            if here in self._queues and there not in self._queues:
                self._queues[there] = self._queues[here]  # what was counted here counts there

    def _remember(self, key: Hashable, chat_id: str) -> None:
        self._chats[key] = chat_id
        self._chats.move_to_end(key)
        if len(self._chats) > _REMEMBERED:
            self._chats.popitem(last=False)


def _code_of(error: FeishuError) -> str:
    if not isinstance(error, ApiError):
        return type(error).__name__
    return f"HTTP {error.status}" if error.code is None else str(error.code)


def name_of(call: ApiCall) -> str:
    """An API as people read it, without ids: `POST im/v1/messages/:id/reply`."""
    _, _, service, version, *rest = call.path.split("/")
    fixed = [number % 2 == 0 and _FIXED.fullmatch(part) is not None for number, part in enumerate(rest)]
    path = [part if known else ":id" for part, known in zip(rest, fixed, strict=True)]
    return f"{call.method} {'/'.join((service, version, *path))}"


def _api_of(call: ApiCall) -> Hashable:
    """An API is a method and a path whose every other segment is an id: im/v1/messages/:id/reply."""
    _, _, service, version, *rest = call.path.split("/")
    return call.app_id, call.method, service, version, len(rest), *rest[::2]


def _receiver_of(call: ApiCall) -> Hashable | None:
    """What the call changes, where that has a limit of its own."""
    match call.method, call.path.split("/")[2:]:
        case "POST", ["im", "v1", "messages"]:
            kind = (call.params or {}).get("receive_id_type")
            receive_id = _object(call.body).get("receive_id")
            return ("chat", receive_id) if kind == "chat_id" else ("person", call.app_id, kind, receive_id)
        case "POST", ["im", "v1", "messages", message_id, "reply"]:
            return "message", message_id
        case (("PATCH" | "PUT"), ["im", "v1", "messages", message_id]):
            return "edits", message_id
        case _, ["cardkit", "v1", "cards", card_id, *_] if card_id != "id_convert":
            return "card", card_id
        case _:
            return None


def _api_limits() -> _Queue:
    return _Queue(_Window(1000, 60.0), _Window(50, 1.0))


def _limits_of(receiver: Hashable) -> Callable[[], _Queue]:
    limit = 10 if cast("tuple[str, ...]", receiver)[0] == "card" else 5
    return lambda: _Queue(_Window(limit, 1.0), one_by_one=True)


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _now() -> float:
    return asyncio.get_running_loop().time()
