"""The open page's event stream: what changed, as fragments ready to be put in place (server-sent events).

A stream begins with everything (`sync`), so a browser that lost it and comes back is right again at once.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ..world import Change, ChangeKind, Chat, User
from .frames import RAW_KINDS, row_of, rows_of
from .guard import HEADERS
from .looks import face_of, ident
from .platform import PAGE, Page
from .texts import Texts
from .views import Reader

__all__ = ["app_views", "close_streams", "stream"]

HEARTBEAT = 15.0
"""Seconds after which a quiet stream says something, so that a gone browser is noticed."""
RETRY = 1000
"""Milliseconds after which a browser that lost the stream asks again."""
GATHER = 0.03
"""Seconds during which further changes join the same batch: a burst redraws the lists once."""
_TALK = frozenset(
    {
        ChangeKind.MESSAGE_CREATED,
        ChangeKind.MESSAGE_EDITED,
        ChangeKind.MESSAGE_RECALLED,
        ChangeKind.CARD_UPDATED,
        ChangeKind.REACTION_ADDED,
        ChangeKind.REACTION_REMOVED,
    }
)
_LISTS = _TALK | {ChangeKind.APP_ADDED, ChangeKind.CHAT_ADDED, ChangeKind.CHAT_CHANGED}
_LINKS = frozenset({ChangeKind.CONNECTED, ChangeKind.DISCONNECTED, ChangeKind.APP_ADDED})


def app_views(page: Page) -> list[dict[str, Any]]:
    """The apps as the side pane lists them."""
    return [
        {
            "app_id": app.app_id,
            "app_secret": app.app_secret,
            "verification_token": app.verification_token,
            "encrypt_key": app.encrypt_key or "",
            "request_url": app.request_url or "",
            "name": app.name,
            "avatar": face_of(app),
            "online": page.platform.online(app),
            "url": page.platform.url,
        }
        for app in page.world.apps.values()
    ]


class Stream:
    """One browser tab: whose eyes, which chat, which language."""

    def __init__(self, page: Page, user: User, chat: Chat | None, texts: Texts) -> None:
        self.page, self.chat, self.texts = page, chat, texts
        self.user = user
        self.reader = Reader(page.world, user, texts, page.reads)

    def sync(self) -> dict[str, object]:
        """Everything that can change."""
        world = self.page.world
        rows = [self.page.part("raw_row", self.texts, row) for row in rows_of(world.feed.history, world)]
        return {
            "entries": self._conversation(),
            "chats": self._chats(),
            "apps": self._apps(),
            "rows": "".join(rows),
        }

    def batch(self, changes: list[Change]) -> dict[str, object]:
        """What these changes mean for this tab; empty parts are left out."""
        kinds = {change.kind for change in changes}
        told: dict[str, object] = {}
        if touched := [
            one for one in changes if self.chat and one.kind in _TALK and one.chat_id == self.chat.chat_id
        ]:
            told["entry"] = self._entries(touched)
        if kinds & (_LISTS | _LINKS):
            told["chats"] = self._chats()
        if kinds & _LINKS:
            told["apps"] = self._apps()
        if raw := [row_of(change, self.page.world) for change in changes if change.kind in RAW_KINDS]:
            told["row"] = "".join(self.page.part("raw_row", self.texts, row) for row in raw)
        return told

    def _entries(self, touched: list[Change]) -> list[Mapping[str, str]]:
        self._read()
        entries = self.reader.redrawn([change.message for change in touched if change.message])
        latest = {one.key: one for one in entries}
        return [{"key": one.key, "html": self.page.part("entry", self.texts, one)} for one in latest.values()]

    def _conversation(self) -> str:
        if self.chat is None:
            return ""
        self._read()
        entries = self.reader.entries(self.chat)
        peer = None if entries else self._peer(self.chat)
        return self.page.part("conversation", self.texts, entries, self.chat, peer)

    def _peer(self, chat: Chat) -> object:
        views = self.reader.chats(self.page.online())
        return next(view for view in views if view.chat_id == chat.chat_id)

    def _read(self) -> None:
        if self.chat is not None:
            self.page.reads.mark(self.user, self.chat, self.page.world.now_ms())

    def _chats(self) -> str:
        views = self.reader.chats(self.page.online())
        return self.page.part(
            "chat_list", self.texts, views, self.chat.chat_id if self.chat else "", ident(self.user)
        )

    def _apps(self) -> str:
        return self.page.part("app_list", self.texts, app_views(self.page))


async def stream(request: web.Request, texts: Texts) -> web.StreamResponse:
    """Answer one event stream until the browser goes or the sandbox stops. Query: `user`, `chat`.

    Raises KeyError for a user or chat that is not there.
    """
    page = request.app[PAGE]
    user = page.user(request.query["user"])
    chat = page.chat(request.query["chat"], user) if request.query.get("chat") else None
    tab = Stream(page, user, chat, texts)
    response = web.StreamResponse(
        headers={**HEADERS, "Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    with page.world.subscribe() as changes:
        page.streams.add(changes)
        waiting: list[Change] = []
        arrived = asyncio.Event()

        async def gather() -> None:
            async for change in changes:
                waiting.append(change)
                arrived.set()

        gatherer = asyncio.create_task(gather(), name="sandbox page stream")
        gatherer.add_done_callback(lambda _: arrived.set())
        try:
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % RETRY)
            await _send(response, "sync", tab.sync())
            while not gatherer.done():
                if not await _soon(arrived):
                    await response.write(b": still here\n\n")
                    continue
                await asyncio.sleep(GATHER)
                arrived.clear()
                batch, waiting[:] = list(waiting), []
                if told := tab.batch(batch):
                    await _send(response, "batch", told)
        except (ConnectionError, OSError):
            pass  # the browser went away
        finally:
            page.streams.discard(changes)
            gatherer.cancel()
            await asyncio.gather(gatherer, return_exceptions=True)
    return response


async def _soon(arrived: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(arrived.wait(), HEARTBEAT)
    except TimeoutError:
        return False
    return True


async def _send(response: web.StreamResponse, event: str, data: Mapping[str, object]) -> None:
    await response.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())


async def close_streams(app: web.Application) -> None:
    """End every open stream, so that a server can stop at once."""
    for changes in tuple(app[PAGE].streams):
        changes.close()
