"""What lies between a connector and its platform: this machine's clock, and the proxy."""

from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from yarl import URL

from ..gateway import proxy_for
from .checks import CheckOutcome, Fact, Finding

_MOST_SKEW = 60.0  # seconds


async def check_clock(
    session: aiohttp.ClientSession, base_url: str, asked: str | None, now: Callable[[], datetime]
) -> Finding:
    """This machine's clock against the platform's, by the Date of an answer (RFC 9110, 6.6.1).

    Args:
        session, base_url: How the platform is reached.
        asked: The connector's own proxy.
        now: This machine's time, aware.
    """
    before = now()
    try:
        headers = await _knock(session, base_url, proxy_for(base_url, asked))
        date = parsedate_to_datetime(headers.get("Date", ""))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return CheckOutcome.SKIPPED, {"reason": "no_date", "msg": type(error).__name__}
    if date.tzinfo is None:
        return CheckOutcome.SKIPPED, {"reason": "no_date"}
    local = before + (now() - before) / 2
    # The header is cut to whole seconds: on average it is half a second behind.
    ahead = round((local - date).total_seconds() - 0.5, 1)
    if abs(ahead) > _MOST_SKEW:
        return CheckOutcome.WARNING, {"reason": "skew", "ahead": ahead}
    return CheckOutcome.OK, {"ahead": ahead}


async def check_proxy(session: aiohttp.ClientSession, base_url: str, asked: str | None) -> Finding:
    """Whether a proxy is in use, whose wish that is, and whether the platform is reached through it.

    Args:
        session, base_url: How the platform is reached.
        asked: The connector's own proxy.
    """
    source = "environment" if asked is None else "connector"
    try:
        proxy = proxy_for(base_url, asked)
        shown = None if proxy is None else str(URL(proxy).origin())  # without user and password
    except ValueError:
        return CheckOutcome.PROBLEM, {"reason": "invalid", "source": source}
    if proxy is None:
        return CheckOutcome.OK, {"proxy": None}
    facts: dict[str, Fact] = {"proxy": shown, "source": source}
    try:
        await _knock(session, base_url, proxy)
    except (
        aiohttp.ClientProxyConnectionError,
        aiohttp.ClientConnectorDNSError,
    ):  # the proxy looks up the rest
        return CheckOutcome.PROBLEM, {"reason": "proxy_unreachable", **facts}
    except aiohttp.ClientHttpProxyError as error:
        return CheckOutcome.PROBLEM, {"reason": "proxy_refuses", "status": error.status, **facts}
    except (aiohttp.ClientError, OSError) as error:
        unreachable: dict[str, Fact] = {"reason": "platform_unreachable", "msg": type(error).__name__}
        return CheckOutcome.PROBLEM, {**unreachable, **facts}
    return CheckOutcome.OK, facts


async def _knock(session: aiohttp.ClientSession, base_url: str, proxy: str | None) -> Mapping[str, str]:
    """The headers of an answer of the platform's that no cache gives: a refusal, for want of a token."""
    url = URL(base_url).origin() / "open-apis/bot/v3/info"
    async with session.get(url, proxy=proxy, allow_redirects=False) as response:
        if proxy is not None and response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise aiohttp.ClientHttpProxyError(response.request_info, (), status=response.status)
        return response.headers
