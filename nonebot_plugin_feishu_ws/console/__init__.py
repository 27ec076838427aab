"""What is served over HTTP where the driver is FastAPI: REST, the console's pages, probes.

FastAPI comes with the driver (`nonebot2[fastapi]`) and is no dependency of this plugin: nothing here imports it before
it is known to be there.
"""

from nonebot.drivers import Driver

from ..config import Settings
from ..runtime import Runtime
from . import probes
from .address import address_of, invite, opens_here_alone
from .auth.sessions import Identity

__all__ = ["Identity", "install", "invite", "opens_here_alone"]


def install(runtime: Runtime, settings: Settings, driver: Driver) -> None:
    """Mount everything on the driver's app. With another driver, or where `FEISHU_WS__CONSOLE` is false, the probes
    alone.

    Args:
        runtime: What is looked at and managed; it need not have started.
        settings: As loaded.
        driver: NoneBot's.
    """
    probes.mount(runtime, settings, driver)
    runtime.management.console_url = address_of(settings, driver)
    if not settings.console or driver.type.partition("+")[0] != "fastapi":
        return
    from nonebot.drivers.fastapi import Driver as FastAPIDriver

    from .mounting import mount

    if isinstance(driver, FastAPIDriver):  # somebody else's of that name need not have an app
        mount(driver.server_app, runtime, settings)
