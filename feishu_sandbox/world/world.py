"""The company behind the platform, as people use it."""

import asyncio
from collections.abc import Callable, Sequence

from . import events
from .changes import Subscription
from .clicks import ClickFailed, read_answer
from .contents import user_content
from .model import App, Chat, ClickError, ClickResult, Json, Member, Mention, Message, Reaction, User
from .state import State


class World(State):
    """What users do, on top of the platform's state: they write, click, react, read; tests watch."""

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
        return self.post(
            user,
            chat,
            msg_type,
            content,
            mentions=keyed,
            parent=self._parent(reply_to, thread),
            in_thread=bool(thread),
        )

    async def forward(
        self, user: User, chat: Chat, messages: Sequence[Message], *, reply_to: Message | None = None
    ) -> Message:
        """A user forwards messages as one (``merge_forward``)."""
        content = user_content("merge_forward", "", ())
        return self.post(user, chat, "merge_forward", content, parent=reply_to, forwarded=tuple(messages))

    def _parent(self, reply_to: Message | str | None, thread: str | None) -> Message | None:
        """The message that is answered. Raises ValueError for a thread there is not."""
        parent = self.messages[reply_to] if isinstance(reply_to, str) else reply_to
        if thread is not None and parent is None:
            parent = next((m for m in self.messages.values() if m.thread_id == thread), None)
            if parent is None:
                raise ValueError(f"no thread {thread}")
        return parent

    async def click(self, user: User, message_id: str, action: Json) -> ClickResult:
        """A user clicks in a card: ``action`` becomes ``event.action`` (value, tag, name, …).

        Waits for the app's answer (3 s rule), shows its toast, puts its card in the message's place; not while
        the card streams (facts, "Card callback"). Raises ValueError if the message is no app's card.
        """
        message = self.messages[message_id]
        if not isinstance(message.sender, App) or message.msg_type != "interactive":
            raise ValueError(f"{message_id} is not a card of an app")
        token = self.update_tokens.issue(message.sender, message)
        entity = self.cards.of(message)
        if entity is not None:
            entity.interactions += 1
        body = events.card_action(message, user, message.sender, action, token.token)
        try:
            answer = await self.wire.call(
                message.sender, self._envelope(message.sender, "card.action.trigger", body)
            )
            token.answered = True
            toast, card = read_answer(answer)
        except ClickFailed as failure:
            return ClickResult(error=ClickError(failure.code, failure.msg))
        finally:
            if entity is not None:
                entity.interactions -= 1
        if entity is not None and self.cards.streaming(entity):
            return ClickResult(toast=toast)
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

    def subscribe(self) -> Subscription:
        """Changes from now on; close it, or use it in a ``with`` block."""
        return self.feed.subscribe()

    async def wait_for(self, predicate: Callable[[Message], bool], timeout: float = 15.0) -> Message:  # noqa: ASYNC109
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
