"""Who is signed in to the console, and who is about to be. What opens something is kept as a hash alone."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Text
from sqlmodel import Field

from ..base import Base, UtcDateTime, choice, utc_now


class SessionOrigin(StrEnum):
    """How somebody has shown who they are."""

    CHAT = "chat"
    """A link was sent to them, and to nobody else."""
    SHELL = "shell"
    """A link was printed in a shell of the machine."""
    TOKEN = "token"  # noqa: S105 - a word
    """They know the API token."""


class SignInRow(Base, table=True):
    """A link that signs somebody in, once."""

    id: str = Field(primary_key=True)
    """SHA-256 of what the link carries."""
    origin: SessionOrigin = Field(sa_column=Column(choice(SessionOrigin), nullable=False))
    who: str
    """As `Actor.who`."""
    app_id: str | None = None
    """The Feishu app that told the open_id."""
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class SessionRow(Base, table=True):
    """A browser that is signed in. It has no rights of its own: those of the person are looked up at each request."""

    id: str = Field(primary_key=True)
    """SHA-256 of the cookie."""
    origin: SessionOrigin = Field(sa_column=Column(choice(SessionOrigin), nullable=False))
    who: str
    app_id: str | None = None
    proof: str = ""
    """SHA-256 of the API token it was opened with: another token ends it."""
    notice: str | None = Field(default=None, sa_type=Text)
    """What the next page is to say, as JSON."""
    created_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime, index=True)
    seen_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime, index=True)
