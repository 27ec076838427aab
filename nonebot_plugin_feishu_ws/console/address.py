"""Where people find the console, and the links that sign them in."""

import ipaddress
from urllib.parse import urlsplit

from nonebot.drivers import Driver

from ..config import Settings
from ..runtime import Management
from .auth.sessions import Identity, Sessions

PAGES = "/feishu/console"


def address_of(settings: Settings, driver: Driver) -> str | None:
    """What the console's addresses begin with; None: there is none.

    Args:
        settings: `console_url` is taken as it is.
        driver: NoneBot's; by default its host and port, or this machine's name for itself where it listens to all.
    """
    if not settings.console:
        return None
    if settings.console_url:
        return settings.console_url
    if driver.type.partition("+")[0] != "fastapi":
        return None
    host = ipaddress.ip_address(str(driver.config.host))
    if host.is_unspecified:
        host = ipaddress.ip_address("127.0.0.1")
    return f"http://{f'[{host}]' if host.version == 6 else host}:{driver.config.port}"


async def invite(management: Management, identity: Identity) -> str:
    """A link that signs somebody in, once; for their eyes only.

    Raises:
        DatabaseUnavailable: None was made.
    """
    assert management.console_url is not None, "there is a console"
    code = await Sessions(management.database, management.clock).link(identity)
    return f"{management.console_url}{PAGES}/sign-in#{code}"


def opens_here_alone(url: str) -> bool:
    """Whether an address means this machine, wherever it is opened."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
