"""What was said before, what a model's answer waits for, and what it costs."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Index, Text
from sqlmodel import Field

from ..base import Base, JsonText, UtcDateTime, choice, utc_now


class ConversationRow(Base, table=True):
    """What a brain remembers of one conversation."""

    connector: str = Field(primary_key=True)
    """The bot's app_id."""
    chat_id: str = Field(primary_key=True)
    thread_id: str = Field(default="", primary_key=True)
    """The topic; empty: none."""
    version: int = 1
    """One more with each change: whoever saves what grew from an older one is told so."""
    messages: str = Field(default="[]", sa_type=Text, repr=False)
    """A JSON list; what is in it is the brain's own business."""
    summary: str = Field(default="", sa_type=Text, repr=False)
    """What came before `messages`, in short."""
    people: list[str] = Field(
        default_factory=list, sa_type=JsonText, sa_column_kwargs={"server_default": "[]"}, repr=False
    )
    """open_ids of those who have spoken, so that what is remembered of one of them can be found."""
    updated_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class RunState(StrEnum):
    """How far a model's answer to a message has come."""

    ASKING = "asking"
    """It called tools that people must approve; not all of them have been asked."""
    WAITING = "waiting"
    """People decide. The model goes on once they have, and what they approved was carried out."""
    RESUMING = "resuming"
    """The model goes on, in the process of `owner`."""
    ANSWERED = "answered"
    """It is known what to say; perhaps not all of it is in the chat."""
    DONE = "done"


class RunRow(Base, table=True):
    """A model's answer to one message, from the moment on from which it must not be begun again."""

    __table_args__ = (Index(None, "state", "connector"),)

    connector: str = Field(primary_key=True)
    """The bot's app_id."""
    event_id: str = Field(primary_key=True)
    chat_id: str
    thread_id: str = ""
    stage: int = 0
    """How often it was taken up again after people had decided."""
    state: RunState = Field(sa_column=Column(choice(RunState), nullable=False))
    owner: str
    """The worker that is at it, as in `EventRow`."""
    messages: str = Field(default="[]", sa_type=Text, repr=False)
    """The model's messages with the open calls, JSON."""
    calls: str = Field(default="[]", sa_type=Text, repr=False)
    """The open calls, and those that were refused at once, JSON."""
    answer: str = Field(default="", sa_type=Text, repr=False)
    """What the card of this stage says in the end."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class SpendingRow(Base, table=True):
    """What one person has used of the model on one day."""

    connector: str = Field(primary_key=True)
    open_id: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    """`2026-01-31`, in UTC."""
    turns: int = 0
    tokens: int = 0


class MergedRow(Base, table=True):
    """A message that is answered in the turn of a later one of the same person: that one's event answers for both."""

    __table_args__ = (Index(None, "connector", "turn"),)

    connector: str = Field(primary_key=True)
    """The bot's app_id."""
    event_id: str = Field(primary_key=True)
    turn: str
    """The event of the later message, the last one of the turn."""
    position: int
    """Among those of the turn, in order of arrival."""
    text: str = Field(sa_type=Text, repr=False)
    """What was said, as the turn has it."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)


class TurnRow(Base, table=True):
    """A turn that some process works on, or will: so that others can stop it. Gone once it has ended."""

    __table_args__ = (Index(None, "connector", "chat_id"),)

    connector: str = Field(primary_key=True)
    """The bot's app_id."""
    event_id: str = Field(primary_key=True)
    chat_id: str
    thread_id: str = ""
    owner: str
    """The worker that has it, as in `EventRow`."""
    stop: bool = False
    """Somebody has told it to stop. It counts for this turn, wherever it goes on, and for no other."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
