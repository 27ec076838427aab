"""What waits for a person's decision, and what became of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field

from ..base import Base, UtcDateTime, choice, row_id, utc_now


class ApprovalState(StrEnum):
    """How far an approval has come. Each step is one conditional UPDATE; see design.md, decision 8."""

    PENDING = "pending"
    APPROVED = "approved"
    EXECUTING = "executing"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The process died while it was being carried out: a person looks, nobody carries it out again by itself."""
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class ApprovalRow(Base, table=True):
    """A tool somebody wants to use, with exactly these arguments."""

    __table_args__ = (
        UniqueConstraint("connector", "event_id", "call"),
        Index(None, "finished_at", "state"),
    )

    id: str = Field(primary_key=True)
    """Short enough to be typed; it is no secret."""
    connector: str
    """The bot's app_id."""
    chat_id: str
    thread_id: str | None = None
    message_id: str
    """The message that asked."""
    event_id: str
    call: str = "0"
    """Which of the event's calls it is: the event handled again, after a crash, asks no second time."""
    asked_by: str
    """open_id."""
    tool: str
    arguments: str = Field(sa_type=Text, repr=False)
    """Canonical JSON: what is shown, hashed and carried out."""
    arguments_hash: str
    """SHA-256 of tool and arguments, checked again before they are carried out."""
    reason: str = ""
    nonce: str = Field(repr=False)
    """On the buttons; bound to this row and its cards."""
    state: ApprovalState = Field(
        default=ApprovalState.PENDING, sa_column=Column(choice(ApprovalState), nullable=False)
    )
    owner: str = ""
    """The worker that carries it out, as in `EventRow`."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str | None = None
    """open_id; of whoever cancelled, too."""
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the chat was told what became of it; until then somebody has to see to it."""
    result: str | None = Field(default=None, sa_type=Text, repr=False)
    error: str | None = None


class ApprovalCardRow(Base, table=True):
    """A card that shows an approval: in the chat of the question, or with an approver directly."""

    __table_args__ = (Index(None, "approval_id"), {"sqlite_autoincrement": True})

    id: int | None = Field(
        default=None, sa_column=Column("id", row_id(), primary_key=True, autoincrement=True)
    )
    approval_id: str
    receive_id: str
    """The chat_id or open_id it was sent to."""
    message_id: str | None = Field(default=None, unique=True)
    """Feishu's id of it; None until it is sent."""
    shown: ApprovalState | None = Field(default=None, sa_column=Column(choice(ApprovalState), nullable=True))
    """The state the card was last brought to; behind the approval's own while an update is due."""
