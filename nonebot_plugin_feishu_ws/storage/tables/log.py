"""What happened."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index
from sqlmodel import Field

from ..base import Base, JsonText, UtcDateTime, row_id, utc_now


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
