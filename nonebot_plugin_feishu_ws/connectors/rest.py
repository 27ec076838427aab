"""A connector's REST client: its credentials, its platform, its proxy or the environment's."""

import aiohttp
from yarl import URL

from ..gateway import proxy_for
from ..openapi import FeishuClient, Pace
from .spec import ConnectorSpec


def rest_client(
    spec: ConnectorSpec,
    *,
    base_url: str,
    session: aiohttp.ClientSession,
    timeout: float = 15.0,
    pace: Pace | None = None,
) -> FeishuClient:
    """A client of its own, with a token of its own.

    Args:
        spec: The connector.
        base_url: The platform, for a connector that names none the default one.
        session: Used, not owned.
        timeout: Seconds for one request.
        pace: Orders the calls of this process.

    Raises:
        ValueError: The environment names a proxy that cannot be used.
    """
    asked = spec.proxy.get_secret_value() if spec.proxy else None
    return FeishuClient(
        spec.app_id,
        spec.app_secret.get_secret_value(),
        base_url=base_url,
        session=session,
        proxy=proxy_for(URL(base_url), asked),
        timeout=timeout,
        pace=pace,
    )
