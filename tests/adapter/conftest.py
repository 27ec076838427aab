"""A Feishu that answers what a test tells it to, bots of ours on it, and the payloads.

The plugin is imported inside the fixtures: pytest reads this file before the plugin is loaded.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import nonebot
import pytest
from aiohttp import web

if TYPE_CHECKING:
    from nonebot_plugin_feishu_ws.adapter import Bot
    from nonebot_plugin_feishu_ws.openapi import BotInfo, FeishuClient

PAYLOADS = Path(__file__).parent / "payloads"


@pytest.fixture(scope="session")
def payload() -> Callable[[str], dict[str, Any]]:
    return lambda name: json.loads((PAYLOADS / f"{name}.json").read_text())


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class Platform:
    """Records the calls; answers from the queue of a path, else with success."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=lambda: defaultdict(list))
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, path: str, body: Any, status: int = 200) -> None:
        self.answers[path].append((status, body))

    def refuse(self, path: str, code: int, msg: str = "no", status: int = 400) -> None:
        self.answer(path, {"code": code, "msg": msg, "error": {"log_id": "log-1"}}, status)

    @property
    def paths(self) -> list[str]:
        return [f"{call.method} {call.path}" for call in self.calls]

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/open-apis/")
        if path.startswith("auth/"):
            return web.json_response({"code": 0, "msg": "ok", "tenant_access_token": "t-1", "expire": 7200})
        assert request.headers["Authorization"] == "Bearer t-1"
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            body: Any = {
                name: value.file.read() if isinstance(value, web.FileField) else value
                for name, value in form.items()
            }
        else:
            body = json.loads(await request.read() or "null")
        self.calls.append(Call(request.method, path, dict(request.query), body))
        self.arrived.set()
        if self.gate:
            await self.gate.wait()
        status, answer = (
            self.answers[path].pop(0) if self.answers[path] else (200, {"code": 0, "msg": "", "data": {}})
        )
        if isinstance(answer, bytes):
            return web.Response(body=answer, content_type="application/octet-stream", status=status)
        return web.json_response(answer, status=status)


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", platform.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    platform.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield platform
    if platform.gate:
        platform.gate.set()
    await runner.cleanup()


@pytest.fixture
async def client(platform: Platform) -> AsyncIterator[FeishuClient]:
    from nonebot_plugin_feishu_ws.openapi import FeishuClient

    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield FeishuClient("cli_x", "secret-x", base_url=platform.url, session=session)


@asynccontextmanager
async def connected(client: FeishuClient, identity: BotInfo) -> AsyncIterator[Bot]:
    from nonebot_plugin_feishu_ws.adapter import Bot, ensure_adapter

    adapter = ensure_adapter(nonebot.get_driver())
    bot = Bot(adapter, client.app_id, client=client, identity=identity, connector="test")
    adapter.bot_connect(bot)
    try:
        yield bot
    finally:
        adapter.bot_disconnect(bot)


@pytest.fixture
async def bot(client: FeishuClient) -> AsyncIterator[Bot]:
    from nonebot_plugin_feishu_ws.openapi import BotInfo

    async with connected(client, BotInfo(open_id="ou_bot", app_name="助手")) as bot:
        yield bot


@pytest.fixture
def message_event() -> Callable[..., Any]:
    """Build a message event: every one has ids of its own."""
    from nonebot_plugin_feishu_ws.adapter import parse_event

    numbers = itertools.count()

    def build(
        content: Any = "hi",
        *,
        message_type: str = "text",
        chat_type: str = "group",
        mentions: list[dict[str, Any]] | None = None,
        sender: str = "ou_sender",
        **more: Any,
    ) -> Any:
        content = {"text": content} if isinstance(content, str) else content
        message = {
            "message_id": f"om_{id(numbers)}_{next(numbers)}",
            "chat_id": "oc_chat",
            "chat_type": chat_type,
            "message_type": message_type,
            "content": json.dumps(content),
            "create_time": "1700000000000",
            "mentions": mentions,
            **more,
        }
        body = {"sender": {"sender_id": {"open_id": sender}, "sender_type": "user"}, "message": message}
        header = {"event_id": message["message_id"], "event_type": "im.message.receive_v1"}
        return parse_event({"schema": "2.0", "header": header, "event": body}, app_id="cli_x")

    return build


@pytest.fixture
def mention() -> Callable[..., dict[str, Any]]:
    def build(number: int = 1, open_id: str = "ou_bot", name: str = "助手") -> dict[str, Any]:
        return {"key": f"@_user_{number}", "id": {"open_id": open_id}, "name": name, "tenant_key": "t"}

    return build


@pytest.fixture
def matchers() -> Iterator[Callable[[type], type]]:
    """Matchers given to it are gone after the test."""
    made: list[Any] = []

    def keep(matcher: Any) -> Any:
        made.append(matcher)
        return matcher

    yield keep
    for matcher in made:
        matcher.destroy()
