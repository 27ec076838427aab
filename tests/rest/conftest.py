"""A bot on a sandbox, its REST interface served over HTTP, and people who call it with tokens of several kinds."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from serving import serving

from feishu_sandbox import App, Rules, Sandbox

TOKEN = "canary-api-token-6f1c9b2e7d3a4580"
SECRET = "canary-jwt-secret-9d4e1f7a2b6c3058-of-now"
OLD_SECRET = "canary-jwt-secret-0a8b7c6d5e4f3921-of-before"
PREFIX = "/api/integrations/feishu"


def claims(sub: str = "ou_owner", role: str = "owner", **more: Any) -> dict[str, Any]:
    """What a JWT says; None takes a claim away."""
    usual = {"sub": sub, "role": role, "aud": "feishu-ws", "exp": int(time.time()) + 600, **more}
    return {name: value for name, value in usual.items() if value is not None}


def signed(secret: str = SECRET, **said: Any) -> str:
    return jwt.encode(claims(**said), secret, "HS256")


@dataclass
class Answer:
    """What came back."""

    status: int
    kind: str
    headers: Any
    text: str
    json: Any = None

    @property
    def code(self) -> str:
        """Of a problem."""
        assert self.kind == "application/problem+json", self.text
        assert self.json["status"] == self.status
        return self.json["type"].removeprefix("urn:feishu-ws:")


@dataclass
class Api:
    """The interface, from outside."""

    url: str
    runtime: Any
    sandbox: Sandbox
    http: aiohttp.ClientSession
    app: Any
    seen: list[str] = field(default_factory=list)
    """Every answer, headers and all."""
    _count: Any = field(default_factory=count)

    async def call(
        self, method: str, path: str, token: str | None = TOKEN, json: Any = None, **more: Any
    ) -> Answer:
        number = next(self._count)
        # As a proxy on this machine says it: everybody calls from somewhere else.
        elsewhere = {"X-Forwarded-For": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
        headers = {"Accept-Language": "en", **elsewhere, **more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = self.url + (path if path.startswith("/") else f"{PREFIX}/{path}".rstrip("/"))
        async with self.http.request(method, url, headers=headers, json=json, **more) as response:
            text = await response.text()
            kind = response.headers.get("Content-Type", "")
            parsed = await response.json(content_type=None) if "json" in kind else None
            self.seen.append(f"{response.raw_headers} {text}")
            return Answer(response.status, kind, response.headers, text, parsed)

    async def connector(self, **fields: Any) -> tuple[str, App]:
        """A connector of `ou_owner`'s that Feishu would accept, and its app."""
        name = f"c{next(self._count)}"
        app = self.sandbox.world.add_app(name)
        given = {
            "name": name,
            "app_id": app.app_id,
            "app_secret": app.app_secret,
            "owner": "ou_owner",
            **fields,
        }
        assert (await self.call("POST", "", json=given)).status == 201
        return name, app

    async def enabled(self, **fields: Any) -> tuple[str, App]:
        """One that is connected."""
        name, app = await self.connector(**fields)
        assert (await self.call("POST", f"{name}/verify-callback")).status == 200
        assert (await self.call("PATCH", f"{name}/enable", json={"enabled": True})).status == 200
        await self.sandbox.hub.wait_connected(app, timeout=15)
        return name, app

    async def asked(self, app: App, tool: str = "deploy") -> str:
        """An approval of a connector's that waits; its id."""
        from nonebot_plugin_feishu_ws.butler.approvals import Question, Questions, hash_of

        management, number = self.runtime.management, next(self._count)
        questions = Questions(management.approvals_share, management.clock, timedelta(hours=1))
        arguments = '{"service":"web"}'
        question = Question(
            *(app.app_id, "oc_1", None, f"om_{number}", f"ev_{number}", "0", "ou_asker"),
            *(tool, arguments, hash_of(tool, arguments), "", ("oc_1",)),
        )

        async def nothing(_session: Any, _row: Any) -> None: ...

        row, _ = await questions.ask(question, nothing)
        return row.id

    async def log(self, action: str, **detail: Any) -> list[Any]:
        """Rows of the log, newest first."""
        await self.runtime.management.logbook.flush()
        page = await self.runtime.management.logbook.read(limit=500)
        return [
            row for row in page.entries if row.action == action and detail.items() <= dict(row.detail).items()
        ]


@contextlib.asynccontextmanager
async def served(settings: dict[str, Any], data: Path, sandbox: Sandbox) -> AsyncIterator[Api]:
    async with serving(settings, data, sandbox) as bot, aiohttp.ClientSession() as http:
        yield Api(bot.url, bot.runtime, sandbox, http, bot.app)


Serve = Callable[..., AbstractAsyncContextManager[Api]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    return served


@pytest.fixture(scope="session")
def jwt_of() -> Callable[..., str]:
    return signed


@pytest.fixture(scope="session")
def keys() -> dict[str, Any]:
    return {"api_token": TOKEN, "jwt_secret": f"{SECRET},{OLD_SECRET}"}


@pytest.fixture(scope="module")
async def api(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Any]) -> AsyncIterator[Api]:
    """One for a whole module."""
    async with (
        Sandbox(rules=Rules(sends_per_second=1000)) as sandbox,
        served(keys, tmp_path_factory.mktemp("rest"), sandbox) as api,
    ):
        yield api
