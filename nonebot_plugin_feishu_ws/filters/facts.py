"""What a filter may know about an event."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One event, reduced to what admission and addressing ask about. Built by the adapter, read by filters.

    `None` and `""` mean that the event does not say: a reaction has no `chat_type`, and without contact scope
    a sender has no `user_id` (feishu-facts.md, Identity).
    """

    app_id: str
    """The bot that received the event."""
    received_at: datetime
    """When this process took the event in (aware). On a replay: the original time."""
    event_id: str = ""
    message_id: str | None = None
    chat_id: str | None = None
    chat_type: Literal["p2p", "group"] | None = None
    """`None` for events that belong to no conversation."""
    thread_id: str | None = None
    sender_open_id: str | None = None
    sender_user_id: str | None = None
    sender_union_id: str | None = None
    sender_type: str = "user"
    """As Feishu sends it: `user`, `app`, `bot`, `anonymous`…"""
    own: bool = False
    """The sender is the receiving bot itself."""
    mentioned: bool = False
    """The receiving bot was mentioned by name; `@all` is not that."""
    mentioned_all: bool = False
    text: str = ""
    """The text without mentions; empty for messages that have none."""
    brings: bool = False
    """It brings something else that can be read: a picture, a file, forwarded messages."""
    token: str | None = field(default=None, repr=False)
    """The verification token the event carried."""
    expected_token: str | None = field(default=None, repr=False)
    """The verification token stored with the connector; `None` or empty: nothing to compare with."""
    created_at: datetime | None = None
    """When Feishu says it happened (aware)."""
    duplicate: bool = False
    """The inbox has taken this event, or this message, before."""
    enabled: bool = True
    """The connector is enabled."""

    def sent_by_any_of(self, identities: frozenset[str]) -> bool:
        """True if the sender's open_id, user_id or union_id is listed."""
        return (
            self.sender_open_id in identities
            or self.sender_user_id in identities
            or self.sender_union_id in identities
        )
