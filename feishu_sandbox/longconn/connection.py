"""One client's long connection, seen from the platform."""

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from aiohttp import WSMsgType, web
from google.protobuf.message import DecodeError

from ..faults import Faults, SilenceFault
from ..world import App
from .frames_pb2 import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """A data frame a client sent: the acknowledgement of an event, or what it thinks is one.

    Or the answer of a request URL: then ``conn_id`` is empty, ``code`` the HTTP status and ``data`` the body.
    """

    app_id: str
    conn_id: str
    message_id: str
    event_id: str | None
    """None: no event of this message_id was pushed on this connection."""
    code: int | None
    """None: the payload is not ``{"code": …}``."""
    data: object
    """The decoded callback answer; None if there is none or it cannot be decoded."""
    headers: dict[str, str]
    frame: Frame | None = field(repr=False)
    raw: bytes = field(repr=False)
    at: float
    """Monotonic seconds."""


@dataclass(eq=False, kw_only=True)
class Connection:
    """An open, or formerly open, connection."""

    app: App
    conn_id: str
    """The ``device_id`` of its URL."""
    service_id: int
    ws: web.WebSocketResponse = field(repr=False)
    request: web.Request = field(repr=False)
    faults: Faults = field(repr=False)
    opened_at: float = field(default_factory=time.monotonic)
    closed_at: float | None = None
    pings: list[float] = field(default_factory=list[float])
    """When application pings came (monotonic)."""
    websocket_pings: int = 0
    garbage: list[bytes] = field(default_factory=list[bytes])
    """Messages that are no frames."""
    close_code: int | None = None
    """The client's close code; 1006 if it left without a close frame."""
    _silence: SilenceFault | None = None

    @property
    def open(self) -> bool:
        return self.closed_at is None

    def silence(self) -> SilenceFault | None:
        """The fault that keeps this connection silent; once struck, it stays so until the connection ends."""
        if self._silence is None:
            self._silence = self.faults.take(SilenceFault, self.app.app_id)
        return self._silence

    @property
    def client_headers(self) -> dict[str, str]:
        """What the client sent with its handshake."""
        return dict(self.request.headers)

    async def send_bytes(self, data: bytes) -> None:
        """Send one binary message; a connection that is gone swallows it."""
        with contextlib.suppress(ConnectionError, RuntimeError):
            await self.ws.send_bytes(data)

    async def send_frame(self, frame: Frame) -> None:
        """Send any frame."""
        await self.send_bytes(frame.SerializeToString())

    async def messages(self) -> AsyncIterator[tuple[bytes, Frame | None]]:
        """What the client sends, as (raw, frame), until it leaves; the frame is None if it is none."""
        async for message in self.ws:
            if message.type is WSMsgType.PING:
                self.websocket_pings += 1
                silence = self.silence()
                if silence is None or silence.answer_websocket_pings:
                    await self.ws.pong(message.data)
            elif message.type is WSMsgType.BINARY:
                yield message.data, self._parsed(message.data)
            elif message.type is WSMsgType.TEXT:
                self.garbage.append(message.data.encode())

    def _parsed(self, raw: bytes) -> Frame | None:
        frame = Frame()
        try:
            frame.ParseFromString(raw)
        except DecodeError:
            self.garbage.append(raw)
            return None
        return frame

    async def drop(self, how: Literal["fin", "rst", "close"] = "fin", close_code: int = 1000) -> None:
        """End the connection: FIN without a close frame, RST, or a proper close frame."""
        transport = self.request.transport
        if how == "close":
            with contextlib.suppress(ConnectionError, RuntimeError):
                await self.ws.close(code=close_code)
        elif transport is not None:
            if how == "rst":
                sock: socket.socket | None = transport.get_extra_info("socket")
                if sock is not None:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()
            else:
                transport.close()


@contextlib.contextmanager
def corked(request: web.Request) -> Generator[None]:
    """Hold back what is written, so that it leaves in one TCP segment (on Linux; a no-op elsewhere)."""
    sock: socket.socket | None = request.transport and request.transport.get_extra_info("socket")
    option: int | None = getattr(socket, "TCP_CORK", None)
    if sock is None or option is None:
        yield
        return
    sock.setsockopt(socket.IPPROTO_TCP, option, 1)
    try:
        yield
    finally:
        sock.setsockopt(socket.IPPROTO_TCP, option, 0)


def preview(payload: bytes) -> str:
    """A payload for people: JSON compact, anything else as it is, at most 4,000 characters."""
    text = payload.decode("utf-8", "replace")
    with contextlib.suppress(ValueError):
        text = json.dumps(json.loads(text), ensure_ascii=False)
    return text[:4000]


async def sleep_for_ever() -> NoReturn:
    """What a hanging server does; ends when the client leaves or the sandbox stops."""
    while True:
        await asyncio.Event().wait()
