"""What should run, what people have asked for, and how it is doing."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from sqlmodel import Field

from ..base import Base, JsonText, SealedColumn, UtcDateTime, utc_now
from ..vault import Place, Sealed, Vault


class ConnectorRow(Base, table=True):
    """A connector that was added at run time.

    The policy is one JSON value: its fields, defaults and checks are defined by `filters.Policy` alone, and
    a new
    one needs no migration. Table rows are not validated; whoever writes them is.
    """

    id: str = Field(default_factory=lambda: str(uuid4()), primary_key=True)
    name: str = Field(unique=True)
    app_id: str = Field(unique=True)
    app_secret: Sealed = Field(sa_type=SealedColumn, repr=False)
    verification_token: Sealed | None = Field(default=None, sa_type=SealedColumn, repr=False)
    encrypt_key: Sealed | None = Field(default=None, sa_type=SealedColumn, repr=False)
    proxy: Sealed | None = Field(default=None, sa_type=SealedColumn, repr=False)
    """A proxy URL may hold a password."""
    domain: str | None = None
    transport: str = "ws"
    enabled: bool = False
    verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    owner: str | None = None
    approvers: list[str] = Field(default_factory=list, sa_type=JsonText)
    policy: dict[str, Any] = Field(default_factory=dict, sa_type=JsonText)
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)

    SECRETS: ClassVar[tuple[str, ...]] = ("app_secret", "verification_token", "encrypt_key", "proxy")

    def place(self, column: str) -> Place:
        """Where the secret in `column` lives; what it is sealed for.

        Raises:
            ValueError: there is no such secret.
        """
        if column not in self.SECRETS:
            raise ValueError(f"no secret is called {column!r}; secrets: {', '.join(self.SECRETS)}")
        return Place("feishu_ws_connector", column, self.id)

    def seal(self, column: str, plain: str | None, vault: Vault) -> None:
        """Set a secret, or remove it with None."""
        place = self.place(column)
        setattr(self, column, None if plain is None else vault.seal(plain, place))

    def reveal(self, column: str, vault: Vault) -> str | None:
        """A secret's plain value, None if it is not set.

        Raises:
            UnknownKey, SealBroken: see `Vault.open`.
        """
        place = self.place(column)
        sealed: Sealed | None = getattr(self, column)
        return None if sealed is None else vault.open(sealed, place)


class StatusRow(Base, table=True):
    """What people have asked of a connector, and what Feishu says of it.

    Of every connector, those from configuration included, which have no row of their own.
    """

    app_id: str = Field(primary_key=True)
    held: bool = False
    """Disconnected by hand, until somebody connects it again or the bot is started anew."""
    asked: int = 0
    """How often somebody has asked for it to be connected: one more, and a link that has given up tries again."""
    online: int | None = None
    """Connections of the app that Feishu sees, whoever opened them; None: not known."""
    online_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When somebody of ours last asked, or began to ask."""
    suspected: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many of them were not ours, by the last look."""
    strangers: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many of them were not ours, by the last two looks."""
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class LinkRow(Base, table=True):
    """How a connector is doing in one process, as that process last said; read by the others."""

    app_id: str = Field(primary_key=True)
    worker: str = Field(primary_key=True)
    """The process, see `WorkerRow`."""
    state: str = "disconnected"
    connections: int = 0
    """How many of its connections are open."""
    wanted: int = 1
    """How many there should be."""
    connected_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_heartbeat: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_event_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempt: int = 0
    error: str | None = None
    reason: str | None = None
    """The kind of error, see `gateway.Reason`."""
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
