"""What the templates show: the world as one person sees it at one moment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ..world import Chat, Member, Message, User, World
from .bodies import body_html, preview
from .cards import read_card
from .emoji import glyph
from .looks import ChatView, Entry, MessageView, Quote, ReactionView, avatar, face_of
from .markup import Naming, clean
from .nodes import NOTHING
from .texts import Texts

__all__ = ["Reader", "Reads"]

SHOWN = 200
"""Entries of one chat on the page; older ones stay in the world."""
TOGETHER = 3 * 60 * 1000
"""Milliseconds within which messages of one sender stand under one name."""


@dataclass(slots=True)
class Reads:
    """How far each person has read each chat: page state, the platform knows nothing of it."""

    _seen: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def mark(self, user: User, chat: Chat, at: int) -> None:
        key = (user.union_id, chat.chat_id)
        self._seen[key] = max(at, self._seen.get(key, 0))

    def unread(self, user: User, chat: Chat, messages: Iterable[Message]) -> list[Message]:
        seen = self._seen.get((user.union_id, chat.chat_id), 0)
        return [
            one for one in messages if one.create_time > seen and one.sender is not user and not one.recalled
        ]


@dataclass(frozen=True, slots=True)
class Reader:
    """One person looking at the world in one language."""

    world: World
    user: User
    texts: Texts
    reads: Reads

    # Chats

    def chats(self, online: dict[str, int]) -> list[ChatView]:
        """Every chat the person is in and a direct chat with every bot: latest first, then bots, then the silent."""
        said: dict[str, list[Message]] = {}
        for message in self.world.messages.values():
            said.setdefault(message.chat.chat_id, []).append(message)
        mine = [chat for chat in self.world.chats.values() if self.user in chat.users]
        met = {chat.apps[0].app_id for chat in mine if chat.chat_type == "p2p" and chat.apps}
        views = [self._chat(chat, said.get(chat.chat_id, []), online) for chat in mine]
        views += [
            ChatView(
                "",
                app.app_id,
                app.name,
                "p2p",
                face_of(app),
                online=bool(online.get(app.app_id)),
            )
            for app in self.world.apps.values()
            if app.app_id not in met
        ]
        return sorted(views, key=lambda view: (-view.latest, view.kind != "p2p"))

    def _chat(self, chat: Chat, messages: Sequence[Message], online: dict[str, int]) -> ChatView:
        direct = chat.chat_type == "p2p"
        last = messages[-1] if messages else None
        words = ""
        if last is not None:
            words = preview(last, self.texts)
            if not direct and not last.recalled:
                words = f"{clean(last.sender.name)}: {words}"
        app_id = chat.apps[0].app_id if direct and chat.apps else ""
        return ChatView(
            chat.chat_id,
            app_id,
            clean(chat.name) or self.texts.default_group,
            "p2p" if direct else "topic" if chat.topic else "group",
            avatar(chat.name or self.texts.default_group, bot=direct),
            words,
            self._when(last.create_time) if last else "",
            len(self.reads.unread(self.user, chat, messages)),
            last.create_time if last else 0,
            bool(online.get(app_id)) if direct else True,
        )

    # Messages

    def entries(self, chat: Chat) -> list[Entry]:
        """The chat's conversation, oldest first, replies gathered under their topic."""
        tops, replies = self._threads(chat)
        return [self._entry(tops, replies, index) for index in range(max(0, len(tops) - SHOWN), len(tops))]

    def redrawn(self, changed: Sequence[Message]) -> list[Entry]:
        """The entries that show these messages of one chat, or quote them, in order; only those on the page."""
        if not changed:
            return []
        tops, replies = self._threads(changed[0].chat)
        shown = {one.message_id for one in changed}
        topics = {one.root_id for one in changed if one.thread_id}
        return [
            self._entry(tops, replies, index)
            for index in range(max(0, len(tops) - SHOWN), len(tops))
            if tops[index].message_id in shown | topics or tops[index].parent_id in shown
        ]

    def _threads(self, chat: Chat) -> tuple[list[Message], dict[str, list[Message]]]:
        replies: dict[str, list[Message]] = {}
        tops: list[Message] = []
        for message in self.world.messages_in(chat):
            if message.thread_id and message.root_id:
                replies.setdefault(message.root_id, []).append(message)
            else:
                tops.append(message)
        return tops, replies

    def _entry(self, tops: Sequence[Message], threads: Mapping[str, Sequence[Message]], index: int) -> Entry:
        top, before = tops[index], tops[index - 1] if index else None
        replies = threads.get(top.message_id, ())
        day = _day(top.create_time)
        fresh = before is None or _day(before.create_time) != day
        follows = before is not None and not fresh and not top.thread_id and not before.thread_id
        return Entry(
            top.message_id,
            self._day_name(day) if fresh else "",
            self.message(top, before if follows else None),
            [self.message(one, replies[at - 1] if at else None) for at, one in enumerate(replies)],
            bool(top.thread_id),
        )

    def message(self, message: Message, before: Message | None) -> MessageView:
        """One message; `before` is the one it may continue."""
        naming = self.naming()
        is_card = message.msg_type == "interactive"
        shown = not message.recalled
        return MessageView(
            message_id=message.message_id,
            msg_type=clean(message.msg_type),
            sender=clean(message.sender.name),
            avatar=face_of(message.sender),
            mine=message.sender is self.user,
            system=message.msg_type == "system",
            recalled=message.recalled,
            edited=message.edits > 0,
            continued=_continues(message, before),
            clock=_local(message.create_time).strftime("%H:%M"),
            moment=_local(message.create_time).isoformat(timespec="seconds"),
            body=body_html(message, naming, self.texts, self.world.resources)
            if shown and not is_card
            else NOTHING,
            card=read_card(message.content, naming, self.texts.locale) if shown and is_card else None,
            quote=self._quote(message),
            words=preview(message, self.texts),
            thread_id=message.thread_id or "",
            reactions=self._reactions(message) if shown else (),
        )

    def _quote(self, message: Message) -> Quote | None:
        if not message.parent_id or message.thread_id:
            return None
        parent = self.world.messages.get(message.parent_id)
        if parent is None:
            return Quote(message.parent_id, "", self.texts.withdrawn)
        return Quote(parent.message_id, clean(parent.sender.name), preview(parent, self.texts))

    def _reactions(self, message: Message) -> list[ReactionView]:
        by: dict[str, list[Member]] = {}
        for one in message.reactions:
            by.setdefault(one.emoji, []).append(one.by)
        return [
            ReactionView(
                clean(emoji),
                glyph(clean(emoji)),
                len(people),
                self.user in people,
                self.texts.reaction_by(clean(emoji), ", ".join(clean(who.name) for who in people)),
            )
            for emoji, people in by.items()
        ]

    def naming(self) -> Naming:
        mine = {
            self.user.union_id,
            self.user.user_id,
            *(self.user.open_id(app) for app in self.world.apps.values()),
        }
        return Naming(self._name_of, self.texts.everyone, frozenset(mine))

    def _name_of(self, wanted: str) -> str | None:
        apps = list(self.world.apps.values())
        for user in self.world.users.values():
            known = (user.union_id, user.user_id, user.email)
            if wanted in known or any(user.open_id(app) == wanted for app in apps):
                return clean(user.name)
        for app in apps:
            if wanted == app.app_id or any(app.open_id_for(viewer) == wanted for viewer in apps):
                return clean(app.name)
        return None

    # Times, in the time zone of this machine

    def _when(self, milliseconds: int) -> str:
        day = _day(milliseconds)
        if day == datetime.now().astimezone().date():
            return _local(milliseconds).strftime("%H:%M")
        return self._day_name(day)

    def _day_name(self, day: date) -> str:
        today = datetime.now().astimezone().date()
        if day == today:
            return self.texts.today
        return self.texts.yesterday if day == today - timedelta(days=1) else day.isoformat()


def _continues(message: Message, before: Message | None) -> bool:
    return (
        before is not None
        and before.sender is message.sender
        and message.msg_type != "system"
        and before.msg_type != "system"
        and not message.parent_id
        and message.create_time - before.create_time < TOGETHER
    )


def _local(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000).astimezone()


def _day(milliseconds: int) -> date:
    return _local(milliseconds).date()
