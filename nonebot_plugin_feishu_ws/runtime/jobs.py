"""An event between the inbox and the matchers."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..connectors import Link
from ..delivery import Unfinished


@dataclass(frozen=True, slots=True)
class Job:
    """A stored event on its way to the matchers.

    Attributes:
        link: The connector that received it.
        row_id: Its row in the inbox.
        owner: This process, as it was called when it took the row (`Lease.id`).
        payload: The event's JSON, without its verification token.
        event_id: Feishu's id of it.
        event_type: What Feishu calls such events.
        message_id: Of a received message.
        chat_id: The chat it belongs to, if any; events of one chat keep their order.
        received_at: When it was first received.
    """

    link: Link
    row_id: int
    owner: str
    payload: Mapping[str, Any] = field(repr=False)
    event_id: str
    event_type: str
    message_id: str | None
    chat_id: str | None
    received_at: datetime

    @property
    def chat(self) -> Hashable:
        """What its order, and its place among the events in hand, go by."""
        return self.link.spec.app_id, self.chat_id


def replayed(link: Link, left: Unfinished) -> Job:
    """An event that was stored before and not finished."""
    event = left.incoming
    return Job(
        link=link,
        row_id=left.row_id,
        owner=left.owner,
        payload=json.loads(event.payload),
        event_id=event.event_id,
        event_type=event.event_type,
        message_id=event.message_id,
        chat_id=event.chat_id,
        received_at=left.received_at,
    )
