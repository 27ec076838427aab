"""The platform's things: apps, users, chats, messages. Only :class:`World` changes them."""

from dataclasses import dataclass, field
from typing import Any, Literal

from .ids import new_id, open_id_of

Json = dict[str, Any]
TENANT_KEY = "736588c9260f175d"
"""The one company of this sandbox."""
SCOPES = (
    "im:message",
    "im:message:send_as_bot",
    "im:message.p2p_msg:readonly",
    "im:message.group_at_msg:readonly",
    "im:message.group_msg",
    "im:message.group_at_msg.include_bot:readonly",
    "im:message.reactions:write_only",
    "im:resource",
    "cardkit:card:write",
)
"""What an app of the sandbox has asked for, and is granted unless told otherwise."""


@dataclass(eq=False, kw_only=True)
class App:
    """A self-built app and its bot."""

    name: str
    app_id: str
    app_secret: str = field(repr=False)
    verification_token: str = field(repr=False)
    encrypt_key: str | None = field(default=None, repr=False)
    request_url: str | None = None
    """Where its events and callbacks are posted; None: they are pushed on its long connections."""
    active: bool = True
    """False: the bot is not activated (``activate_status`` 0)."""
    bot: bool = True
    """False: the app has no bot ability, or none in its published version (11205)."""
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    """The scopes the company has granted it; of all calls only a group's history is refused for want of one."""
    group_scope: Literal["all", "mentions"] = "all"
    """Group messages it is sent: all (im:message.group_msg) or those that mention it (facts, "Identity")."""
    include_bots: bool = False
    """Whether mentions written by other bots reach it (facts, "Identity": group_at_msg.include_bot)."""

    @property
    def open_id(self) -> str:
        """The bot's open_id as the app itself sees it."""
        return self.open_id_for(self)

    def open_id_for(self, viewer: "App") -> str:
        """The bot's open_id in another app's events."""
        return open_id_of(self.app_id, viewer.app_id)


@dataclass(eq=False, kw_only=True)
class User:
    """A person of the company."""

    name: str
    user_id: str
    union_id: str
    email: str
    user_id_visible: bool = True
    """False: apps lack the contact scope, ``user_id`` is null in what they are sent (facts, "Identity")."""

    def open_id(self, app: App) -> str:
        """The user's open_id for one app."""
        return open_id_of(self.union_id, app.app_id)

    def ids(self, app: App) -> dict[str, str | None]:
        """``{open_id, union_id, user_id}`` as this app is sent them."""
        return {
            "open_id": self.open_id(app),
            "union_id": self.union_id,
            "user_id": self.user_id if self.user_id_visible else None,
        }


Member = User | App


@dataclass(eq=False, kw_only=True)
class Chat:
    """A direct chat, a group, or a topic group."""

    chat_id: str
    chat_type: Literal["p2p", "group"]
    name: str
    topic: bool = False
    """A topic group: every message that is no reply opens a topic (thread)."""
    users: list[User] = field(default_factory=list[User])
    apps: list[App] = field(default_factory=list[App])
    created_at: int = 0
    """Milliseconds."""


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody named in a message: ``key`` stands in the text (``@_user_1``)."""

    key: str
    who: Member


@dataclass(eq=False, kw_only=True)
class Reaction:
    reaction_id: str
    emoji: str
    by: Member
    at: int


@dataclass(eq=False, kw_only=True)
class Message:
    """One message. ``content`` is the parsed JSON a receiver gets; for a card it is the card itself."""

    message_id: str
    chat: Chat
    sender: Member
    msg_type: str
    content: Json
    create_time: int
    """Milliseconds."""
    update_time: int
    mentions: tuple[Mention, ...] = ()
    root_id: str | None = None
    parent_id: str | None = None
    thread_id: str | None = None
    recalled: bool = False
    edits: int = 0
    reactions: list[Reaction] = field(default_factory=list[Reaction])
    forwarded: "tuple[Message, ...]" = ()
    """The messages in a ``merge_forward``."""

    @property
    def text(self) -> str:
        """The text as people see it, mention keys replaced by names; empty for other types than text."""
        text = str(self.content.get("text", "")) if self.msg_type == "text" else ""
        for mention in reversed(self.mentions):
            text = text.replace(mention.key, f"@{mention.who.name}")
        return text.replace("@_all", "@所有人")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """An uploaded image or file."""

    key: str
    kind: Literal["image", "file"]
    data: bytes = field(repr=False)
    name: str
    owner: Member
    content_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class ClickError:
    """What the client shows when a click got no usable answer (facts, "Card callback")."""

    code: int
    msg: str


@dataclass(frozen=True, slots=True)
class ClickResult:
    """What one click brought: at most a toast and a card, or an error."""

    toast: Json | None = None
    """``{"type": info|success|warning|error, "content": …, "i18n": …}``"""
    card: Json | None = None
    """The card that replaced the message's, if the answer held one."""
    error: ClickError | None = None


def new_app_id() -> str:
    return new_id("cli_", 16)
