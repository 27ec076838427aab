"""The ways to a server. Everything that comes is bounded: a server may send as much as it likes."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import types
from mcp.client.stdio import get_default_environment
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from typing_extensions import override

from ...mcp_servers import McpServer

_LARGEST = 4 * 1024 * 1024  # bytes of one message
_CHUNK = 64 * 1024
_CONNECT_WITHIN = 10.0  # seconds
_ENDS_WITHIN = 1.0  # seconds: after its input was closed, and again after SIGTERM

Streams = AbstractAsyncContextManager[Any]
"""See `mcp.client.Transport`."""


def way_to(server: McpServer, ended: Callable[[], None]) -> Streams:
    """Connect. Errors of it are raised where it is entered, or end it.

    Args:
        server: As in the settings.
        ended: Told when a program has ended by itself.
    """
    return _program(server, ended) if server.command else _remote(server)


def hush() -> None:
    """Keep the SDK from logging: it quotes what servers say, and that may be the key they were given."""
    for name in ("mcp.client", "mcp.shared"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.getLogger("client").addFilter(_not_of_sdk)  # what its session calls its log: others may, too


def _not_of_sdk(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parts[-3:] != ("mcp", "client", "session.py")


# --- streamable HTTP ------------------------------------------------------------------------------------------------


class _Bounded(httpx2.AsyncByteStream):
    """A body that is broken off when it is too large."""

    def __init__(self, stream: Any, most: int) -> None:
        self._stream = stream
        self._left = most

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise httpx2.StreamError("the answer is too large")
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    kind = response.headers.get("content-type", "").lower()
    packed = (
        "content-encoding" in response.headers
    )  # it was asked for plainly: a small body may become a huge one
    if packed or not kind.startswith("text/event-stream"):  # there each event is bounded by itself
        response.stream = _Bounded(response.stream, 0 if packed else _LARGEST)


@asynccontextmanager
async def _remote(server: McpServer) -> AsyncGenerator[Any]:
    headers = {name: value.get_secret_value() for name, value in server.headers.items()}
    timeout = httpx2.Timeout(server.timeout, connect=min(server.timeout, _CONNECT_WITHIN))
    async with (
        httpx2.AsyncClient(
            headers={**headers, "accept-encoding": "identity"},
            timeout=timeout,
            trust_env=not server.loopback,  # no proxy stands between this machine and itself
            event_hooks={"response": [_bound]},
        ) as client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=_LARGEST) as streams,
    ):
        yield streams


# --- a program ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _program(server: McpServer, ended: Callable[[], None]) -> AsyncGenerator[Any]:
    """A program of ours to talk with. The SDK's own takes lines of any length, and longer to let go than a stop may."""
    process = await _started(server)
    heard, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, said = anyio.create_memory_object_stream[SessionMessage](0)
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def hear() -> None:
        async with heard:
            with contextlib.suppress(
                ValueError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError
            ):
                while text := await stdout.readline():  # ValueError: a line that is too long
                    with contextlib.suppress(ValueError):  # not everything programs print is meant for us
                        message = types.jsonrpc_message_adapter.validate_json(text, by_name=False)
                        await heard.send(SessionMessage(message))
        ended()
        while await stdout.read(_CHUNK):  # nobody listens any more: it is not to be stuck
            pass

    async def say() -> None:
        async with said:
            with contextlib.suppress(OSError):
                async for each in said:
                    text = each.message.model_dump_json(by_alias=True, exclude_unset=True)
                    stdin.write(text.encode() + b"\n")
                    await stdin.drain()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hear)
        tasks.start_soon(say)
        try:
            yield incoming, outgoing
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)
            for stream in (heard, incoming, outgoing, said):
                stream.close()
            tasks.cancel_scope.cancel()


async def _started(server: McpServer) -> asyncio.subprocess.Process:
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            shutil.which(server.command) or server.command,
            *server.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=get_default_environment()
            | {name: value.get_secret_value() for name, value in server.env.items()},
            limit=_LARGEST,
            start_new_session=True,  # Ctrl-C is for us; and whatever it starts can be ended with it
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio itself would end the program alone, and not what it has started already.
        await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its input, then ask it to end, then end it, and whatever it has started."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        for how in (None, signal.SIGTERM, _kill_signal()):
            if how is not None:
                _signal(process, how)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ENDS_WITHIN):
                    await process.wait()
                    break
    finally:
        _signal(process, _kill_signal())


def _kill_signal() -> signal.Signals:
    return getattr(signal, "SIGKILL", signal.SIGTERM)


def _signal(process: asyncio.subprocess.Process, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, how)
        else:
            process.terminate()
