"""The names users see when a message was not let through."""

from enum import StrEnum


class Reason(StrEnum):
    """Why an event was stopped. Written to the log table, so renaming one is a breaking change."""

    CONNECTOR_DISABLED = "connector_disabled"
    TOKEN_MISMATCH = "token_mismatch"  # noqa: S105 - a reason, not a secret
    DUPLICATE = "duplicate"
    STALE = "stale"
    OWN_MESSAGE = "own_message"
    BOT_MESSAGE = "bot_message"
    DM_NOT_ALLOWED = "dm_not_allowed"
    GROUP_NOT_ALLOWED = "group_not_allowed"
    CHAT_NOT_ALLOWED = "chat_not_allowed"
    USER_NOT_ALLOWED = "user_not_allowed"
    RATE_LIMITED = "rate_limited"
    MENTION_REQUIRED = "mention_required"
    PREFIX_NOT_MATCHED = "prefix_not_matched"
    EMPTY_TEXT = "empty_text"
