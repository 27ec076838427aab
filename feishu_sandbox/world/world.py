"""The company behind the platform: who is there, what was said. The only writer of platform state."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

from ..rules import Rules
from . import events
from .changes import ChangeKind, Feed, Subscription
from .clicks import NOT_REACHED, ClickFailed, UpdateTokens, read_answer
from .contents import new_resource_key, user_content
from .ids import new_id
from .model import (
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
    new_app_id,
)


class Wire(Protocol):
    """What carries events to apps: the long connections."""

    def push(self, app: App, envelope: Json) -> None:
        """Deliver an event; again by the schedule while it is not acknowledged."""
        ...

    async def call(self, app: App, envelope: Json) -> object:
        """Deliver a callback once and return its decoded answer; raises ClickFailed when there is none."""
        ...


class NoWire:
    """A platform that nobody listens to."""

    def push(self, app: App, envelope: Json) -> None:
        """Nobody is told."""

    async def call(self, app: App, envelope: Json) -> object:  # noqa: ARG002
        raise ClickFailed(NOT_REACHED, "no long connection")


class World:
    """Apps, users, chats and messages, and what users do. Every change is published to subscribers."""

    def __init__(self, rules: Rules | None = None, wire: Wire | None = None) -> None:
        self.rules = rules or Rules()
        self.wire: Wire = wire or NoWire()
        self.feed = Feed(self.rules.clock)
        self.update_tokens = UpdateTokens(self.rules.clock)
        self.apps: dict[str, App] = {}
        self.users: dict[str, User] = {}
        """By union_id."""
        self.chats: dict[str, Chat] = {}
        self.messages: dict[str, Message] = {}
        """By message_id, in the order they were sent."""
        self.resources: dict[str, Resource] = {}

    # Who is there

    def add_app(
        self,
        name: str,
        *,
        app_id: str | None = None,
        app_secret: str | None = None,
        verification_token: str | None = None,
        encrypt_key: str | None = None,
        group_scope: Literal["all", "mentions"] = "all",
        include_bots: bool = False,
    ) -> App:
        """A new self-built app with its bot; ids and secrets are made up where not given.

        Raises ValueError if the app_id exists.
        """
        app = App(
            name=name,
            app_id=app_id or new_app_id(),
            app_secret=app_secret or new_id(""),
            verification_token=verification_token or new_id(""),
            encrypt_key=encrypt_key,
            group_scope=group_scope,
            include_bots=include_bots,
        )
        if app.app_id in self.apps:
            raise ValueError(f"app {app.app_id} exists already")
        self.apps[app.app_id] = app
        self.feed.publish(ChangeKind.APP_ADDED, data={"app_id": app.app_id})
        return app

    def add_user(self, name: str, *, user_id_visible: bool = True) -> User:
        """A new person; ``user_id_visible=False`` as if apps had no contact scope."""
        user_id = new_id("", 8)
        user = User(
            name=name,
            user_id=user_id,
            union_id=new_id("on_"),
            email=f"{user_id}@sandbox.example",
            user_id_visible=user_id_visible,
        )
        self.users[user.union_id] = user
        self.feed.publish(ChangeKind.USER_ADDED, data={"union_id": user.union_id})
        return user

    def add_group(self, name: str, members: Iterable[Member], *, topic: bool = False) -> Chat:
        """A new group, or topic group, of users and bots. Bots are told that they were added."""
        chat = self._new_chat("group", name, members, topic=topic)
        for app in chat.apps:
            if chat.users:
                self.push(app, "im.chat.member.bot.added_v1", events.bot_membership(chat, chat.users[0], app))
        return chat

    def direct_chat(self, user: User, app: App) -> Chat:
        """The direct chat of a user and a bot; made on first use, and the bot told that it was entered."""
        for chat in self.chats.values():
            if chat.chat_type == "p2p" and chat.users == [user] and chat.apps == [app]:
                return chat
        chat = self._new_chat("p2p", app.name, (user, app))
        self.enter(user, chat)
        return chat

    def _new_chat(
        self, chat_type: Literal["p2p", "group"], name: str, members: Iterable[Member], *, topic: bool = False
    ) -> Chat:
        members = tuple(members)
        chat = Chat(
            chat_id=new_id("oc_"),
            chat_type=chat_type,
            name=name,
            topic=topic,
            users=[who for who in members if isinstance(who, User)],
            apps=[who for who in members if isinstance(who, App)],
            created_at=self.now_ms(),
        )
        self.chats[chat.chat_id] = chat
        self.feed.publish(ChangeKind.CHAT_ADDED, chat_id=chat.chat_id)
        return chat

    def add_bot(self, operator: User, chat: Chat, app: App) -> None:
        """A user adds a bot to a group."""
        if app not in chat.apps:
            chat.apps.append(app)
            self.feed.publish(ChangeKind.CHAT_CHANGED, chat_id=chat.chat_id)
            self.push(app, "im.chat.member.bot.added_v1", events.bot_membership(chat, operator, app))

    def remove_bot(self, operator: User, chat: Chat, app: App) -> None:
        """A user removes a bot from a group."""
        if app in chat.apps:
            chat.apps.remove(app)
            self.feed.publish(ChangeKind.CHAT_CHANGED, chat_id=chat.chat_id)
            self.push(app, "im.chat.member.bot.deleted_v1", events.bot_membership(chat, operator, app))

    def find_user(self, kind: str, value: str, app: App) -> User | None:
        """The user with this open_id (of ``app``), user_id, union_id or email."""
        for user in self.users.values():
            known = {"email": user.email, **user.ids(app), "user_id": user.user_id}
            if known.get(kind) == value:
                return user
        return None

    def messages_in(self, chat: Chat) -> list[Message]:
        """The chat's messages, oldest first."""
        return [message for message in self.messages.values() if message.chat is chat]

    # What users do

    async def say(
        self,
        user: User,
        chat: Chat,
        text: str = "",
        *,
        msg_type: str = "text",
        content: Json | None = None,
        mentions: Sequence[Member] = (),
        reply_to: Message | str | None = None,
        thread: str | None = None,
    ) -> Message:
        """A user sends a message: it appears in the chat and is pushed to the chat's apps.

        ``text`` may hold ``@Name`` of a mentioned member, or ``@_all``; other mentions go in front.
        ``content`` replaces what would be made from ``text`` (every type of ``MESSAGE_TYPES`` works without
        details). ``reply_to`` and ``thread`` (a thread_id) say what it answers.
        """
        keyed = tuple(Mention(f"@_user_{n}", who) for n, who in enumerate(mentions, start=1))
        if content is None:
            content = user_content(msg_type, text, keyed)
        parent = self.messages[reply_to] if isinstance(reply_to, str) else reply_to
        if thread is not None and parent is None:
            parent = next(m for m in self.messages.values() if m.thread_id == thread)
        return self.post(user, chat, msg_type, content, mentions=keyed, parent=parent, in_thread=bool(thread))

    async def click(self, user: User, message_id: str, action: Json) -> ClickResult:
        """A user clicks in a card: ``action`` becomes ``event.action`` (value, tag, name, …).

        Waits for the app's answer (3 s rule), shows its toast, puts its card in the message's place.
        Raises ValueError if the message is no app's card.
        """
        message = self.messages[message_id]
        if not isinstance(message.sender, App) or message.msg_type != "interactive":
            raise ValueError(f"{message_id} is not a card of an app")
        token = self.update_tokens.issue(message.sender, message)
        body = events.card_action(message, user, message.sender, action, token.token)
        try:
            answer = await self.wire.call(
                message.sender, self._envelope(message.sender, "card.action.trigger", body)
            )
            token.answered = True
            toast, card = read_answer(answer)
        except ClickFailed as failure:
            return ClickResult(error=ClickError(failure.code, failure.msg))
        if card is not None:
            self.set_card(message, card)
        return ClickResult(toast=toast, card=card)

    async def react(self, user: User, message_id: str, emoji: str) -> Reaction:
        """A user puts a reaction on a message; the same again changes nothing."""
        return self.add_reaction(self.messages[message_id], emoji, user)

    async def unreact(self, user: User, message_id: str, emoji: str) -> None:
        """A user takes a reaction back; nothing happens if there is none."""
        message = self.messages[message_id]
        for reaction in tuple(message.reactions):
            if reaction.by is user and reaction.emoji == emoji:
                self.remove_reaction(message, reaction)

    def enter(self, user: User, chat: Chat) -> None:
        """A user opens the direct chat with a bot."""
        for app in chat.apps if chat.chat_type == "p2p" else ():
            last = next(reversed(self.messages_in(chat)), None)
            body = events.p2p_chat_entered(chat, user, app, last)
            self.push(app, "im.chat.access_event.bot_p2p_chat_entered_v1", body)

    def read(self, user: User, chat: Chat) -> None:
        """A user reads a direct chat; the bot is told which of its messages (facts: groups do not tell)."""
        for app in chat.apps if chat.chat_type == "p2p" else ():
            if own := [m for m in self.messages_in(chat) if m.sender is app]:
                body = events.message_read(own, user, app, self.now_ms())
                self.push(app, "im.message.message_read_v1", body)

    # State, written by users above and by apps through the API

    def post(
        self,
        sender: Member,
        chat: Chat,
        msg_type: str,
        content: Json,
        *,
        mentions: Sequence[Mention] = (),
        parent: Message | None = None,
        in_thread: bool = False,
    ) -> Message:
        """Append a message and push it to the apps that get it."""
        now = self.now_ms()
        thread = parent.thread_id if parent else None
        if thread is None and (in_thread or (chat.topic and parent is None)):
            thread = new_id("omt_", 16)
            if parent is not None:
                parent.thread_id = thread
        root = (parent.root_id or parent.message_id) if parent else None
        message = Message(
            message_id=new_id("om_"),
            chat=chat,
            sender=sender,
            msg_type=msg_type,
            content=content,
            create_time=now,
            update_time=now,
            mentions=tuple(mentions),
            root_id=root,
            # Inside a topic everything answers the root (Feishu, "消息管理概述", root_id and parent_id).
            parent_id=root if thread else (parent.message_id if parent else None),
            thread_id=thread,
        )
        self.messages[message.message_id] = message
        self.feed.publish(ChangeKind.MESSAGE_CREATED, message=message)
        for app in tuple(chat.apps):
            if self._reaches(message, app):
                self.push(app, "im.message.receive_v1", events.message_received(message, app))
        return message

    def _reaches(self, message: Message, app: App) -> bool:
        mentioned = any(mention.who is app for mention in message.mentions)
        if isinstance(message.sender, App):
            return message.sender is not app and app.include_bots and mentioned
        return message.chat.chat_type == "p2p" or app.group_scope == "all" or mentioned

    def edit(self, message: Message, content: Json, mentions: Sequence[Mention] = ()) -> None:
        """Replace a text or post."""
        message.content, message.mentions = content, tuple(mentions)
        message.edits += 1
        message.update_time = self.now_ms()
        self.feed.publish(ChangeKind.MESSAGE_EDITED, message=message)

    def set_card(self, message: Message, card: Json) -> None:
        """Replace a message's card."""
        message.content = card
        message.update_time = self.now_ms()
        self.feed.publish(ChangeKind.CARD_UPDATED, message=message)

    def recall(self, message: Message) -> None:
        """Withdraw a message; the chat's apps are told when it was a user's."""
        message.recalled = True
        message.update_time = self.now_ms()
        self.feed.publish(ChangeKind.MESSAGE_RECALLED, message=message)
        for app in message.chat.apps:
            if message.sender is not app:
                self.push(app, "im.message.recalled_v1", events.message_recalled(message, self.now_ms()))

    def add_reaction(self, message: Message, emoji: str, by: Member) -> Reaction:
        """Put a reaction on a message and tell the chat's apps."""
        for known in message.reactions:
            if known.by is by and known.emoji == emoji:
                return known
        reaction = Reaction(reaction_id=new_id("ZCaCIjUBVVWSrm5L-", 32), emoji=emoji, by=by, at=self.now_ms())
        message.reactions.append(reaction)
        self._reaction_changed(ChangeKind.REACTION_ADDED, "created", message, reaction)
        return reaction

    def remove_reaction(self, message: Message, reaction: Reaction) -> None:
        """Take a reaction off a message and tell the chat's apps."""
        message.reactions.remove(reaction)
        self._reaction_changed(ChangeKind.REACTION_REMOVED, "deleted", message, reaction)

    def _reaction_changed(self, kind: ChangeKind, verb: str, message: Message, reaction: Reaction) -> None:
        self.feed.publish(kind, message=message, data={"emoji": reaction.emoji, "by": reaction.by.name})
        for app in message.chat.apps:
            body = events.reaction_event(message, reaction, app, self.now_ms())
            self.push(app, f"im.message.reaction.{verb}_v1", body)

    def add_resource(
        self, owner: Member, kind: Literal["image", "file"], data: bytes, name: str, content_type: str
    ) -> Resource:
        """Keep an uploaded image or file; its ``key`` goes into message contents."""
        key = new_resource_key(kind)
        resource = Resource(key=key, kind=kind, data=data, name=name, owner=owner, content_type=content_type)
        self.resources[key] = resource
        return resource

    # Events and watching

    def push(self, app: App, event_type: str, event: Json) -> str:
        """Send an app any event; returns its event_id."""
        sent = self._envelope(app, event_type, event)
        self.wire.push(app, sent)
        return sent["header"]["event_id"]

    def _envelope(self, app: App, event_type: str, event: Json) -> Json:
        return events.envelope(app, event_type, event, now=self.rules.clock())

    def subscribe(self) -> Subscription:
        """Changes from now on; close it, or use it in a ``with`` block."""
        return self.feed.subscribe()

    async def wait_for(self, predicate: Callable[[Message], bool], timeout: float = 5.0) -> Message:  # noqa: ASYNC109
        """The first message that satisfies ``predicate``: one already there, or one that comes or changes so.

        Raises TimeoutError after ``timeout`` seconds.
        """
        with self.subscribe() as changes:
            for message in self.messages.values():
                if predicate(message):
                    return message
            async with asyncio.timeout(timeout):
                async for change in changes:
                    if change.message is not None and predicate(change.message):
                        return change.message
        raise TimeoutError("the sandbox was stopped")

    def now_ms(self) -> int:
        return round(self.rules.clock() * 1000)
