"""A whole local Feishu on one port."""

import ipaddress
from typing import Literal, Self

from aiohttp import web

from .api import Gateway, Limits, Platform, SentOnce, Tokens, add_routes
from .control import Control
from .faults import Faults, InvalidateTokens
from .longconn import Endpoint, Hub
from .posts import Posts
from .registration import Registrations
from .rules import Rules
from .world import App, World

_NO_PAGE = (
    "飞书沙盒正在运行；聊天页面需要安装 sandbox 扩展：pip install 'nonebot-plugin-feishu-ws[sandbox]'\n"
    "The sandbox is running; its chat page needs: pip install 'nonebot-plugin-feishu-ws[sandbox]'\n"
)


class Sandbox:
    """Starts and stops the server; an async context manager.

    ``host`` other than a loopback address opens the sandbox, which trusts everybody, to the network: the
    caller must have asked for that. ``port`` 0 takes a free one. ``world``, ``faults`` and ``hub`` are usable
    before the start.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rules: Rules | None = None,
        locale: Literal["zh_CN", "en_US"] = "zh_CN",
    ) -> None:
        self.rules = rules or Rules()
        self.locale = locale
        self.world = World(self.rules)
        self.faults = Faults()
        self.tokens = Tokens(self.rules)
        self.posts = Posts(self.faults, self.rules)
        self.hub = Hub(self.world, self.faults, self.rules, self.posts)
        self.registrations = Registrations(self.world, self.rules)
        self.faults.performs(InvalidateTokens, lambda action: self.tokens.invalidate(action.app_id))
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The platform's base URL; the chat page is at its root."""
        host = self._host
        try:
            if ipaddress.ip_address(host).is_unspecified:
                host = "127.0.0.1"
        except ValueError:
            pass
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    def online(self, app: App) -> int:
        """How many long connections of an app are open."""
        return len(self.hub.online(app))

    async def start(self) -> None:
        """Bind and serve. Raises OSError if the port is taken, RuntimeError if already started."""
        if self._runner is not None:
            raise RuntimeError("the sandbox is already started")
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._runner = runner
        site = web.TCPSite(runner, self._host, self._port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """End every connection and release the port; a stopped sandbox can be started again."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await self.hub.close()
            await self.posts.close()
            self.world.feed.close()
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _application(self) -> web.Application:
        platform = Platform(
            world=self.world,
            rules=self.rules,
            tokens=self.tokens,
            limits=Limits(self.rules),
            sent=SentOnce(self.rules),
            online=self.online,
        )
        gateway = Gateway(platform, self.faults)
        app = web.Application(middlewares=[gateway.middleware], client_max_size=40 * 2**20)
        add_routes(gateway, app)
        Endpoint(self.world, self.hub, self.faults, self.rules).add_routes(app)
        self.registrations.add_routes(app)
        Control(self.world, self.faults, self.posts).add_routes(app)
        self._attach_page(app)
        return app

    def _attach_page(self, app: web.Application) -> None:
        try:
            from .page import attach  # needs jinja2, which the platform itself does not
        except ModuleNotFoundError as missing:
            if str(missing.name).startswith("feishu_sandbox"):
                raise

            async def explain(request: web.Request) -> web.Response:  # noqa: ARG001
                return web.Response(text=_NO_PAGE)

            app.router.add_get("/", explain)
        else:
            attach(app, self)
