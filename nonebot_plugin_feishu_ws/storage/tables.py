"""The tables.

Events and log rows name a connector by its `app_id`, not by the connector's row: connectors declared in
configuration have no row, `app_id` is unique among all connectors (contract.md), Feishu itself sends it with
every event, and both must outlive a connector that is removed. For the same reasons there is no foreign key.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import uuid4

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from .base import Base, JsonText, SealedColumn, UtcDateTime, choice, row_id, utc_now
from .vault import Place, Sealed, Vault


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
    """How a connector's link is doing, as the process that runs it last said; read by other processes.

    Of every connector, those from configuration included, which have no row of their own.
    """

    app_id: str = Field(primary_key=True)
    held: bool = False
    """Disconnected by hand, until somebody connects it again or the bot is started anew."""
    asked: int = 0
    """How often somebody has asked for it to be connected: one more, and a link that has given up tries again."""
    state: str = "disconnected"
    connected_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_heartbeat: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_event_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    attempt: int = 0
    error: str | None = None
    reason: str | None = None
    """The kind of error, see `gateway.Reason`."""
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class EventState(StrEnum):
    """How far an event has come."""

    RECEIVED = "received"
    DONE = "done"
    DEAD = "dead"


class EventRow(Base, table=True):
    """An event Feishu pushed: committed before it is acknowledged, kept as a key against the next push."""

    __table_args__ = (
        UniqueConstraint("connector", "event_id"),
        UniqueConstraint("connector", "message_id"),
        Index(None, "state", "id"),
        Index(None, "received_at"),
        # Without it SQLite gives the number of a pruned row to a new one.
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(
        default=None, sa_column=Column("id", row_id(), primary_key=True, autoincrement=True)
    )
    connector: str
    """The bot's app_id."""
    event_id: str
    message_id: str | None = None
    """Only of `im.message.receive_v1`: reactions and the like carry the id of a message too, and would pass
    for repetitions of it. NULLs do not collide."""
    event_type: str
    chat_id: str | None = None
    payload: bytes = Field(sa_type=LargeBinary, repr=False)
    state: EventState = Field(
        default=EventState.RECEIVED, sa_column=Column(choice(EventState), nullable=False)
    )
    attempts: int = 1
    """How often it was handed out to be handled."""
    owner: str
    """The inbox that took it or took it over."""
    received_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = None


class LogRow(Base, table=True):
    """What happened to a connector, for its owner to read."""

    __table_args__ = (
        Index(None, "connector", "id"),
        Index(None, "message_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(
        default=None, sa_column=Column("id", row_id(), primary_key=True, autoincrement=True)
    )
    at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    level: str
    action: str
    connector: str | None = None
    """The bot's app_id; None where no connector is concerned."""
    name: str | None = None
    """The connector's name at that time."""
    event_id: str | None = None
    message_id: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JsonText)
