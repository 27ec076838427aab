"""The database: engine, sessions, tables, migrations, and secrets that are never stored in the clear."""

from .base import Base, utc_now
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
from .tables import ConnectorRow, EventRow, EventState, LogRow, StatusRow
from .vault import Place, Sealed, Vault, new_key

__all__ = [
    "Base",
    "ConnectorRow",
    "Database",
    "DatabaseUnavailable",
    "DatabaseUrlError",
    "EventRow",
    "EventState",
    "LogRow",
    "MigrationError",
    "Place",
    "SealBroken",
    "Sealed",
    "SecretKeyError",
    "StatusRow",
    "StorageError",
    "UnknownKey",
    "Vault",
    "VaultError",
    "load_vault",
    "new_key",
    "utc_now",
]
