"""What is to be said: a message before Feishu has it, and the id that makes saying it again harmless."""

import hashlib
import json
from dataclasses import dataclass, field

from ..openapi import ReceiveIdType

Place = tuple[str, str, str]
"""Where a message will be read: app_id, receive_id_type, receive_id."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to be said once.

    Attributes:
        app_id: Who says it.
        uuid: Made from what it answers (`uuid_for`): the same uuid again is the same message.
        msg_type: As Feishu has it: `text`, `post`, `interactive` …
        content: The JSON text of the content.
        reply_to: The message it replies to. Where that is withdrawn, it becomes a message to `receive_id`.
        receive_id: The chat or person it goes to; messages to one go out in the order in which they were put.
        in_thread: Reply in the topic of the message, or open one.
        event_id: The event it answers, if any.
        final: With it the event is answered.
    """

    app_id: str
    uuid: str
    msg_type: str
    content: str = field(repr=False)
    reply_to: str | None = None
    receive_id: str | None = None
    receive_id_type: ReceiveIdType = "chat_id"
    in_thread: bool = False
    event_id: str | None = None
    final: bool = False

    def __post_init__(self) -> None:
        if not (self.reply_to or self.receive_id):
            raise ValueError("a message needs somebody it goes to, or a message it replies to")

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this message."""
        return self.app_id, self.uuid

    @property
    def place(self) -> Place:
        """Where it will be read: what goes to one place keeps its order."""
        return self.app_id, self.receive_id_type, self.receive_id or self.reply_to or ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that is committed, and will be said whatever happens to this process.

    Attributes:
        fresh: False if it was put before, perhaps by another process, with what was its content then.
    """

    app_id: str
    uuid: str
    fresh: bool


def uuid_for(*parts: str) -> str:
    """An id for what these parts name: the same for the same parts, in every process; 40 characters.

    Feishu takes up to 50: some are left to tell the messages of one answer apart.
    """
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]
