"""Bearer tokens: the one from the settings, and JWTs (RFC 7519) signed with a secret from the settings."""

import hmac
import re
import time
from collections.abc import Mapping
from typing import Any

import jwt

from ...config import Settings
from ...connectors import Actor
from .errors import BadToken

AUDIENCE = "feishu-ws"
LONGEST_LIFE = 24 * 3600
"""Seconds a JWT may be good for: nothing but a change of the secret takes one back."""
LEEWAY = 30
"""Seconds by which the clocks of two machines may differ."""

API_TOKEN = "api-token"  # noqa: S105 - a name
"""Who the token from the settings is, in the log."""

_LONGEST = 4096  # characters
_ALGORITHMS = ["HS256"]
_PARAMETERS = {"alg", "typ"}  # of a header; `kid`, `jku`, `jwk`, `x5u`, `crit` have no meaning here
_SUBJECT = re.compile(r"[^\s,]{1,64}")
_RESERVED = (
    "shell:",
    "api:",
    "nobody:",
    API_TOKEN,
)  # names that are given to others, some of them with all rights


class Tokens:
    """Knows which tokens are good.

    Args:
        settings: Their `api_token` and `jwt_secret`.
    """

    def __init__(self, settings: Settings) -> None:
        token, secrets = settings.api_token, settings.jwt_secret
        self._token = token.get_secret_value().encode() if token else b""
        self._secrets = secrets.get_secret_value().split(",") if secrets else []

    @property
    def any(self) -> bool:
        """Whether there is anything to be compared with."""
        return bool(self._token or self._secrets)

    def actor(self, token: str) -> Actor:
        """Whose token it is.

        Raises:
            BadToken: Nobody's, or not any more.
        """
        if len(token) > _LONGEST:
            raise BadToken("too long")
        if self._token and hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            return Actor(API_TOKEN, "rest", superuser=True)
        if not self._secrets or token.count(".") != 2:
            raise BadToken("unknown")
        try:
            return _actor(self._claims(token))
        except BadToken:
            raise
        # Anything: what is parsed here is a stranger's, and what cannot be read opens nothing.
        except Exception as error:
            raise BadToken(type(error).__name__) from None

    def _claims(self, token: str) -> Mapping[str, Any]:
        if foreign := set(jwt.get_unverified_header(token)) - _PARAMETERS:
            raise BadToken(f"header: {len(foreign)} parameters besides alg and typ")
        for secret in self._secrets[:-1]:
            try:
                return _decoded(token, secret)
            except jwt.InvalidSignatureError:
                continue
        return _decoded(token, self._secrets[-1])


def _decoded(token: str, secret: str) -> Mapping[str, Any]:
    return jwt.decode(
        token,
        secret,
        algorithms=_ALGORITHMS,
        audience=AUDIENCE,
        leeway=LEEWAY,
        options={"require": ["exp", "aud", "sub"], "strict_aud": True},
    )


def _actor(claims: Mapping[str, Any]) -> Actor:
    life = claims["exp"] - min(claims.get("iat", time.time()), time.time())
    if not life <= LONGEST_LIFE + LEEWAY:
        raise BadToken(f"exp is more than {LONGEST_LIFE} s away")
    who, role = claims["sub"], claims.get("role")
    if not _SUBJECT.fullmatch(who) or not who.isprintable() or who.startswith(_RESERVED):
        raise BadToken("sub")
    if role not in ("admin", "owner"):
        raise BadToken("role")
    return Actor(who, "rest", superuser=role == "admin")
