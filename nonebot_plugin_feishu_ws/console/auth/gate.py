"""Lets callers in, or not."""

import hashlib
import logging
from collections import OrderedDict

from ...config import Settings
from ...connectors import Actor
from .errors import BadToken, Closed, NoToken, TooManyFailures
from .failures import Failures
from .tokens import Tokens

logger = logging.getLogger("nonebot_plugin_feishu_ws.console")

_KNOWN = 256  # tokens


class Gate:
    """One for everything that is served.

    Args:
        settings: As loaded.
        failures: Shared by all ways in.
    """

    def __init__(self, settings: Settings, failures: Failures | None = None) -> None:
        self._tokens = Tokens(settings)
        self.failures = Failures() if failures is None else failures
        # Digests of tokens that were good a while ago. Behind one address may be an office: those who are right are
        # not to suffer from somebody there who is wrong.
        self._known: OrderedDict[bytes, None] = OrderedDict()

    @property
    def closed(self) -> bool:
        """There is no key: no token is good."""
        return not self._tokens.any

    def admit(self, token: str | None, address: str) -> Actor:
        """Whose token it is.

        Args:
            token: What was shown; None: nothing.
            address: Where from.

        Raises:
            Closed, NoToken, BadToken, TooManyFailures: See there.
        """
        if self.closed:
            raise Closed
        if not token:
            raise NoToken
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        if digest not in self._known and (wait := self.failures.wait(address)):
            raise TooManyFailures(wait)
        try:
            actor = self._tokens.actor(token)
        except BadToken as error:
            self._known.pop(digest, None)
            self.failures.add(address)
            logger.warning("a bearer token from %s is refused: %s", address, error.reason)
            raise
        self._known[digest] = None
        self._known.move_to_end(digest)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return actor
