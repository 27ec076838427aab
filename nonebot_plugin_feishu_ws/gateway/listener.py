"""An app's webhook: the other way in beside the long connection.

It serves nothing by itself: whoever has an HTTP server hands it what was posted to the app's address.
"""

import asyncio
import hashlib
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from .codec import Inbound
from .connection import State, Status
from .errors import GatewayError, Reason
from .link import Handler
from .settings import Limits, Timings
from .webhook import Challenge, Delivered, Keys, Refusal, RefusedError, examine

_log = logging.getLogger("nonebot_plugin_feishu_ws.gateway")

_TIMINGS, _LIMITS = Timings(), Limits()
_UNSIGNED_A_MINUTE = 30  # checks of an address, and what pretends to be one


class Nonces(Protocol):
    """What requests were signed with."""

    async def take(self, app_id: str, nonce: str) -> bool:
        """Remember one, for all processes; False if it is known already. May raise: nobody knows now."""
        ...


class _NotNowError(Exception):
    """Nobody knows whether a request has come before."""


@dataclass(frozen=True, slots=True)
class Response:
    """What to answer over HTTP; `body` is JSON."""

    status: int
    body: bytes = b"{}"


NOT_HERE = Response(404, b'{"msg":"not found"}')
"""No such app, or none that has a webhook: the same for all of them."""
TOO_LARGE = Response(413, b'{"msg":"too large"}')
_FORBIDDEN = Response(403, b'{"msg":"forbidden"}')
_FAILED = Response(500, b'{"msg":"failed"}')
_BUSY = Response(503, b'{"msg":"not now"}')


class Webhook:
    """Answers what is posted to one app, from `start()` to `stop()`.

    Feishu takes a status of 200 within 3 s for an answer, and pushes an event again otherwise. A click is never pushed
    again: what its handler responds is the body of the answer.

    Args:
        app_id: for the log, and for `nonces`.
        keys: as they are now; read for every request.
        handler: called once per event and callback, see `LongConnection`.
        nonces: so that no request counts twice. Of an event the nonce is taken after it was stored: where that failed
            the same request may come again. Of a click it is taken before anything is done.
        unserved: why nothing can be posted here at all; then it is `blocked`.
        on_status: as of `LongConnection`.
        timings, limits: see there.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        app_id: str,
        keys: Callable[[], Keys],
        handler: Handler,
        nonces: Nonces,
        *,
        unserved: GatewayError | None = None,
        on_status: Callable[[Status], None] | None = None,
        timings: Timings = _TIMINGS,
        limits: Limits = _LIMITS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._app_id = app_id
        self._keys = keys
        self._handler = handler
        self._nonces = nonces
        self._unserved = unserved
        self._on_status = on_status
        self._timings = timings
        self._limits = limits
        self._clock = clock
        self._status = Status(State.DISCONNECTED, outbound=False)
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._unsigned: deque[float] = deque(maxlen=_UNSIGNED_A_MINUTE)
        self._refused: Counter[Refusal] = Counter()

    @property
    def status(self) -> Status:
        """What is known now. `last_heartbeat` is the last request that was Feishu's, the check of the address
        included; `error` tells of one that was refused since.
        """
        return self._status

    def start(self) -> None:
        """Answer from now on. Idempotent."""
        if self._status.state is not State.DISCONNECTED:
            return
        if self._unserved is None:
            self._publish(State.CONNECTED, connected_at=datetime.now(UTC), error=None)
        else:
            self._publish(State.BLOCKED, error=self._unserved)

    async def stop(self) -> None:
        """Answer nothing more, and let what is being answered finish, for `Timings.drain` seconds. Idempotent."""
        if self._status.state is State.DISCONNECTED:
            return
        self._publish(State.DISCONNECTED, connected_at=None, error=None)
        try:
            async with asyncio.timeout(self._timings.drain):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("%s: %d requests are still being answered", self._app_id, self._running)

    async def receive(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer a request.

        Args:
            headers: With names in lower case.
            body: As it came: the signature is over its very bytes.
        """
        if self._status.state is not State.CONNECTED:
            return NOT_HERE
        if self._running >= self._limits.running:
            return _BUSY
        self._running += 1
        self._idle.clear()
        try:
            return await self._answer(headers, body)
        except RefusedError as error:
            self._complain(error.refusal)
            return TOO_LARGE if error.refusal is Refusal.TOO_LARGE else _FORBIDDEN
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def _answer(self, headers: Mapping[str, str], body: bytes) -> Response:
        found = self._examine(headers, body)
        heard = datetime.fromtimestamp(self._clock(), UTC)
        if isinstance(found, Challenge):
            self._status = replace(self._status, last_heartbeat=heard, error=None)
            return Response(200, json.dumps({"challenge": found.challenge}).encode())
        inbound = Inbound(
            found.kind,
            found.payload,
            hashlib.sha256(found.payload).hexdigest()[:32],  # the same when it is pushed again
            headers.get("x-request-id", "")[:64],
        )
        self._status = replace(self._status, last_heartbeat=heard, last_event_at=heard, error=None)
        try:
            async with asyncio.timeout(self._timings.answer):
                return await self._handled(found, inbound)
        except TimeoutError:
            # A click's handlers go on, and bring what they have to say by other ways.
            return Response(200) if found.callback else _BUSY

    async def _handled(self, found: Delivered, inbound: Inbound) -> Response:
        try:
            if found.callback:
                await self._once(found.nonce)
            ack = await self._handler(inbound)
            if ack.code != 200:
                return _FAILED
            body = json.dumps({} if ack.data is None else ack.data, ensure_ascii=False, allow_nan=False)
            if not found.callback:
                await self._once(found.nonce)
            return Response(200, body.encode())
        except RefusedError:
            raise
        except _NotNowError:
            return _BUSY
        except Exception:
            _log.exception("%s: request %s failed", self._app_id, inbound.message_id)
            return _FAILED

    def _examine(self, headers: Mapping[str, str], body: bytes) -> Challenge | Delivered:
        keys, now = self._keys(), self._clock()
        if keys.encrypt_key and "x-lark-signature" not in headers:
            if len(self._unsigned) == self._unsigned.maxlen and now - self._unsigned[0] < 60:
                raise RefusedError(Refusal.TOO_MANY)
            self._unsigned.append(now)
        return examine(keys, headers, body, now=now)

    async def _once(self, nonce: str | None) -> None:
        if nonce is None:
            return
        try:
            new = await self._nonces.take(self._app_id, nonce)
        except Exception as error:  # theirs: the database is away
            _log.warning("%s: whether a request is a new one is not to be had: %s", self._app_id, error)
            raise _NotNowError from None
        if not new:
            raise RefusedError(Refusal.REPLAYED)

    def _complain(self, refusal: Refusal) -> None:
        """Log the 1st, 2nd, 4th, 8th … of a kind: whoever finds the address must not fill the disk."""
        error = GatewayError(Reason.REFUSED, refusal.value)
        self._status = replace(self._status, error=error)
        self._refused[refusal] += 1
        count = self._refused[refusal]
        if count & (count - 1) == 0:
            _log.warning("%s: a request is refused: %s (%d so far)", self._app_id, refusal, count)

    def _publish(
        self, state: State, *, error: GatewayError | None, connected_at: datetime | None = None
    ) -> None:
        self._status = replace(self._status, state=state, error=error, connected_at=connected_at)
        if self._on_status is not None:
            try:
                self._on_status(self._status)
            except Exception:
                _log.exception("%s: on_status failed", self._app_id)
