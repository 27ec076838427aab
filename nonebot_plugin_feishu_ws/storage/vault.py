"""Secrets at rest: AES-256-GCM per value, bound to the place where the value is stored.

A sealed value is the text `v1.<key id>.<nonce, ciphertext and tag in hex>`. The associated data names
version, key, table, column and row, so that a value copied to another row or column does not open
(faults.md, Security: "swapped rows fail"). The nonce is random: 96 bits, NIST SP 800-38D, far below 2^32
values per key.
"""

import base64
import binascii
import hashlib
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from .errors import SealBroken, SecretKeyError, UnknownKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_SEALED = re.compile(r"v1\.(?P<key>[0-9a-f]{16})\.(?P<data>(?:[0-9a-f]{2})+)")


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value: the only thing a secret column stores. Safe to log, yet its `repr` keeps it short."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives. It opens nowhere else."""

    table: str
    column: str
    row: str

    @override
    def __str__(self) -> str:
        return f"{self.table}.{self.column} of row {self.row}"


def new_key() -> str:
    """A fresh key in the form `FEISHU_WS__SECRET_KEY` takes: 32 random bytes, base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


class Vault:
    """Seals and opens secrets.

    Args:
        keys: as made by `new_key`; the first seals, all open.

    Raises:
        SecretKeyError: there is no key, or one is malformed.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise SecretKeyError("FEISHU_WS__SECRET_KEY holds no key")
        decoded = [_decode_key(text, number) for number, text in enumerate(keys, start=1)]
        self._keys = {_key_id(key): key for key in decoded}
        self._current = next(iter(self._keys))

    @override
    def __repr__(self) -> str:
        return f"Vault(key_ids={list(self._keys)})"

    def seal(self, plain: str, place: Place) -> Sealed:
        """Seal `plain` with the first key, for `place` only."""
        nonce = os.urandom(_NONCE_BYTES)
        data = self._cipher(self._current).encrypt(nonce, plain.encode(), _bound_to(place, self._current))
        return Sealed(f"v1.{self._current}.{(nonce + data).hex()}")

    def is_newest(self, sealed: Sealed) -> bool:
        """Whether it was sealed with the first key."""
        return sealed.text.startswith(f"v1.{self._current}.")

    def open(self, sealed: Sealed, place: Place) -> str:
        """The plain value.

        Raises:
            UnknownKey: it was sealed with a key that is not at hand.
            SealBroken: it was altered, or was sealed for another place.
        """
        match = _SEALED.fullmatch(sealed.text)
        if match is None:
            raise SealBroken(str(place))
        if match["key"] not in self._keys:
            raise UnknownKey(match["key"])
        from cryptography.exceptions import InvalidTag  # as in _cipher

        try:
            data = bytes.fromhex(match["data"])
            plain = self._cipher(match["key"]).decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound_to(place, match["key"])
            )
        except (InvalidTag, ValueError):
            raise SealBroken(str(place)) from None
        return plain.decode()

    def _cipher(self, key_id: str) -> "AESGCM":
        # 6 MiB, which a bot whose connectors are all in its configuration does without.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(self._keys[key_id])


def _decode_key(text: str, number: int) -> bytes:
    try:
        plain = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise SecretKeyError(
            f"key {number} of FEISHU_WS__SECRET_KEY is malformed: a key is 32 random bytes in base64 "
            "(44 characters); make one with: "
            "python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
        )
    return key


def _key_id(key: bytes) -> str:
    # Tells keys apart without telling anything about them.
    return hashlib.blake2b(key, digest_size=8, person=b"feishu-ws key id").hexdigest()


def _bound_to(place: Place, key_id: str) -> bytes:
    return json.dumps(["feishu-ws", "v1", key_id, place.table, place.column, place.row]).encode()
