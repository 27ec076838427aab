"""One REST call: who makes it, what it says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from ..rules import Rules
from ..world import App, Chat, Json, Message, World
from ..world.loose import parse_object
from .errors import NOT_IN_CHAT, ApiError, bad_field, bad_json, invalid, unknown_id
from .limits import Limits, SentOnce
from .tokens import Tokens


@dataclass(frozen=True, slots=True)
class Platform:
    """What the endpoints work on."""

    world: World
    rules: Rules
    tokens: Tokens
    limits: Limits
    sent: SentOnce
    online: Callable[[App], int]
    """How many long connections an app has."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an authenticated app. Reading methods raise ApiError where Feishu refuses."""

    platform: Platform
    request: web.Request
    app: App
    body: Json = field(default_factory=dict[str, Any])

    @property
    def world(self) -> World:
        return self.platform.world

    def text(self, name: str, *, required: bool = True) -> str:
        """A string of the body; empty if it is absent and not required."""
        value = self.body.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value):
            raise bad_field(name, f"{name} is required" if not value else f"{name} must be a string")
        return value

    def query(self, name: str, *, default: str | None = None) -> str:
        """A query parameter; required without a default."""
        value = self.request.query.get(name) or default
        if value is None:
            raise bad_field(name, f"{name} is required")
        return value

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def page(self, items: list[Json], most: int = 100) -> Json:
        """One page of a list (``page_size`` 1-``most``, default 20; ``page_token`` as handed out)."""
        try:
            size = int(self.request.query.get("page_size") or 20)
            start = int(self.request.query.get("page_token") or 0)
        except ValueError as error:
            raise bad_field("page_token", "page_size or page_token is invalid") from error
        if not 1 <= size <= most or start < 0:
            raise bad_field("page_size", f"page_size must be between 1 and {most}")
        more = start + size < len(items)
        token = str(start + size) if more else ""
        return {"items": items[start : start + size], "page_token": token, "has_more": more}

    def message(self) -> Message:
        """The message of the path, in a chat of the app."""
        message_id = self.part("message_id")
        if not message_id.startswith("om_"):
            raise unknown_id("open_message_id", message_id)
        message = self.world.messages.get(message_id)
        if message is None:
            raise invalid("invalid message_id")
        if self.app not in message.chat.apps:
            raise ApiError(*NOT_IN_CHAT)
        return message

    def receiver(self, kind: str, value: str) -> Chat:
        """The chat that a receive_id means (Feishu, "发送消息", receive_id_type)."""
        if kind not in ("open_id", "user_id", "union_id", "email", "chat_id"):
            raise bad_field("receive_id_type", "must be open_id, user_id, union_id, email or chat_id")
        if kind != "chat_id":
            user = self.world.find_user(kind, value, self.app)
            if user is None:
                raise invalid("invalid receive_id.")
            return self.world.direct_chat(user, self.app)
        chat = self.world.chats.get(value)
        if chat is None:
            raise invalid("invalid receive_id.")
        if self.app not in chat.apps:
            raise ApiError(*NOT_IN_CHAT)
        return chat


Handler = Callable[[Call], Awaitable[Json | web.StreamResponse]]
"""Returns the ``data`` of the answer, or a whole response."""


async def json_body(request: web.Request) -> Json:
    """The request's JSON object; an empty body is an empty object. Raises ApiError 9499."""
    raw = await request.read()
    if not raw:
        return {}
    body = parse_object(raw)
    if body is None:
        raise bad_json()
    return body
