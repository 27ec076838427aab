"""What can go wrong with the database and with secrets.

    StorageError
    ├── DatabaseUrlError         the setting cannot be used
    ├── DatabaseUnavailable      cannot be reached, is locked, full or read-only; later it may work again
    ├── MigrationError           the schema could not be brought up to date
    └── VaultError
        ├── SecretKeyError       FEISHU_WS__SECRET_KEY is malformed, or the key file cannot be used
        ├── UnknownKey           a value was sealed with a key that is not at hand
        └── SealBroken           a value was altered, or moved to another row or column

No message shows a password, a key, a plain value or a statement's parameters.
"""


class StorageError(Exception):
    """Base of everything this room raises on purpose."""


class DatabaseUrlError(StorageError):
    """`FEISHU_WS__DATABASE_URL` cannot be used; the message names the valid forms."""


class DatabaseUnavailable(StorageError):
    """The database does not take what it is given, whoever gives it. Trying again later may help.

    Attributes:
        detail: the driver's own words, without statement or parameters.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(f"the database is not available: {detail}")
        self.detail = detail


class MigrationError(StorageError):
    """The schema could not be brought up to date; the database is as it was before."""


class VaultError(StorageError):
    """Base of what concerns secrets."""


class SecretKeyError(VaultError):
    """A key is malformed, or the key file cannot be read or made."""


class UnknownKey(VaultError):
    """The value was sealed with a key that is neither configured nor in the key file. Nothing was changed.

    Attributes:
        key_id: which key is missing.
    """

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"a stored secret was sealed with key {key_id}, which is not at hand: add that key to "
            "FEISHU_WS__SECRET_KEY (after the current one, separated by a comma) or restore the key file. "
            "The stored value was left as it is"
        )
        self.key_id = key_id


class SealBroken(VaultError):
    """The value was altered, or belongs to another row or column; it cannot be opened.

    Attributes:
        place: table, column and row it was read from.
    """

    def __init__(self, place: str) -> None:
        super().__init__(
            f"the sealed value at {place} was altered or belongs elsewhere; enter the secret again"
        )
        self.place = place
