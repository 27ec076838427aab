"""Requests to a webhook: who may speak, and what was said.

Sources: Feishu's pages "Receive events" (signature, decryption), "Send events to the developer's server" (challenge)
and, for old cards, "Configure the card callback URL" (SHA-1): open.feishu.cn/document/ukTMukTMukTM/ followed by
uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/encrypt-key-encryption-configuration-case and uYzMxEjL2MTMx4iNzETM.

What a request is refused for is for our log alone. Whoever sent it learns nothing: all refusals look the same, so that
neither the signature nor the padding of what was decrypted can be found out by asking again and again.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NoReturn, cast

WINDOW = 300.0
"""Seconds a request's time may be away from ours, either way (faults.md, Webhook)."""
LARGEST = 2 * 2**20
"""Bytes of a body. Feishu's messages have at most 150 KB (feishu-facts.md, Platform limits)."""
LARGEST_UNSIGNED = 4096
"""Bytes of a body without a signature: only the check of an address has none, and it is short."""

_LONGEST_NONCE = 128
_BLOCK = 16
_SHA1 = 40  # hexadecimal digits; SHA-256 has 64
_CARD_ACTION = "card.action.trigger"


class Refusal(StrEnum):
    """Why a request was refused."""

    TOO_LARGE = "too_large"
    NOT_SIGNED = "not_signed"
    BAD_SIGNATURE = "bad_signature"
    WRONG_TIME = "wrong_time"
    REPLAYED = "replayed"
    NOT_DECRYPTED = "not_decrypted"
    NOT_UNDERSTOOD = "not_understood"
    BAD_TOKEN = "bad_token"  # noqa: S105 - a reason
    TOO_MANY = "too_many"


class RefusedError(Exception):
    """A request is not Feishu's, or not for us.

    Attributes:
        refusal: Why; not for whoever sent it.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Keys:
    """What Feishu and an app share ("Encryption strategy" in the developer console)."""

    encrypt_key: str | None = field(default=None, repr=False)
    verification_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """Feishu asks whether this address is ours. The answer is `{"challenge": …}`, within a second."""

    challenge: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event or a callback.

    Attributes:
        kind: As in a frame of a long connection: `card` for the old card callback.
        payload: Its JSON.
        callback: A click: answered in the response, and never sent again.
        nonce: What the request was signed with; None without an encrypt key.
    """

    kind: Literal["event", "card"]
    payload: bytes = field(repr=False)
    callback: bool
    nonce: str | None


@dataclass(frozen=True, slots=True)
class _Signed:
    """A request whose signature was right and whose time is now.

    Attributes:
        old: By SHA-1 with the verification token, which is for old cards alone.
    """

    nonce: str
    old: bool


def examine(keys: Keys, headers: Mapping[str, str], body: bytes, *, now: float) -> Challenge | Delivered:
    """Check a request: size, signature, time, then what is in it, and its verification token.

    Nothing that is signed is decrypted before its signature was found to be right. The check of an address is not
    signed (Feishu's page on receiving events), so what has no signature is decrypted if it is short, and refused unless
    it is that check. How often that may be tried is for the caller to limit.

    Args:
        keys: Of the app; without any, everything is refused.
        headers: With names in lower case.
        body: As it came.
        now: Seconds since 1970.

    Raises:
        RefusedError: It is to be answered 403, or 413 if it is too large.
    """
    if len(body) > LARGEST:
        raise RefusedError(Refusal.TOO_LARGE)
    signed = _signed(keys, headers, body, now)
    unproven = bool(keys.encrypt_key) and signed is None
    if unproven and len(body) > LARGEST_UNSIGNED:
        raise RefusedError(Refusal.NOT_SIGNED)
    try:
        plain = _plain(body, keys.encrypt_key)
        payload = _object(plain)
    except RefusedError as error:
        raise RefusedError(Refusal.NOT_SIGNED if unproven else error.refusal) from None
    if payload.get("type") == "url_verification":
        if unproven and plain is body and not keys.verification_token:  # anybody can have written it
            raise RefusedError(Refusal.NOT_SIGNED)
        _check_token(keys, payload.get("token"))
        challenge = payload.get("challenge")
        return Challenge(challenge) if isinstance(challenge, str) else _refuse(Refusal.NOT_UNDERSTOOD)
    if unproven:
        raise RefusedError(Refusal.NOT_SIGNED)
    return _delivered(keys, signed, plain, payload)


