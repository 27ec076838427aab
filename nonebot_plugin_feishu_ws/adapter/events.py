"""Events: the stock adapter's classes, made total, with the facts Feishu sends at hand.

Every class here is a subclass of the stock one of the same meaning, so `isinstance` and typed handlers
written for `nonebot.adapters.feishu` keep working.
"""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from nonebot.adapters import feishu as stock
from nonebot.adapters.feishu.models import (
    EventHeader,
    GroupMessageEventDetail,
    Mention,
    MessageEventDetail,
    PrivateMessageEventDetail,
    UserId,
)
from nonebot.utils import escape_tag
from pydantic import BaseModel, Field, PrivateAttr
from typing_extensions import override

from .message import parse_content
from .normalise import as_text, is_object, moment


class Header(EventHeader):
    """The stock header; the verification token in it stays out of logs."""

    token: str = Field(default="", repr=False)


def _now() -> datetime:
    return datetime.now(UTC)


class FeishuEvent(stock.Event):
    """What all events of ours have in common."""

    header: Header  # pyright: ignore[reportIncompatibleVariableOverride]
    _received_at: datetime = PrivateAttr(default_factory=_now)

    @override
    def __repr__(self) -> str:
        """Which event it is. NoneBot asks for this with every matcher that runs, for a line of the log that hardly
        anybody reads: all that is in the event would take a tenth of its handling."""
        return f"{type(self).__name__}({self.header.event_type!r}, event_id={self.event_id!r})"

    @property
    def event_id(self) -> str:
        """Feishu's id of the event, the same when it is pushed again."""
        return self.header.event_id

    @property
    def app_id(self) -> str:
        """The app (bot) that received the event."""
        return self.header.app_id

    @property
    def received_at(self) -> datetime:
        """When this process parsed the event (aware, UTC)."""
        return self._received_at

    @property
    def created_at(self) -> datetime:
        """When Feishu says the event happened (aware, UTC); `received_at` if it does not say."""
        return moment(self.header.create_time) or self._received_at

    @property
    @override
    def time(self) -> datetime:
        """`created_at` as the stock adapter gives it: naive, in UTC."""
        return self.created_at.replace(tzinfo=None)


