"""A platform that answers whatever a test tells it to, on a real socket."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

if TYPE_CHECKING:
    from nonebot_plugin_feishu_ws.openapi import FeishuClient

TOKEN_PATH = "/open-apis/auth/v3/tenant_access_token/internal"
APP_ID = "cli_a1b2c3d4e5f60001"
SECRET = "canary-app-secret-7f3a"


@dataclass
class Call:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


Reply = Callable[[web.Request, Call], Awaitable[web.StreamResponse]]


def ok(data: Any = None, **top: Any) -> web.Response:
    return web.json_response({"code": 0, "msg": "success", "data": {} if data is None else data, **top})


def refusal(
    code: int, msg: str = "no", *, status: int = 400, headers: Any = None, **top: Any
) -> web.Response:
    return web.json_response({"code": code, "msg": msg, **top}, status=status, headers=headers)


@dataclass
class Platform:
    """`reply` answers API calls, `grant` token requests; `revoked` tokens get `refuse_with`."""

    calls: list[Call] = field(default_factory=list)
    grants: list[Call] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    refuse_with: tuple[int, int] = (99991663, 400)
    expire: float = 7200
    token: str = "t-canary-token-1"
    reply: Reply | None = None
    grant: Reply | None = None
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            request.method,
            request.raw_path.partition("?")[0],
            dict(request.query),
            dict(request.headers),
            await request.read(),
        )
        if request.path == TOKEN_PATH:
            self.grants.append(call)
            if self.grant is not None:
                return await self.grant(request, call)
            return web.json_response(
                {"code": 0, "msg": "ok", "tenant_access_token": self.token, "expire": self.expire}
            )
        self.calls.append(call)
        if call.token in self.revoked:
            code, status = self.refuse_with
            return refusal(code, "Invalid access token for authorization", status=status)
        if self.reply is not None:
            return await self.reply(request, call)
        return ok()

    def always(self, make: Callable[[], web.StreamResponse]) -> None:
        async def reply(_: web.Request, __: Call) -> web.StreamResponse:
            return make()

        self.reply = reply


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    state = Platform()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", state.handle)
    async with TestServer(app, host="127.0.0.1", port=0) as server:
        state.url = str(server.make_url("")).rstrip("/")
        yield state


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def make_client(platform: Platform, session: aiohttp.ClientSession) -> "Callable[..., FeishuClient]":
    # Not at the top: pytest reads this file before NoneBot has loaded the plugin.
    from nonebot_plugin_feishu_ws.openapi import FeishuClient

    def make(**options: Any) -> "FeishuClient":
        arguments = {"base_url": platform.url, "session": session, "timeout": 5.0, **options}
        return FeishuClient(arguments.pop("app_id", APP_ID), arguments.pop("app_secret", SECRET), **arguments)

    return make


@pytest.fixture
def client(make_client: "Callable[..., FeishuClient]") -> "FeishuClient":
    return make_client()


@pytest.fixture
def answers() -> Any:
    """The makers of answers, for test modules (which cannot import from here)."""

    class Answers:
        ok = staticmethod(ok)
        refusal = staticmethod(refusal)
        app_id = APP_ID
        secret = SECRET

    return Answers
