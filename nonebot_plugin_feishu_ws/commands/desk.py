"""Where a verb is performed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ..butler.approvals import SHELL, Decider
from ..connectors import Actor, RegistrationProgress
from ..runtime import Management
from ..texts.connectors import ConnectorTexts

NOBODY = "nobody:"
"""What the name of a sender begins with that is no person."""


@dataclass(frozen=True, slots=True)
class Desk:
    """For whom a verb is performed, in which language, with what.

    Attributes:
        management: The connectors.
        actor: Who asks.
        texts: In the reader's language.
        root: What is typed before a verb: `/feishu` or `nb feishu-ws`.
        app_id, chat_id: The bot's app and the chat, on Feishu.
        show: Shows `register`'s link to whoever asked and nobody else, and then how it gets on.
    """

    management: Management
    actor: Actor
    texts: ConnectorTexts
    root: str
    app_id: str | None = None
    chat_id: str | None = None
    show: Callable[[RegistrationProgress], Awaitable[None]] | None = field(default=None, repr=False)

    @property
    def decider(self) -> Decider:
        """Whoever asks, as somebody who decides about approvals; a sender that is no person is nobody."""
        actor = self.actor
        if actor.origin == "shell":
            return Decider(f"{SHELL}{actor.who}", superuser=True)
        who = "" if actor.who.startswith(NOBODY) else actor.who
        return Decider(who, self.app_id, self.chat_id, actor.superuser)
