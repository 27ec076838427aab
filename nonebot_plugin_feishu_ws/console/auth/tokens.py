"""Bearer tokens: the one from the settings, and JWTs signed with a secret from the settings."""

import hmac

from ...config import Settings
from ...connectors import Actor
from .errors import BadToken
from .terms import API_TOKEN

_LONGEST = 4096  # characters


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
        from .jwts import actor_of

        return actor_of(token, self._secrets)
