"""What is served over HTTP where the driver is FastAPI: REST, the console's pages, probes.

FastAPI comes with the driver (`nonebot2[fastapi]`) and is no dependency of this plugin: nothing here imports it before
it is known to be there.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from nonebot.drivers import Driver

from ..config import Settings
from ..runtime import Runtime
from . import probes
from .address import address_of, invite, opens_here_alone
from .auth.sessions import Identity

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Identity", "install", "invite", "opens_here_alone"]


def install(runtime: Runtime, settings: Settings, driver: Driver) -> Callable[[], Awaitable[None]]:
    """Mount everything on the driver's app. With another driver, or where `FEISHU_WS__CONSOLE` is false, the probes
    alone. Called once, while the plugin loads.

    Args:
        runtime: What is looked at and managed; it need not have started.
        settings: As loaded.
        driver: NoneBot's.

    Returns:
        Adds REST and pages, as if they had been there since this call; for the start-up. A shell has no use for them.
    """
    probes.mount(runtime, settings, driver)
    runtime.management.console_url = address_of(settings, driver)
    app = _app_of(driver) if settings.console else None
    place = 0 if app is None else len(app.router.routes)

    async def add() -> None:
        if app is not None:
            from .mounting import mount  # 0.1 s and 6 MiB

            mount(app, place, runtime, settings)

    return add


def _app_of(driver: Driver) -> "FastAPI | None":
    if driver.type.partition("+")[0] != "fastapi":
        return None
    from nonebot.drivers.fastapi import Driver as FastAPIDriver

    # Somebody else's of that name need not have an app.
    return driver.server_app if isinstance(driver, FastAPIDriver) else None
