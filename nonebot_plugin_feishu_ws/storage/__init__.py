"""The database: engine, sessions, tables, migrations, and secrets that are never stored in the clear."""

from .base import Base, UtcDateTime, utc_now
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
    EventRow,
    EventState,
    LinkRow,
    LogRow,
    OutboxRow,
    OutboxState,
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
    "Database",
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
    "SealBroken",
    "Sealed",
    "SecretKeyError",
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
