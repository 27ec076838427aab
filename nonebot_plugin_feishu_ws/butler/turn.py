"""One turn of a conversation: what was asked, by whom, where; and the way back."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ..adapter import Bot, MessageEvent
from ..connectors import ConnectorService
from ..texts import Texts

if TYPE_CHECKING:
    from .approvals import Asking


class Say(Protocol):
    """Says something in answer to a turn, see `reply.Voice`."""

    async def __call__(self, text: str, *, final: bool = False) -> None:
        """Say it; with `final` the turn is answered."""
        ...


async def _not_yet() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Turn:
    """What a brain and a tool know about the message they answer.

    Attributes:
        text: What was said, without mention and prefix; empty where something was only shown, see `inputs_of`.
        connector: Name of the connector that received it.
        app_id: Its Feishu app.
        chat_id: Where it was said, and where the answer goes.
        thread_id: The topic it belongs to, if any.
        open_id: Who said it, as this app knows them.
        texts: Texts in the language of the connector.
        bot: The bot that received the event.
        event: The event itself.
        earlier: Messages the same person sent right before, which are answered with it; `text` is that of all.
        say: Answers.
        asking: Has tools approved that need it; a brain asks through it. None: they cannot be used.
        answered: Whether the message was answered before, by a process that died since.
        connectors: What people may do with connectors.
        approved_by: Who has approved the call that is carried out in it, if it was one that needs approval.
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
    say: Say = field(repr=False)
    answered: Callable[[], Awaitable[bool]] = field(default=_not_yet, repr=False)
    asking: "Asking | None" = field(default=None, repr=False)
    connectors: ConnectorService | None = field(default=None, repr=False)
    approved_by: str | None = None
    earlier: tuple[MessageEvent, ...] = ()

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
        """Answer with `turn.say`, as often as it takes; the last time, if it is known, with `final=True`.

        After a crash it is called again for the same turn, unless the final word was said.

        Cancelled when the user says `stop`. An exception is logged and told to the user in one sentence.
        """
        ...


@runtime_checkable
class Remembering(Protocol):
    """A brain that remembers what was said, and forgets it when the user says `new`."""

    async def forget(self, turn: Turn) -> None:
        """Remember nothing of the turn's conversation."""
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a message that is to be answered.

    Attributes:
        turn: The one to answer; with earlier messages, if it was begun with them before a crash.
        free: Whether other messages may be answered with it, or it with another.
    """

    turn: Turn
    free: bool


@runtime_checkable
class Merging(Protocol):
    """A brain that answers messages one person sends in quick succession in one turn."""

    @property
    def window(self) -> float:
        """Seconds within which the next message comes in such a case."""
        ...

    async def standing(self, turn: Turn) -> Standing | None:
        """How it stands with a message; None: it is answered in the turn of a later one, and that is stored."""
        ...

    async def merge(self, turns: Sequence[Turn]) -> Turn:
        """Make one turn of several, that of the last; from now on its event alone stands for all, after a crash, too.

        Raises:
            Fenced: They are not all this process's. Nothing was merged, and each is answered by itself.
        """
        ...
