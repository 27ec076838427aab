"""The tenant_access_token: cached, refreshed early, fetched once at a time.

Feishu's rule (…/auth-v3/auth/tenant_access_token_internal): a token lives two hours at most; while 30
minutes or more remain, asking again gives the *same* token; below that a new one, and both are valid. So
the first token may already be old, and asking early is useless above the 30 minutes.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .errors import AppUnavailable, BadCredentials, FeishuError, RateLimited

log = logging.getLogger("nonebot_plugin_feishu_ws.openapi")

EARLY = 20 * 60.0
"""Seconds before a token's end from which a new one is asked for: inside Feishu's 30 minutes."""
COOLDOWN = 5.0
"""Seconds for which a final refusal (or a failed early refresh) is believed without asking again."""
LONGEST_COOLDOWN = 60.0
"""Seconds; Feishu's own `retry_after` is honoured up to here."""


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A token as one fetch brought it; times on the source's clock. Its value shows in no repr."""

    value: str = field(repr=False)
    fresh_until: float
    valid_until: float

    @classmethod
    def granted(cls, value: str, expire: float, now: float) -> "Token":
        """A token with `expire` seconds left. Short-lived ones are used for three quarters of their time."""
        return cls(value, now + expire - min(EARLY, expire / 4), now + expire)

    def bearer(self) -> str:
        """The Authorization header. A method, because tracebacks show attributes but not calls."""
        return f"Bearer {self.value}"


class TokenSource:
    """One app's token.

    Parameters:
        fetch: asks Feishu; returns the token and the seconds it lives, raises FeishuError.
        clock: monotonic seconds, so that a changed wall clock neither kills nor prolongs a token.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[tuple[str, float]]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._current: Token | None = None
        self._flight: asyncio.Future[Token | FeishuError | None] | None = None
        self._refusal: FeishuError | None = None
        self._not_before = 0.0

    async def get(self) -> Token:
        """A valid token. Only one caller pays for an early refresh, and its failure is nobody's."""
        now = self._clock()
        token = self._current
        if token is None or now >= token.valid_until:
            return await self._shared_fetch()
        if now < token.fresh_until or now < self._not_before or self._flight is not None:
            return token
        try:
            return await self._shared_fetch()
        except FeishuError as error:
            self._not_before = max(self._not_before, self._clock() + COOLDOWN)
            log.warning("early refresh of the tenant_access_token failed, keeping the old one: %s", error)
            return token

    async def renew(self, rejected: Token) -> Token | None:
        """Another token than `rejected`, None if Feishu has no other to give.

        Any number of callers with the same rejected token cause one fetch.
        """
        if self._current is rejected:
            self._current = None
        token = self._current or await self._shared_fetch()
        return token if token.value != rejected.value else None

    def evict(self) -> None:
        """Forget the token; the next `get` asks for one."""
        self._current = None

    async def _shared_fetch(self) -> Token:
        while self._flight is not None:
            outcome = await asyncio.shield(self._flight)
            if isinstance(outcome, Token):
                return outcome
            if outcome is not None:
                raise outcome.with_traceback(None)
            # The one that was asking has been cancelled: the next in line asks.
        if self._refusal is not None and self._clock() < self._not_before:
            raise self._refusal.with_traceback(None)
        return await self._lead()

    async def _lead(self) -> Token:
        flight = self._flight = asyncio.get_running_loop().create_future()
        outcome: Token | FeishuError | None = None
        self._refusal = None
        try:
            value, expire = await self._fetch()
            outcome = self._current = Token.granted(value, expire, self._clock())
            return outcome
        except FeishuError as error:
            outcome = error
            self._believe(error)
            raise
        finally:
            self._flight = None
            flight.set_result(outcome)

    def _believe(self, error: FeishuError) -> None:
        # Without this a burst of messages with a wrong secret is a burst on the token endpoint.
        if isinstance(error, BadCredentials | AppUnavailable | RateLimited):
            self._refusal = error
            self._not_before = self._clock() + min(error.retry_after or COOLDOWN, LONGEST_COOLDOWN)