def _delivered(keys: Keys, signed: _Signed | None, plain: bytes, payload: Mapping[str, Any]) -> Delivered:
    nonce = None if signed is None else signed.nonce
    if _is_old_card(payload):
        if signed is None:  # its `token` is the card's: nothing else tells whose it is
            raise RefusedError(Refusal.NOT_SIGNED)
        return Delivered("card", plain, True, nonce)
    if signed is not None and signed.old:
        raise RefusedError(Refusal.BAD_SIGNATURE)
    header: Any = payload.get("header", payload)  # schema 2.0, or 1.0
    fields: Mapping[str, Any] = cast("dict[str, Any]", header) if isinstance(header, dict) else {}
    _check_token(keys, fields.get("token"))
    return Delivered("event", plain, fields.get("event_type") == _CARD_ACTION, nonce)


def _signed(keys: Keys, headers: Mapping[str, str], body: bytes, now: float) -> _Signed | None:
    """None if there is no signature, or none that can be checked: then the verification token must do."""
    given = headers.get("x-lark-signature", "").lower().encode("utf-8", "surrogateescape")
    old = len(given) == _SHA1
    key = keys.verification_token if old else keys.encrypt_key
    if not given or not (key or old):
        return None
    stamp, nonce = headers.get("x-lark-request-timestamp", ""), headers.get("x-lark-request-nonce", "")
    # Old cards are signed with SHA-1; Feishu's choice.
    made = hashlib.sha1(usedforsecurity=False) if old else hashlib.sha256()
    made.update((stamp + nonce + (key or "")).encode("utf-8", "surrogateescape") + body)
    if not key or not hmac.compare_digest(made.hexdigest().encode(), given):
        raise RefusedError(Refusal.BAD_SIGNATURE)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or abs(now - int(stamp)) > WINDOW:
        raise RefusedError(Refusal.WRONG_TIME)
    if not 0 < len(nonce) <= _LONGEST_NONCE or "\0" in nonce:
        raise RefusedError(Refusal.BAD_SIGNATURE)
    return _Signed(nonce, old)


def _check_token(keys: Keys, given: object) -> None:
    """Wherever there is a token it must be the right one; without an encrypt key there must be one."""
    if keys.verification_token:
        token = (given if isinstance(given, str) else "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(keys.verification_token.encode(), token):
            raise RefusedError(Refusal.BAD_TOKEN)
    elif not keys.encrypt_key:
        raise RefusedError(Refusal.BAD_TOKEN)


def _is_old_card(payload: Mapping[str, Any]) -> bool:
    """The flat callback of cards before schema 2.0 (Feishu's page "Card callback structure (old)")."""
    return "action" in payload and "header" not in payload and "event" not in payload


def _plain(body: bytes, encrypt_key: str | None) -> bytes:
    """The body, decrypted if it is encrypted."""
    encrypted = _object(body).get("encrypt")
    if encrypted is None:
        return body
    if not encrypt_key or not isinstance(encrypted, str):
        raise RefusedError(Refusal.NOT_DECRYPTED)
    return decrypt(encrypt_key, encrypted)


def decrypt(encrypt_key: str, encrypted: str) -> bytes:
    """AES-256-CBC; the key is SHA-256 of the encrypt key, the first 16 bytes are the IV, PKCS#7 fills the last block.

    Raises:
        RefusedError: Whatever is wrong with it.
    """
    # 6 MiB, for those alone who are posted to by an app with an encrypt key.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    try:
        data = base64.b64decode(encrypted, validate=True)
        cipher = Cipher(
            algorithms.AES(hashlib.sha256(encrypt_key.encode()).digest()), modes.CBC(data[:_BLOCK])
        )
        decryptor, padding = cipher.decryptor(), PKCS7(_BLOCK * 8).unpadder()
        filled = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
        return padding.update(filled) + padding.finalize()
    except ValueError:
        raise RefusedError(Refusal.NOT_DECRYPTED) from None


def _object(data: bytes) -> dict[str, Any]:
    try:
        found: object = json.loads(data)
    except (ValueError, RecursionError):
        raise RefusedError(Refusal.NOT_UNDERSTOOD) from None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else _refuse(Refusal.NOT_UNDERSTOOD)


def _refuse(refusal: Refusal) -> NoReturn:
    raise RefusedError(refusal)
