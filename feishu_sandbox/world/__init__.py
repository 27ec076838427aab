"""The company behind the platform: its people, chats and messages."""

from .changes import Change, ChangeKind, Subscription
from .clicks import ClickFailed
from .contents import MESSAGE_TYPES
from .entities import CardEntity
from .model import (
    SCOPES,
    TENANT_KEY,
    App,
    Chat,
    ClickError,
    ClickResult,
    Json,
    Member,
    Mention,
    Message,
    Reaction,
    Resource,
    User,
)
from .wire import Wire
from .world import World

__all__ = [
    "MESSAGE_TYPES",
    "SCOPES",
    "TENANT_KEY",
    "App",
    "CardEntity",
    "Change",
    "ChangeKind",
    "Chat",
    "ClickError",
    "ClickFailed",
    "ClickResult",
    "Json",
    "Member",
    "Mention",
    "Message",
    "Reaction",
    "Resource",
    "Subscription",
    "User",
    "Wire",
    "World",
]
