"""Where a verb is performed."""

from dataclasses import dataclass

from ..connectors import Actor
from ..runtime import Management
from ..texts_connectors import ConnectorTexts


@dataclass(frozen=True, slots=True)
class Desk:
    """For whom a verb is performed, in which language, with what.

    Attributes:
        management: The connectors.
        actor: Who asks.
        texts: In the reader's language.
        root: What is typed before a verb: `/feishu` or `nb feishu-ws`.
    """

    management: Management
    actor: Actor
    texts: ConnectorTexts
    root: str
