"""What the platform allows and how long it waits: each rule names its line of feishu-facts.md.

The defaults are Feishu's own; tests shorten the durations. No other file holds a number of the platform.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What bootstrap and pong tell a client (facts, "Bootstrap"); seconds, count -1 is for ever."""

    reconnect_count: int = -1
    reconnect_interval: int = 120
    reconnect_nonce: int = 30
    ping_interval: int = 120

    def to_json(self) -> dict[str, int]:
        return {
            "ReconnectCount": self.reconnect_count,
            "ReconnectInterval": self.reconnect_interval,
            "ReconnectNonce": self.reconnect_nonce,
            "PingInterval": self.ping_interval,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """Durations in seconds, sizes in bytes. Immutable: a sandbox with other rules is another sandbox."""

    clock: Callable[[], float] = field(default=time.time, repr=False)
    """The platform's wall clock (Unix seconds): stamps messages, expires tokens, cards and uuids."""

    client_config: ClientConfig = ClientConfig()
    max_connections: int = 50
    """Facts, "Platform rules": max 50 connections per app."""
    endpoint_ttl: float = 120.0
    """How long a bootstrap URL can be used, once (facts, "Bootstrap": a new URL for every reconnect)."""
    ack_timeout: float = 3.0
    """Facts, "Platform rules": finish within 3 s or it is pushed again."""
    push_again_after: tuple[float, ...] = (15.0, 300.0, 3600.0, 21600.0)
    """Facts, limits table: re-push 15 s, 5 min, 1 h, 6 h, at most 4 times."""
    challenge_timeout: float = 1.0
    """Feishu, "Send events to the developer's server": the challenge must come back within 1 s."""
    fragment_size: int = 512 * 1024
    """Largest payload of one frame; a longer event is cut into fragments (facts, "Ack": with fragments)."""

    bot_sender_type: Literal["app", "bot"] = "app"
    """Facts, "Identity": bot senders have sender_type app or bot."""

    callback_timeout: float = 3.0
    """Facts, limits table: click reply 3 s."""
    update_token_ttl: float = 1800.0
    update_token_uses: int = 2
    """Facts, limits table: delayed-update token 30 min, 2 uses, only after responding."""

    token_ttl: float = 7200.0
    token_renew_below: float = 1800.0
    """Facts, "Tokens": 2 h; a new one when < 30 min are left, both valid."""
    token_error_status: int = 400
    """Facts, "Tokens": an invalid token may arrive as HTTP 200 or 400."""

    max_text_size: int = 150 * 1024
    max_card_size: int = 30 * 1024
    """Facts, limits table: text 150 KB, card and post 30 KB (230025)."""
    max_edits: int = 20
    """Facts, limits table: text edit max 20 (230072)."""
    card_update_window: float = 14 * 86400.0
    """Facts, limits table: card PATCH at most 14 days (230031)."""
    card_updates_per_second: int = 5
    """Facts, limits table: 5 QPS per message."""
    max_card_elements: int = 200
    """Facts, "CardKit": 300305 element limit (~200)."""
    max_card_tables: int = 3
    """Facts, "CardKit": table ceiling, 3 measured, 5 by others (230099, ErrCode 11310)."""
    card_operations_per_second: int = 10
    """Facts, "CardKit": 10 operations/s per card."""
    card_entity_ttl: float = 14 * 86400.0
    """Feishu, cardkit-v1/card/create: an entity can be used for 14 days (200750)."""
    card_stream_ttl: float = 600.0
    """Facts, limits table: a stream auto-closes at 10 min, 200850, then 300309."""
    max_card_uuid_length: int = 64
    max_card_id_length: int = 20
    """Facts, "CardKit": uuid 1-64, element_id and card_id 1-20 chars."""
    uuid_window: float = 3600.0
    max_uuid_length: int = 50
    """Facts, limits table: uuid of at most 50 chars, one success per hour."""
    sends_per_second: int = 5
    """Facts, limits table: 5 QPS per user; 5 QPS per group shared by all bots."""
    api_per_second: int = 50
    api_per_minute: int = 1000
    """Facts, limits table: 1000/min and 50/s, per API and app."""
    rate_limit_status: int = 429
    """Facts, limits table: 429 (older APIs 400) with 99991400 and x-ogw-ratelimit-reset."""

    registration_interval: float = 5.0
    registration_slow_down: float = 5.0
    registration_ttl: float = 600.0
    """Facts, "Registration": poll every 5 s, slow_down adds 5 s, a link expires after 600 s."""
