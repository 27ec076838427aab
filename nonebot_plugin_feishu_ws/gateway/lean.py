"""Makes an open WebSocket cheap to keep and to answer on: little memory while idle, few system calls while busy.

aiohttp and asyncio have no setting for either, so attributes of theirs are used that are not documented. Each may be
missing in another version or another event loop: then its saving is lost, and nothing else (tests/gateway/test_lean.py
fails in that case). Only the WebSocket at hand is changed, nothing for the whole process.
"""

import asyncio
from typing import Any, cast

import aiohttp

_TLS_BUFFER = 4096  # a page: a pong needs less, and events in bursts cost 6 % more CPU than with 16 KiB
_MOST_WAITING = 64 * 1024  # bytes; aiohttp looks at the back-pressure as often
_CONTROL = 0x08  # this bit of a frame's first byte is set in close, ping and pong (RFC 6455, 5.5)


def make_lean(websocket: aiohttp.ClientWebSocketResponse) -> None:
    """Once, right after the handshake."""
    writer: Any = getattr(websocket, "_writer", None)
    transport = cast("asyncio.Transport | None", getattr(writer, "transport", None))
    if transport is not None:
        _release_tls_buffer(transport)
        writer.transport = Corked(transport)


def _release_tls_buffer(transport: asyncio.Transport) -> None:
    """Of 256 KiB leave 4. asyncio.sslproto makes the new buffer before the next read, and uses the old one until then.
    (uvloop does not expose its own, which does no harm: memory it has not written to is not there yet.)
    """
    tls: Any = getattr(transport, "_ssl_protocol", None)
    if len(getattr(tls, "_ssl_buffer", b"")) > _TLS_BUFFER:
        tls.max_size, tls._ssl_buffer = _TLS_BUFFER, bytearray()  # noqa: SLF001 - see above


class Corked:
    """Writes in one go what is written within one turn of the loop: one system call, and one TLS record, for the acks
    of all events whose handlers ended together, as they do when their commits are one.

    Stands in for a transport, as far as aiohttp's writer uses it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._call_soon = asyncio.get_running_loop().call_soon
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Soon; at once what closes the connection, together with what came before it."""
        if not self._waiting:
            self._call_soon(self._flush)
        self._waiting.append(data)
        self._size += len(data)
        if data[0] & _CONTROL or self._size > _MOST_WAITING:
            self._flush()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._waiting:
            waiting, self._waiting, self._size = self._waiting, [], 0
            if not self._transport.is_closing():
                self._transport.write(b"".join(waiting))
