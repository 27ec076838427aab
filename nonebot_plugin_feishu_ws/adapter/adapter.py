"""The adapter our bots live on: our own, or the stock one where that is registered."""

from collections.abc import Awaitable, Callable
from typing import Any

import nonebot
from nonebot.adapters import Bot as BaseBot
from nonebot.adapters import feishu as stock
from nonebot.adapters.feishu import log
from nonebot.drivers import Driver, HTTPClientMixin, Request, Response
from nonebot.drivers.aiohttp import Mixin as AiohttpClient
from typing_extensions import override

from .bot import Bot

_UNSERVED = (
    "FEISHU_BOTS is set, but the stock Feishu adapter is not registered, so these bots stay offline. "
    "Register it in bot.py before the plugins are loaded: "
    "driver.register_adapter(nonebot.adapters.feishu.Adapter). Registering it later has no effect."
)


class Adapter(stock.Adapter):
    """The stock adapter's name and interface, for bots of this plugin only.

    It needs nothing of the driver and starts nothing: connections are the connectors' business.
    """

    @override
    def setup(self) -> None:
        if self.feishu_config.feishu_bots:
            log("WARNING", _UNSERVED)

    @override
    async def request(self, setup: Request) -> Response:
        """An HTTP request for plugins (Alconna fetches pictures so), also where the driver has no client."""
        if isinstance(self.driver, HTTPClientMixin):
            return await super().request(setup)
        return await AiohttpClient().request(setup)

    @override
    async def _call_api(self, bot: BaseBot, api: str, **data: Any) -> Any:
        if isinstance(bot, Bot):
            return await bot.perform(api, data)
        return await super()._call_api(bot, api, **data)


class _SharedCallApi:
    """`_call_api` of a stock adapter that also hosts bots of ours."""

    def __init__(self, stock_call: Callable[..., Awaitable[Any]]) -> None:
        self._stock_call = stock_call

    async def __call__(self, bot: BaseBot, api: str, **data: Any) -> Any:
        if isinstance(bot, Bot):
            return await bot.perform(api, data)
        return await self._stock_call(bot, api, **data)


def ensure_adapter(driver: Driver) -> stock.Adapter:
    """The registered adapter named "Feishu", which our bots go on; ours is registered if there is none.

    NoneBot keeps one adapter per name. Where the stock one came first it hosts our bots beside its own.
    Idempotent.

    Raises:
        RuntimeError: an adapter of that name is registered that is not the stock one's kind.
    """
    name = Adapter.get_name()
    if name not in nonebot.get_adapters():
        driver.register_adapter(Adapter)  # pyright: ignore[reportUnknownMemberType] (its **kwargs are not annotated)
    host = nonebot.get_adapters()[name]
    if not isinstance(host, stock.Adapter):
        raise RuntimeError(
            f"the adapter registered as {name!r} is not nonebot.adapters.feishu's, but {type(host)!r}"
        )
    if not isinstance(host, Adapter):
        # On the instance: hooks run before it is asked, and nonebug patches the same attribute.
        stock_call = getattr(host, "_call_api")  # noqa: B009 (private, and NoneBot's extension point)
        if not isinstance(stock_call, _SharedCallApi):
            setattr(host, "_call_api", _SharedCallApi(stock_call))  # noqa: B010
    return host
