"""The ways into a connector: long connections, or a webhook."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from ..gateway import (
    Ack,
    BootstrapPacer,
    Credentials,
    GatewayError,
    Inbound,
    Keys,
    LongConnection,
    Nonces,
    ReconnectPolicy,
    Status,
    Webhook,
)
from ..openapi import Pace
from .spec import ConnectorSpec


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the links of one process share.

    Attributes:
        connections: Of each link; Feishu allows 50 per app, over all processes (feishu-facts.md, Platform rules).
        pace: Orders the REST calls of all of them.
        nonces: What requests to webhooks were signed with.
        unserved: Why nothing can be posted to this process; None if it can.
    """

    session: aiohttp.ClientSession
    pacer: BootstrapPacer
    policy: ReconnectPolicy
    default_url: str
    nonces: Nonces
    connections: int = 1
    pace: Pace | None = None
    unserved: GatewayError | None = None


class WayIn(Protocol):
    """Brings events, from `start()` to `stop()`."""

    @property
    def status(self) -> Status: ...
    def start(self) -> None: ...
    async def stop(self) -> None: ...


def ways_into(
    spec: ConnectorSpec,
    around: Surroundings,
    keys: Callable[[], Keys],
    handler: Callable[[Inbound], Awaitable[Ack]],
    on_status: Callable[[Status], None],
) -> tuple[WayIn, ...]:
    """Those its transport asks for, not started.

    Args:
        spec: The connector.
        around: What it shares with the others.
        keys: Those of its webhook, as they are now.
        handler: As of `LongConnection`.
        on_status: The same.
    """
    if spec.transport == "webhook":
        unserved, nonces = around.unserved, around.nonces
        return (Webhook(spec.app_id, keys, handler, nonces, unserved=unserved, on_status=on_status),)
    return tuple(
        LongConnection(
            Credentials(spec.app_id, spec.app_secret.get_secret_value()),
            spec.domain or around.default_url,
            handler,
            session=around.session,
            proxy=spec.proxy.get_secret_value() if spec.proxy else None,
            policy=around.policy,
            pacer=around.pacer,
            on_status=on_status,
        )
        for _ in range(around.connections)
    )
