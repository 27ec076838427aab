"""JWTs (RFC 7519): what one says, if it is signed with a secret of ours and still good. Imported where there is one."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import jwt

from ...connectors import Actor
from .errors import BadToken
from .terms import API_TOKEN, AUDIENCE, LEEWAY, LONGEST_LIFE

_ALGORITHMS = ["HS256"]
_PARAMETERS = {"alg", "typ"}  # of a header; `kid`, `jku`, `jwk`, `x5u`, `crit` have no meaning here
_SUBJECT = re.compile(r"[^\s,]{1,64}")
_RESERVED = ("shell:", "api:", "nobody:", API_TOKEN)  # names given to others, some of them with all rights


def actor_of(token: str, secrets: Sequence[str]) -> Actor:
    """Whose JWT it is.

    Args:
        token: As it was shown.
        secrets: Of which one signed it.

    Raises:
        BadToken: It opens nothing.
    """
    try:
        return _actor(_claims(token, secrets))
    except BadToken:
        raise
    # Anything: what is parsed here is a stranger's, and what cannot be read opens nothing.
    except Exception as error:
        raise BadToken(type(error).__name__) from None


def _claims(token: str, secrets: Sequence[str]) -> Mapping[str, Any]:
    if foreign := set(jwt.get_unverified_header(token)) - _PARAMETERS:
        raise BadToken(f"header: {len(foreign)} parameters besides alg and typ")
    for secret in secrets[:-1]:
        try:
            return _decoded(token, secret)
        except jwt.InvalidSignatureError:
            continue
    return _decoded(token, secrets[-1])


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
