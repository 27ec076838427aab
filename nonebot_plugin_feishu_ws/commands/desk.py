"""Where a verb is performed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ..connectors import Actor, RegistrationProgress
from ..runtime import Management
from ..texts.connectors import ConnectorTexts


@dataclass(frozen=True, slots=True)
class Desk:
    """For whom a verb is performed, in which language, with what.

    Attributes:
        management: The connectors.
        actor: Who asks.
        texts: In the reader's language.
        root: What is typed before a verb: `/feishu` or `nb feishu-ws`.
        show: Shows `register`'s link to whoever asked and nobody else, and then how it gets on.
    """

    management: Management
    actor: Actor
    texts: ConnectorTexts
    root: str
    show: Callable[[RegistrationProgress], Awaitable[None]] | None = field(default=None, repr=False)
