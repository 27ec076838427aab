"""What the parts of a message request look like: receiver, content, uuid, path."""

import uuid as uuids
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

from .caller import compact

ReceiveIdType = Literal["chat_id", "open_id", "union_id", "user_id", "email"]
Content = Mapping[str, object] | str
"""A message's content: the object its type asks for, or the JSON text of that."""


def receive_id_type_of(receive_id: str) -> ReceiveIdType:
    """What kind of id this is: with `@` e-mail, `oc_` chat, `ou_` open_id, `on_` union_id, else user_id."""
    if "@" in receive_id:  # first, for there may be an on_call@example.com
        return "email"
    by_prefix: dict[str, ReceiveIdType] = {"oc_": "chat_id", "ou_": "open_id", "on_": "union_id"}
    return by_prefix.get(receive_id[:3], "user_id")


def content_text(content: Content) -> str:
    """Content as Feishu takes it: JSON in a string."""
    return content if isinstance(content, str) else compact(content)


def uuid_of(given: str | None) -> str:
    """The given uuid, checked, or a new one."""
    if given is None:
        return uuids.uuid4().hex
    if not 1 <= len(given) <= 50:
        raise ValueError(f"uuid must have 1 to 50 characters, this one has {len(given)}")
    return given


def quoted(segment: str) -> str:
    """An id as a path segment."""
    if not segment:
        raise ValueError("an id is empty")
    return quote(segment, safe="")


def message_path(message_id: str) -> str:
    """The path of one message."""
    return f"im/v1/messages/{quoted(message_id)}"
