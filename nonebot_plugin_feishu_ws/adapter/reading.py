"""What one callback says, in one shape, before an event is made of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from nonebot.adapters import feishu as stock

from .message import parse_content
from .normalise import CARD_ACTION, MESSAGE, Json, as_text, card_body, envelope, message_body, moment


class Reading:
    """One callback, normalised but not validated: filters are asked about this, and most of what an event costs is
    spared where they stop it. Total, as `parse_event` is.

    Parameters:
        payload: the JSON as Feishu sent it. Not changed.
        app_id: the receiving app, for payloads that do not name it.

    Attributes:
        schema: "2.0", or empty.
        header, body: as the event's models want them.
        kind: a message, a click, or anything else.
    """

    __slots__ = ("_message", "body", "header", "kind", "schema")

    def __init__(self, payload: Mapping[str, Any], *, app_id: str) -> None:
        self.header, body = envelope(payload, app_id)
        self.schema = as_text(payload.get("schema"))
        event_type = self.header["event_type"]
        self.kind: Literal["message", "click", "notice"]
        self.body: Json
        if event_type == MESSAGE:
            self.kind, self.body = "message", message_body(body)
        elif event_type == CARD_ACTION:
            self.kind, self.body = "click", card_body(body)
        else:
            self.kind, self.body = "notice", dict(body)
        self._message: stock.Message | None = None

    @property
    def event_id(self) -> str:
        return self.header["event_id"]

    @property
    def created_at(self) -> datetime | None:
        """When Feishu says it happened (aware, UTC)."""
        return moment(self.header["create_time"])

    @property
    def message_id(self) -> str | None:
        """The message it is, or is about."""
        match self.kind:
            case "message":
                return self.body["message"]["message_id"]
            case "click":
                return self.body["context"]["open_message_id"] or None
            case "notice":
                return as_text(self.body.get("message_id")) or None

    @property
    def chat_id(self) -> str | None:
        match self.kind:
            case "message":
                return self.body["message"]["chat_id"]
            case "click":
                return self.body["context"]["open_chat_id"] or None
            case "notice":
                return as_text(self.body.get("chat_id")) or None

    @property
    def quotes(self) -> bool:
        """It is a message that quotes another one."""
        return self.kind == "message" and bool(self.body["message"]["parent_id"])

    @property
    def message(self) -> stock.Message:
        """The segments of a message, always the same object: the event takes it over."""
        if self._message is None:
            message = self.body["message"]
            self._message = parse_content(message["content"], message["message_type"], message["mentions"])
        return self._message
