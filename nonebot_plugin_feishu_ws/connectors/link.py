"""One connector at work: its REST client, its identity on the platform, the ways its events come in."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from ..gateway import Ack, Inbound, Keys, Response, State, Status, Webhook
from ..openapi import BotInfo, FeishuError
from ..telemetry import about_connector
from .rest import rest_client
from .spec import ConnectorSpec
from .standing import Standing, together
from .ways import Surroundings, WayIn, ways_into

logger = logging.getLogger("nonebot_plugin_feishu_ws.connectors")

_FIRST_RETRY, _LAST_RETRY = 1.0, 60.0  # seconds between two tries to learn who the bot is
_NOT_TRYING = (State.BLOCKED, State.RECONNECTING, State.DISCONNECTED)


class LinkStopped(Exception):
    """A connector was stopped while somebody waited for it."""


class Link:
    """Runs one connector until it is stopped.

    The ways in and the identity (`bot/v3/info`, needed to tell who is mentioned) are sought side by side: what arrives
    before the identity is known is stored and acked, and only its dispatch waits.

    When the transport changes, the old ways stay open until the first event has come by the new one, whenever Feishu is
    told to take that: nothing is lost in between, and what comes by both is taken once (see `Inbox`).

    Args:
        spec: The connector.
        around: What it shares with the others.
        handler: Answers every event and callback, see `gateway.Handler`.
        on_status: Told every change of state of one of its ways in; `status` is that of all.
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
        self._around = around
        self._handler = handler
        self._on_status = on_status
        self._ways = self._opened()
        self._former: tuple[WayIn, ...] = ()
        self._closing: set[asyncio.Future[list[None]]] = set()
        self._told: tuple[list[Status], list[Status]] = [], []
        self._standing = Standing()  # of what was told
        self._identity: asyncio.Future[BotInfo] = asyncio.get_running_loop().create_future()
        self._seeker: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def status(self) -> Standing:
        """How its ways in are doing now, taken together; of the former ones only the open connections count."""
        told = [way.status for way in self._ways], [way.status for way in self._former]
        if told != self._told:
            standing = together([Standing.of(status) for status in told[0]])
            former = sum(Standing.of(status).connections for status in told[1])
            self._standing = replace(standing, connections=standing.connections + former)
            self._told = told
        return self._standing

    @property
    def idle(self) -> bool:
        """Whether one of its ways in has given up, or waits for the time of its next try."""
        return any(way.status.state in _NOT_TRYING for way in self._ways)

    @property
    def stopped(self) -> bool:
        """Whether it has been, or is being, stopped."""
        return self._stopped

    def start(self) -> None:
        """Open the ways in, in the background. Idempotent."""
        if self._seeker is None:
            with about_connector(self.spec.name):
                self._seeker = asyncio.create_task(
                    self._seek_identity(), name=f"feishu identity {self.spec.name}"
                )
                for way in self._ways:
                    way.start()

    def change(self, spec: ConnectorSpec) -> None:
        """Go on as another record says; what is in it about credentials and addresses must be as it was."""
        turned = spec.transport != self.spec.transport
        self.spec = spec
        if turned:
            self._ways, self._former = self._former or self._opened(), self._ways
            if self._seeker is not None:
                with about_connector(spec.name):
                    for way in self._ways:
                        way.start()

    async def request(self, headers: Mapping[str, str], body: bytes) -> Response | None:
        """Answer what was posted to the connector's webhook, see `Webhook.receive`; None if it has none."""
        for way in (*self._ways, *self._former):
            if isinstance(way, Webhook):
                return await way.receive(headers, body)
        return None

    async def stop(self) -> None:
        """Close the ways in and end everything that was started. Idempotent; a stopped link stays stopped."""
        self._stopped = True
        if self._seeker is not None:
            self._seeker.cancel()
            await asyncio.gather(self._seeker, return_exceptions=True)
            self._seeker = None
        self._identity.cancel()
        await asyncio.gather(*(way.stop() for way in (*self._ways, *self._former)), *self._closing)

    def _opened(self) -> tuple[WayIn, ...]:
        return ways_into(
            self.spec,
            self._around,
            lambda: _keys(self.spec),
            partial(self._received, self.spec.transport),
            lambda status: self._on_status(self, status),
        )

    async def _received(self, transport: str, inbound: Inbound) -> Ack:
        if self._former and transport == self.spec.transport:
            former, self._former = self._former, ()
            closing = asyncio.gather(*(way.stop() for way in former))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        return await self._handler(self, inbound)

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


def _keys(spec: ConnectorSpec) -> Keys:
    encrypt_key, token = spec.encrypt_key, spec.verification_token
    return Keys(
        encrypt_key.get_secret_value() if encrypt_key else None, token.get_secret_value() if token else None
    )
