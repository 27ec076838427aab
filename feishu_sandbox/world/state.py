"""Apps, users, chats and messages, and the only code that changes them."""

from collections.abc import Iterable, Sequence
from typing import Literal

from ..rules import Rules
from . import events
from .changes import ChangeKind, Feed
from .clicks import UpdateTokens
from .contents import new_resource_key
from .entities import CardEntities
from .ids import new_id
from .model import App, Chat, Json, Member, Mention, Message, Reaction, Resource, User, new_app_id
from .wire import NoWire, Wire


class State:
    """Apps, users, chats and messages, and every way to change them. Each change is published."""

    def __init__(self, rules: Rules | None = None, wire: Wire | None = None) -> None:
        self.rules = rules or Rules()
        self.wire: Wire = wire or NoWire()
        self.feed = Feed(self.rules.clock)
        self.update_tokens = UpdateTokens(self.rules.clock)
        self.cards = CardEntities(
            self.rules.clock, lifetime=self.rules.card_entity_ttl, stream=self.rules.card_stream_ttl
        )
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
        """A group, or topic group, as it is: no bot is told (they are by :meth:`add_bot`)."""
        return self._new_chat("group", name, members, topic=topic)

    def direct_chat(self, user: User, app: App) -> Chat:
        """The direct chat of a user and a bot; made on first use."""
        for chat in self.chats.values():
            if chat.chat_type == "p2p" and chat.users == [user] and chat.apps == [app]:
                return chat
        return self._new_chat("p2p", app.name, (user, app))

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

    # What happens

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
        forwarded: tuple[Message, ...] = (),
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
            forwarded=forwarded,
        )
        self.messages[message.message_id] = message
        self.feed.publish(ChangeKind.MESSAGE_CREATED, message=message)
        for app in tuple(chat.apps):
            if self._reaches(message, app):
                body = events.message_received(message, app, self.rules.bot_sender_type)
                self.push(app, "im.message.receive_v1", body)
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
        """Replace a message's card, that of its entity if it has one."""
        message.content = card
        if (entity := self.cards.of(message)) is not None:
            self.cards.restart(entity, card)
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

    def push(self, app: App, event_type: str, event: Json) -> str:
        """Send an app any event; returns its event_id."""
        sent = self._envelope(app, event_type, event)
        self.wire.push(app, sent)
        return sent["header"]["event_id"]

    def _envelope(self, app: App, event_type: str, event: Json) -> Json:
        return events.envelope(app, event_type, event, now=self.rules.clock())

    def now_ms(self) -> int:
        return round(self.rules.clock() * 1000)
