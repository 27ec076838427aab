"""The database: engine, sessions, tables, migrations, and secrets that are never stored in the clear."""

from .base import Base, UtcDateTime, utc_now
from .clock import DatabaseClock
from .database import Database
from .errors import (
    DatabaseUnavailable,
    DatabaseUrlError,
    MigrationError,
    SealBroken,
    SecretKeyError,
    StorageError,
    UnknownKey,
    VaultError,
)
from .keyfile import load_vault
from .tables import (
    ApprovalCardRow,
    ApprovalRow,
    ApprovalState,
    ConnectorRow,
    ConversationRow,
    EventRow,
    EventState,
    LinkRow,
    LogRow,
    OutboxRow,
    OutboxState,
    RunRow,
    RunState,
    SpendingRow,
    StatusRow,
    WorkerRow,
)
from .vault import Place, Sealed, Vault, new_key

__all__ = [
    "ApprovalCardRow",
    "ApprovalRow",
    "ApprovalState",
    "Base",
    "ConnectorRow",
    "ConversationRow",
    "Database",
    "DatabaseClock",
    "DatabaseUnavailable",
    "DatabaseUrlError",
    "EventRow",
    "EventState",
    "LinkRow",
    "LogRow",
    "MigrationError",
    "OutboxRow",
    "OutboxState",
    "Place",
    "RunRow",
    "RunState",
    "SealBroken",
    "Sealed",
    "SecretKeyError",
    "SpendingRow",
    "StatusRow",
    "StorageError",
    "UnknownKey",
    "UtcDateTime",
    "Vault",
    "VaultError",
    "WorkerRow",
    "load_vault",
    "new_key",
    "utc_now",
]
