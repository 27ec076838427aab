"""A connector as it is managed: what it should be, where it comes from, who is asking."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ..storage import VaultError
from .spec import ConnectorSpec

SECRETS = ("app_secret", "verification_token", "encrypt_key", "proxy")
"""Fields that are write-only: what is shown of them is whether they are set."""

CREDENTIALS = frozenset({"app_id", "app_secret", "domain"})
"""Fields whose change makes an earlier verification worthless."""

OF_SUPERUSERS = frozenset({"owner", "domain", "proxy"})
"""Fields that owners leave as they are. Whoever runs the platform says who its senders are, and could name a superuser;
and where our requests go in a network is for those who answer for it."""


class Source(StrEnum):
    """Where a connector is declared."""

    STORED = "stored"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Connector:
    """One connector.

    Attributes:
        id: Of its row; of one from configuration its name.
        spec: What it should be. Without secrets if they are `locked`.
        source: Where it is declared.
        verified_at: When Feishu last accepted its credentials.
        locked: Why its stored secrets do not open; it cannot run.
    """

    id: str
    spec: ConnectorSpec
    source: Source
    verified_at: datetime | None = None
    locked: VaultError | None = None

    @property
    def entitled(self) -> bool:
        """Whether people want it connected, and may."""
        return self.spec.enabled and (self.source is Source.CONFIG or self.verified_at is not None)

    @property
    def runnable(self) -> bool:
        """Whether it can be connected, as far as the record goes."""
        return self.entitled and self.locked is None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for something.

    Attributes:
        who: An open_id, or the name of a user of the machine.
        origin: The way it came.
        superuser: May do everything; others only what concerns connectors they own.
        approved_by: Who has approved what is done, where somebody had to.
    """

    who: str
    origin: Literal["chat", "shell", "rest", "console"]
    superuser: bool
    approved_by: str | None = None

    def may_see(self, connector: Connector) -> bool:
        """Foreign connectors do not exist for anybody but superusers."""
        return self.superuser or (bool(self.who) and connector.spec.owner == self.who)