class MessageEvent(FeishuEvent, stock.MessageEvent):  # pyright: ignore[reportIncompatibleVariableOverride] (header)
    """A message to the bot, or one it may read. See `GroupMessageEvent` and `PrivateMessageEvent`."""

    event: MessageEventDetail

    @override
    def get_message(self) -> stock.Message:
        """The message; in handlers without the mention of the bot at its beginning or end."""
        return self.stripped_message

    # Asked for some ten times per event: what pydantic keeps privately takes ten times as long to look up.
    @cached_property
    def stripped_message(self) -> stock.Message:
        """As `get_message`."""
        return self._parse()

    @cached_property
    def original_message(self) -> stock.Message:  # pyright: ignore[reportIncompatibleVariableOverride] (stock: a field)
        """The message as it was sent."""
        return self._parse()

    def take_over(self, message: stock.Message) -> None:
        """Have this be what `get_message` gives: its segments, parsed before."""
        object.__setattr__(self, "stripped_message", message)

    def _parse(self) -> stock.Message:
        message = self.event.message
        mentions = [mention.model_dump() for mention in message.mentions or ()]
        return parse_content(message.content, message.message_type, mentions)

    @override
    def get_plaintext(self) -> str:
        return self.get_message().extract_plain_text()

    @override
    def get_user_id(self) -> str:
        """The sender's open_id; the union_id or user_id of senders that have none."""
        ids = self.sender_id
        return ids.open_id or ids.union_id or ids.user_id

    @override
    def get_session_id(self) -> str:
        """Who is talking where: a topic is a conversation of its own."""
        topic = f"_{self.thread_id}" if self.thread_id else ""
        return f"{self.event.message.chat_type}_{self.chat_id}{topic}_{self.get_user_id()}"

    @property
    def chat_id(self) -> str:
        return self.event.message.chat_id

    @property
    def chat_type(self) -> str:
        """As Feishu sent it: `p2p`, `group`, `topic_group` …

        In `event.event.message` it is one of the first two.
        """
        return getattr(self.event.message, "platform_chat_type", self.event.message.chat_type)

    @property
    def is_group(self) -> bool:
        return self.event.message.chat_type != "p2p"

    @property
    def thread_id(self) -> str | None:
        """The topic the message belongs to."""
        return getattr(self.event.message, "thread_id", None)  # the stock model has no such field

    @property
    def root_id(self) -> str | None:
        """The first message of the chain of replies this one is in."""
        return self.event.message.root_id

    @property
    def parent_id(self) -> str | None:
        """The message this one replies to."""
        return self.event.message.parent_id

    @property
    def message_type(self) -> str:
        return self.event.message.message_type

    @property
    def sender_id(self) -> UserId:
        """The sender's ids; "" is one Feishu did not tell."""
        return self.event.sender.sender_id

    @property
    def sender_type(self) -> str:
        """`user`; `app` or `bot` for bots; `anonymous` …"""
        return self.event.sender.sender_type

    @property
    def mentions(self) -> list[Mention]:
        """Everyone mentioned by name."""
        return self.event.message.mentions or []

    @property
    def mentions_all(self) -> bool:
        """`@all` is in the message."""
        return any(
            segment.type == "at" and segment.data.get("user_id") == "all" for segment in self.original_message
        )

    def is_mentioned(self, open_id: str) -> bool:
        """Whether the user or bot with this open_id was mentioned by name."""
        return bool(open_id) and any(mention.id.open_id == open_id for mention in self.mentions)


# Both below: the stock class redeclares `event` in the same way, and stores `original_message`.
class GroupMessageEvent(MessageEvent, stock.GroupMessageEvent):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A message in a group; chat types Feishu may add later come here too."""

    event: GroupMessageEventDetail  # pyright: ignore[reportIncompatibleVariableOverride]


class PrivateMessageEvent(MessageEvent, stock.PrivateMessageEvent):  # pyright: ignore[reportIncompatibleVariableOverride]
    """A message in the direct chat of one user and the bot."""

    event: PrivateMessageEventDetail  # pyright: ignore[reportIncompatibleVariableOverride]


class NoticeEvent(FeishuEvent, stock.NoticeEvent):  # pyright: ignore[reportIncompatibleVariableOverride] (header)
    """Everything that is not a message. Event types without a model are of this very class, `event` raw."""

    event: Any

    @override
    def get_event_description(self) -> str:
        event = self.event
        return escape_tag(repr(event.model_dump() if isinstance(event, BaseModel) else event))

    @override
    def get_user_id(self) -> str:
        """The open_id of whoever caused the event.

        Raises:
            ValueError: the event does not say.
        """
        for name in ("operator_id", "user_id", "operator", "reader"):
            found = self._find(name)
            if user_id := as_text(found) or _any_id(found) or _any_id(_member(found, "reader_id")):
                return user_id
        raise ValueError("Event has no user_id!")

    @override
    def get_session_id(self) -> str:
        return f"{self.header.event_type}_{self.chat_id or ''}_{self.get_user_id()}"

    @property
    def chat_id(self) -> str | None:
        """The chat the event belongs to, if it says."""
        return as_text(self._find("chat_id")) or None

    @property
    def message_id(self) -> str | None:
        """The message the event is about, if it says."""
        return as_text(self._find("message_id")) or None

    def _find(self, name: str) -> object:
        return _member(self.event, name)


def _member(value: object, name: str) -> object:
    return value.get(name) if is_object(value) else getattr(value, name, None)


def _any_id(value: object) -> str:
    names = ("open_id", "union_id", "user_id")
    return next((found for name in names if (found := as_text(_member(value, name)))), "")
