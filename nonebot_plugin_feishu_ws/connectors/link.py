"""One connector at work: its REST client, its identity on the platform, its long connections."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from ..gateway import (
    Ack,
    BootstrapPacer,
    Credentials,
    Inbound,
    LongConnection,
    ReconnectPolicy,
    State,
    Status,
)
from ..openapi import BotInfo, FeishuError, Pace
from .rest import rest_client
from .spec import ConnectorSpec
from .standing import Standing, together

logger = logging.getLogger("nonebot_plugin_feishu_ws.connectors")

_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0  # seconds between two tries to learn who the bot is
_NOT_TRYING = (State.BLOCKED, State.RECONNECTING, State.DISCONNECTED)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the links of one process share.

    Attributes:
        connections: Of each link; Feishu allows 50 per app, over all processes (feishu-facts.md, Platform rules).
        pace: Orders the REST calls of all of them.
    """

    session: aiohttp.ClientSession
    pacer: BootstrapPacer
    policy: ReconnectPolicy
    default_url: str
    connections: int = 1
    pace: Pace | None = None


class LinkStopped(Exception):
    """A connector was stopped while somebody waited for it."""


class Link:
    """Runs one connector until it is stopped.

    The sockets and the identity (`bot/v3/info`, needed to tell who is mentioned) are sought side by side: what arrives
    before the identity is known is stored and acked, and only its dispatch waits.

    Args:
        spec: The connector.
        around: What it shares with the others.
        handler: Answers every complete data frame, see `gateway.Handler`.
        on_status: Told every change of state of one of its connections; `status` is that of all.
    """

    def __init__(
        self,
        spec: ConnectorSpec,
        around: Surroundings,
        handler: Callable[["Link", Inbound], Awaitable[Ack]],
        on_status: Callable[["Link", Status], None],
    ) -> None:
        self.spec = spec
        self.base_url = spec.domain or around.default_url
        self.client = rest_client(spec, base_url=self.base_url, session=around.session, pace=around.pace)
        self._connections = tuple(
            LongConnection(
                Credentials(spec.app_id, spec.app_secret.get_secret_value()),
                self.base_url,
                lambda inbound: handler(self, inbound),
                session=around.session,
                proxy=spec.proxy.get_secret_value() if spec.proxy else None,
                policy=around.policy,
                pacer=around.pacer,
                on_status=lambda status: on_status(self, status),
            )
            for _ in range(around.connections)
        )
        self._identity: asyncio.Future[BotInfo] = asyncio.get_running_loop().create_future()
        self._seeker: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def status(self) -> Standing:
        """How its connections are doing now, taken together."""
        return together([Standing.of(connection.status) for connection in self._connections])

    @property
    def idle(self) -> bool:
        """Whether one of its connections has given up, or waits for the time of its next try."""
        return any(connection.status.state in _NOT_TRYING for connection in self._connections)

    def start(self) -> None:
        """Connect in the background. Idempotent."""
        if self._seeker is None:
            self._seeker = asyncio.create_task(
                self._seek_identity(), name=f"feishu identity {self.spec.name}"
            )
            for connection in self._connections:
                connection.start()

    async def stop(self) -> None:
        """Close the connections and end everything that was started. Idempotent; a stopped link stays stopped."""
        self._stopped = True
        if self._seeker is not None:
            self._seeker.cancel()
            await asyncio.gather(self._seeker, return_exceptions=True)
            self._seeker = None
        self._identity.cancel()
        await asyncio.gather(*(connection.stop() for connection in self._connections))

    async def identity(self) -> BotInfo:
        """Who the bot is; waits until the platform has said so.

        Raises:
            LinkStopped: The link was stopped, whether it was known or not: nobody may act in its name any more.
        """
        await asyncio.wait([self._identity])
        if self._stopped:
            raise LinkStopped(f"connector {self.spec.name} was stopped")
        return self._identity.result()

    async def _seek_identity(self) -> None:
        delay = _FIRST_RETRY
        while True:
            try:
                info = await self.client.bot_info()
            except FeishuError as error:
                logger.warning(
                    "%s: bot info is not to be had, next try in %.0f s: %s", self.spec.name, delay, error
                )
            else:
                self._identity.set_result(info)
                return
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
            delay = min(delay * 2, _LAST_RETRY)
