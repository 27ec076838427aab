"""One WebSocket, from its handshake to its end."""

import asyncio
import contextlib
import json
import logging
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import aiohttp
from yarl import URL

from .bootstrap import Endpoint, platform_text, summary
from .codec import Ack, Inbound, Method, ack_payload, decode, encode_ack, headers_of, number, ping, text
from .errors import FrameError, GatewayError, HandshakeError, LinkError, Reason
from .frame_pb2 import Frame
from .lean import make_lean
from .liveness import Liveness, Verdict, uptime
from .policy import ServerConfig
from .pool import HandlerPool
from .reassembly import Reassembler
from .settings import Limits, Timings
from .urls import proxy_for

_log = logging.getLogger("nonebot_plugin_feishu_ws.gateway")

Handler = Callable[[Inbound], Awaitable[Ack]]

_KINDS: dict[str, Literal["event", "card"]] = {"event": "event", "card": "card"}
_FAILED = ack_payload(Ack(500))
_FRAME_MARGIN = 64 * 1024  # headers and framing around a payload
_CONNECTION_LIMIT = "1000040350"
_LONGEST_PLAIN = 12  # characters: in a URL's query what is longer may be a ticket


@dataclass(slots=True)
class Facts:
    """What is known about an app's connections, across all of them."""

    app_id: str
    server: ServerConfig = field(default_factory=ServerConfig)
    counters: Counter[str] = field(default_factory=Counter[str])
    last_pong: float | None = None  # wall clock, like the next
    last_event: float | None = None

    def complain(self, what: str, detail: object) -> None:
        """Count an oddity, log the 1st, 2nd, 4th, 8th ... of it: a gateway gone mad must not fill the disk."""
        self.counters[what] += 1
        count = self.counters[what]
        if count & (count - 1) == 0:
            _log.warning("%s: %s (%d so far): %s", self.app_id, what.replace("_", " "), count, detail)


async def open_websocket(
    endpoint: Endpoint, session: aiohttp.ClientSession, *, proxy: str | None, timings: Timings, limits: Limits
) -> aiohttp.ClientWebSocketResponse:
    """The handshake.

    Raises:
        HandshakeError: whatever happened. Refusals explain themselves in headers `Handshake-Status`,
            `Handshake-Msg` and `Handshake-Autherrcode` (feishu-facts.md, Handshake refusal headers).
    """
    failure: GatewayError
    try:
        async with asyncio.timeout(timings.handshake):
            websocket = await session.ws_connect(
                endpoint.url,
                proxy=proxy_for(endpoint.url, proxy),
                # An attrs class whose fields pyright does not see.
                timeout=aiohttp.ClientWSTimeout(ws_close=timings.close),  # pyright: ignore[reportCallIssue]
                max_msg_size=limits.payload + _FRAME_MARGIN,
            )
    except TimeoutError:
        failure = HandshakeError(Reason.TIMEOUT, f"the gateway did not answer within {timings.handshake:g} s")
    except aiohttp.WSServerHandshakeError as error:
        failure = _refusal(error, endpoint.url)
    except Exception as error:  # the boundary: aiohttp, ssl, a closed session ...; their texts quote the URL
        failure = HandshakeError(Reason.NETWORK, summary(error))
    else:
        make_lean(websocket)
        return websocket
    raise failure


def _refusal(error: aiohttp.WSServerHandshakeError, url: URL) -> HandshakeError:
    headers = error.headers or {}
    tickets = [value for value in url.query.values() if len(value) > _LONGEST_PLAIN]
    status = headers.get("Handshake-Status", str(error.status))
    msg = (
        platform_text(headers.get("Handshake-Msg", ""), *tickets)
        or f"the gateway answered HTTP {error.status}"
    )
    auth_code = headers.get("Handshake-Autherrcode", "")
    code = int(auth_code) if auth_code.isdecimal() else error.status
    if status == "403":
        return HandshakeError(Reason.FORBIDDEN, msg, code=code)
    if status == "514" and auth_code == _CONNECTION_LIMIT:
        return HandshakeError(Reason.CONNECTION_LIMIT, msg, code=code)
    return HandshakeError(Reason.UNAVAILABLE, msg, code=code)


