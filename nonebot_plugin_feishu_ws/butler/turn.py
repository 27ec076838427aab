"""One turn of a conversation: what was asked, by whom, where; and the way back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from ..adapter import Bot, MessageEvent
from ..texts import Texts


@dataclass(frozen=True, slots=True)
class Turn:
    """What a brain and a tool know about the message they answer.

    Attributes:
        text: What was said, without mention and prefix.
        connector: Name of the connector that received it.
        app_id: Its Feishu app.
        chat_id: Where it was said, and where the answer goes.
        thread_id: The topic it belongs to, if any.
        open_id: Who said it, as this app knows them.
        texts: Texts in the language of the connector.
        bot: The bot that received the event.
        event: The event itself.
    """

    text: str
    connector: str
    app_id: str
    chat_id: str
    thread_id: str | None
    open_id: str
    texts: Texts
    bot: Bot
    event: MessageEvent
    status: Callable[[], str] = field(repr=False)
    say: Callable[[str], Awaitable[None]] = field(repr=False)

    @property
    def conversation(self) -> tuple[str, str, str | None]:
        """(connector's app, chat, topic): turns of one conversation run one after another."""
        return conversation_of(self.event)


def conversation_of(event: MessageEvent) -> tuple[str, str, str | None]:
    """The conversation a message belongs to, see `Turn.conversation`."""
    return event.app_id, event.chat_id, event.thread_id


class Brain(Protocol):
    """Whoever answers. The Butler calls it once a turn; turns of one conversation never overlap."""

    async def answer(self, turn: Turn) -> None:
        """Answer with `turn.say`, as often as it takes.

        Cancelled when the user says `stop`. An exception is logged and told to the user in one sentence.
        """
        ...
