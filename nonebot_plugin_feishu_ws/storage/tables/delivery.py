"""What comes in, what goes out, and who is at work on it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, LargeBinary, Text, UniqueConstraint
from sqlmodel import Field

from ..base import Base, UtcDateTime, choice, row_id, utc_now


class WorkerRow(Base, table=True):
    """A process at work, for as long as the others believe it alive.

    Whoever sees `beat` stand still for long enough deletes the row, and with it fences the worker off: what it owned is
    anybody's, and each of its writes checks that the row is still there. No clock is compared with another.
    """

    id: str = Field(primary_key=True)
    label: str
    """Host and process, for people."""
    beat: int = 0
    started_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


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
    """The worker that has it in hand; without a row of its own it is dead, and the event anybody's."""
    received_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = None


class OutboxState(StrEnum):
    """How far a message of ours has come."""

    QUEUED = "queued"
    SENDING = "sending"
    """Handed to Feishu, perhaps: until the answer is written nobody knows."""
    SENT = "sent"
    FAILED = "failed"
    """Feishu refused it for good."""
    UNKNOWN = "unknown"
    """It may have been shown or not, and Feishu no longer remembers its uuid: never sent again by itself."""


class OutboxRow(Base, table=True):
    """A message the Butler says: committed before it is sent, kept so that it is said once."""

    __table_args__ = (
        UniqueConstraint("connector", "uuid"),
        Index(None, "state", "id"),
        Index(None, "connector", "event_id"),
        Index(None, "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(
        default=None, sa_column=Column("id", row_id(), primary_key=True, autoincrement=True)
    )
    connector: str
    """The bot's app_id."""
    uuid: str
    """Made from what it answers: the same answer again is the same row, and for Feishu the same message."""
    event_id: str | None = None
    """The event it answers."""
    final: bool = False
    """With it the event is answered: handled again, after a crash, nothing more is to be said."""
    reply_to: str | None = None
    """The message it replies to; None: a message of its own to `receive_id`."""
    receive_id: str | None = None
    """The chat (or person) it goes to, also if the message it replies to is gone."""
    receive_id_type: str = "chat_id"
    in_thread: bool = False
    msg_type: str
    content: str = Field(sa_type=Text, repr=False)
    state: OutboxState = Field(
        default=OutboxState.QUEUED, sa_column=Column(choice(OutboxState), nullable=False)
    )
    attempts: int = 0
    owner: str
    """The worker that sends it, as in `EventRow`."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When Feishu may have seen its uuid first."""
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    message_id: str | None = None
    """Feishu's id of it."""
    error: str | None = None


class NonceRow(Base, table=True):
    """What a request to a webhook was signed with: none counts twice (faults.md, Webhook)."""

    connector: str = Field(primary_key=True)
    """The bot's app_id."""
    nonce: str = Field(primary_key=True)
    taken_at: datetime = Field(sa_type=UtcDateTime, index=True)
    """By the database's clock, see `DatabaseClock`."""
