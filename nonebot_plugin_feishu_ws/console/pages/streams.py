"""Streams to open pages (server-sent events)."""

import asyncio
import signal
import time
from collections.abc import AsyncGenerator

from fastapi import Response
from fastapi.responses import StreamingResponse

from ...storage import DatabaseUnavailable
from ..auth.visitors import visitor_of
from .visit import Visit

_RETRY = 1000  # milliseconds after which a browser that lost the stream asks again
_HEARTBEAT = 15.0  # seconds after which a quiet stream says something, so that a gone browser is noticed
_LOOK_AGAIN = 1.0  # seconds between two looks whether whoever reads may still be here
_LONGEST = 600.0  # seconds; the browser comes back by itself


async def changes(visit: Visit) -> Response:
    """What changes, by topic. At its beginning all of them: what has changed since the page was made nobody knows."""
    return streamed(_changes(visit))


def streamed(parts: AsyncGenerator[str]) -> Response:
    """A stream of `event`s."""
    return StreamingResponse(parts, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def event(name: str, data: str = "") -> str:
    """One of them; data of several lines is sent as such."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n"


def stopping() -> bool:
    """Whether the server is about to stop: it waits for every answer under way, and tells nobody.

    Uvicorn's handler of signals is a method of the server.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return getattr(server, "should_exit", False) is True


async def _changes(visit: Visit) -> AsyncGenerator[str]:
    watch = visit.console.watch
    yield f"retry: {_RETRY}\n\n"
    before: dict[str, str] = {}
    began = said = looked = time.monotonic()
    while (now := time.monotonic()) - began < _LONGEST and not stopping():
        marks = dict(await watch.marks())
        for topic, mark in marks.items():
            if before.get(topic) != mark:
                said = now
                yield event(topic)
        before = marks
        if now - looked >= _LOOK_AGAIN:
            looked = now
            if not await _still_here(visit):
                yield event("gone")
                return
        if now - said >= _HEARTBEAT:
            said = now
            yield ": still here\n\n"
        await asyncio.sleep(watch.every)


async def _still_here(visit: Visit) -> bool:
    console = visit.console
    try:
        session = await console.sessions.find(visit.cookie, used=False)
        return session is not None and bool(await visitor_of(session, visit.management, console.settings))
    except DatabaseUnavailable:  # it is asked again
        return True


__all__ = ["changes", "event", "stopping", "streamed"]