class Link:
    """An open WebSocket: reads frames, runs handlers, acks, pings, and notices when the other side is gone.

    Acks go to this WebSocket or nowhere: a late one is dropped, and the platform pushes the event again.
    """

    def __init__(
        self,
        websocket: aiohttp.ClientWebSocketResponse,
        service_id: int,
        handler: Handler,
        *,
        facts: Facts,
        pool: HandlerPool,
        timings: Timings,
        limits: Limits,
    ) -> None:
        self._websocket = websocket
        self._socket = websocket.get_extra_info("socket")
        self._ping = ping(service_id)
        self._handler = handler
        self._facts = facts
        self._pool = pool
        self._timings = timings
        self._max_payload = limits.payload
        self._partials = Reassembler(limits, timings.fragments, partial(facts.complain, "dropped_partials"))
        self._liveness = Liveness(timings, time.monotonic())
        self._stalled = False

    async def run(self) -> GatewayError:
        """Serve until the link ends. When cancelled, let running handlers finish and ack (`Timings.drain`).

        Returns:
            Why it ended: it was closed, reset or silent.
        """
        tasks = asyncio.create_task(self._read()), asyncio.create_task(self._keep_alive())
        try:
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except asyncio.CancelledError:
            await self._pool.drain(self._timings.drain, self._timings.close)
            raise
        finally:
            try:
                await self._close()
            finally:
                self._abort()
        return done.pop().result()

    async def _read(self) -> LinkError:
        receive = self._websocket.receive
        while True:
            message = await receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return LinkError(
                        Reason.CLOSED, "the WebSocket was closed", code=self._websocket.close_code
                    )
                self._facts.complain("malformed_frames", "a text message")
                continue
            now = time.monotonic()
            try:
                frame = decode(message.data)
                self._liveness.heard(now)
                inbound = self._sort(frame, now)
            except FrameError as error:
                self._facts.complain("malformed_frames", error)
                continue
            if inbound is None:
                continue
            if self._pool.full:
                self._stalled = True
                await self._pool.room()
                self._stalled = False
            self._pool.start(self._serve(frame, inbound, now), now)

    def _sort(self, frame: Frame, now: float) -> Inbound | None:
        """What a frame is: an event that is complete now, or None for anything else."""
        headers = headers_of(frame)
        kind = text(headers, "type")
        if frame.method == Method.CONTROL and kind == "pong":
            self._pong(frame.payload)
            return None
        if frame.method != Method.DATA or kind not in _KINDS:
            self._facts.complain("unknown_frames", f"method {frame.method}, type {kind[:32]!r}")
            return None
        message_id = text(headers, "message_id")
        payload: bytes | None = frame.payload
        if headers.get("sum", "1") != "1" and (total := number(headers, "sum", 1)) not in (0, 1):
            payload = self._partials.add(message_id, total, number(headers, "seq", 0), payload, now)
            if payload is None:
                return None
        elif len(payload) > self._max_payload:
            raise FrameError(f"a payload of more than {self._max_payload} bytes")
        return Inbound(_KINDS[kind], payload, message_id, text(headers, "trace_id"))

    def _pong(self, payload: bytes) -> None:
        self._facts.last_pong = time.time()
        if payload:
            try:
                config: object = json.loads(payload)
            except (ValueError, RecursionError):
                self._facts.complain("malformed_frames", "a pong whose config is not JSON")
            else:
                self._facts.server = self._facts.server.updated(config)

    async def _serve(self, frame: Frame, inbound: Inbound, since: float) -> None:
        facts = self._facts
        facts.counters["events"] += 1
        facts.last_event = time.time()
        try:
            payload = ack_payload(await self._handler(inbound))
        except asyncio.CancelledError:  # too old, or we are stopping: Feishu is to push it again
            _log.warning("%s: handler of %.64r was cancelled", facts.app_id, inbound.message_id)
            payload = _FAILED
        except Exception:
            _log.exception("%s: handler of %.64r failed", facts.app_id, inbound.message_id)
            payload = _FAILED
        try:
            await self._websocket.send_bytes(encode_ack(frame, payload, time.monotonic() - since))
            facts.counters["failed" if payload is _FAILED else "acked"] += 1
        except (aiohttp.ClientError, OSError):
            facts.complain("lost_acks", f"{inbound.message_id[:64]!r}, its connection is gone")
        finally:
            self._pool.leave()

    async def _keep_alive(self) -> LinkError:
        while True:
            now, server = time.monotonic(), self._facts.server
            if self._stalled:
                self._liveness.excuse()
            verdict = self._liveness.look(now, uptime(), server)
            if verdict is Verdict.DEAD:
                return LinkError(Reason.SILENT, f"no frame for {now - self._liveness.heard_at:.0f} s")
            if verdict is Verdict.PING:
                try:
                    async with asyncio.timeout(self._timings.pong):
                        await self._websocket.send_bytes(self._ping)
                except TimeoutError:
                    return LinkError(Reason.SILENT, "nothing can be written any more")
                except (aiohttp.ClientError, OSError) as error:
                    await asyncio.sleep(self._timings.close)  # who reads ends us first, and knows why
                    return LinkError(Reason.CLOSED, summary(error))
                self._facts.counters["pings"] += 1
            self._partials.expire(now)
            self._pool.cancel_older(now - self._timings.handler)
            await asyncio.sleep(self._liveness.rest(time.monotonic(), uptime(), server))

    async def _close(self) -> None:
        with contextlib.suppress(TimeoutError, aiohttp.ClientError, OSError):
            async with asyncio.timeout(self._timings.close):
                await self._websocket.close()

    def _abort(self) -> None:
        """Let go of the socket now, even if the peer never takes what is still to be written to it."""
        if self._socket is not None and self._socket.fileno() != -1:
            with contextlib.suppress(OSError):
                # A duplicate of the descriptor, because not every event loop lets its own be shut down.
                twin = socket.fromfd(self._socket.fileno(), socket.AF_INET, socket.SOCK_STREAM)
                with twin:
                    twin.shutdown(socket.SHUT_RDWR)
