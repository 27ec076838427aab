"""The shapes that templates print: faces, messages, lines of a list. Plain data, already cleaned."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..world import App, Member, User
from .markup import clean
from .nodes import NOTHING, Card

__all__ = [
    "Avatar",
    "ChatView",
    "Entry",
    "MessageView",
    "Quote",
    "ReactionView",
    "avatar",
    "face_of",
    "ident",
]

HUES = 8


def ident(who: Member) -> str:
    """The id by which the page names a person or an app in forms and links."""
    return who.union_id if isinstance(who, User) else who.app_id


@dataclass(frozen=True, slots=True)
class Avatar:
    initials: str
    hue: int
    bot: bool


def avatar(name: str, *, bot: bool = False, person: bool = False) -> Avatar:
    """Two letters on one of eight colours; of a person's Chinese name the last two, as in Feishu."""
    words = clean(name).split()
    latin = [word[0] for word in words if word[0].isascii()]
    joined = "".join(words)
    initials = "".join(latin[:2]).upper() or (joined[-2:] if person else joined[:2])
    return Avatar(initials or "?", hashlib.sha256(clean(name).encode()).digest()[0] % HUES, bot)


def face_of(who: Member) -> Avatar:
    """The avatar of a person or a bot."""
    return avatar(who.name, bot=isinstance(who, App), person=isinstance(who, User))


@dataclass(frozen=True, slots=True)
class ReactionView:
    emoji: str
    glyph: str
    count: int
    mine: bool
    label: str


@dataclass(frozen=True, slots=True)
class Quote:
    message_id: str
    name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One message; `continued`: said right after the one before it, so without name and avatar."""

    message_id: str
    msg_type: str
    sender: str
    avatar: Avatar
    mine: bool
    system: bool
    recalled: bool
    edited: bool
    continued: bool
    clock: str
    moment: str
    body: Markup = NOTHING
    card: Card | None = None
    quote: Quote | None = None
    words: str = ""
    thread_id: str = ""
    reactions: Sequence[ReactionView] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the conversation: a message that stands for itself, or a topic with its replies."""

    key: str
    day: str
    message: MessageView
    replies: Sequence[MessageView] = ()
    topic: bool = False


@dataclass(frozen=True, slots=True)
class ChatView:
    """A line in the list of chats. A direct chat never opened has no `chat_id` yet, only its `app_id`."""

    chat_id: str
    app_id: str
    name: str
    kind: str
    avatar: Avatar
    words: str = ""
    clock: str = ""
    unread: int = 0
    latest: int = 0
    online: bool = True
