"""A bot on a sandbox, its console served over HTTP, and people who use it: in a browser, and by hand."""

import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from browsing import window
from pydantic import SecretStr
from serving import serving

from feishu_sandbox import App, Rules, Sandbox

__all__ = ["window"]

TOKEN = "canary-api-token-6f1c9b2e7d3a4580"
ROOT = "/feishu/console"
_CSRF = re.compile(r'name="csrf" value="([0-9a-f]{64})"')


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    text: str
    where: str = ""


@dataclass
class Person:
    """Somebody without a browser, who can send what a browser would not."""

    url: str
    http: aiohttp.ClientSession
    address: str

    async def send(
        self, method: str, path: str, data: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        usual = {"X-Forwarded-For": self.address, "Accept-Language": "en"}
        if method == "POST":
            usual["Sec-Fetch-Site"] = "same-origin"
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**usual, **given}.items() if value}
        async with self.http.request(
            method, self.url + ROOT + path, data=data, headers=sent, allow_redirects=False
        ) as response:
            text = await response.text()
            where = response.headers.get("Location", "").removeprefix(ROOT)
            return Answer(response.status, response.headers, text, where)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.send("GET", path, **headers)

    async def post(self, path: str, data: dict[str, str] | None = None, **headers: str) -> Answer:
        """As a form of the console does."""
        return await self.send("POST", path, {"csrf": await self.csrf(), **(data or {})}, **headers)

    async def csrf(self) -> str:
        found = _CSRF.search((await self.get("/account")).text)
        return found[1] if found else ""

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.http.cookie_jar}


@dataclass
class Site:
    """The console, from outside."""

    url: str
    runtime: Any
    sandbox: Sandbox
    app: Any
    people: list[Person] = field(default_factory=list)
    _count: Any = field(default_factory=count)

    @property
    def service(self) -> Any:
        return self.runtime.management.service

    @property
    def root(self) -> Any:
        from nonebot_plugin_feishu_ws.connectors import Actor

        return Actor("ou_admin", "shell", superuser=True)

    def stranger(self) -> Person:
        """Somebody new, from an address of their own."""
        number = next(self._count)
        http = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        person = Person(self.url, http, f"10.9.{number >> 8}.{number & 255}")
        self.people.append(person)
        return person

    async def link(self, who: str = "ou_admin", origin: str = "chat", app_id: str | None = None) -> str:
        """What a link carries that signs somebody in."""
        from nonebot_plugin_feishu_ws.console.auth.sessions import Identity, Sessions
        from nonebot_plugin_feishu_ws.storage import SessionOrigin

        management = self.runtime.management
        sessions = Sessions(management.database, management.clock)
        return await sessions.link(Identity(SessionOrigin(origin), who, app_id))

    async def signed_in(self, who: str = "ou_admin", **more: Any) -> Person:
        person = self.stranger()
        answer = await person.send("POST", "/sign-in", {"link": await self.link(who, **more)})
        assert answer.status == 303, answer.text
        return person

    async def connector(self, name: str = "", *, verified: bool = False, **fields: Any) -> tuple[str, App]:
        """A connector of an app that is there."""
        name = name or f"c{next(self._count)}"
        app = self.sandbox.world.add_app(name)
        secret = SecretStr(app.app_secret)
        await self.service.create(
            self.root, {"name": name, "app_id": app.app_id, "app_secret": secret, **fields}
        )
        if verified:
            await self.service.verify(self.root, name)
        return name, app

    async def enabled(self, name: str = "", **fields: Any) -> tuple[str, App]:
        """One that is connected."""
        name, app = await self.connector(name, verified=True, **fields)
        await self.service.set_enabled(self.root, name, True)
        await self.sandbox.hub.wait_connected(app, timeout=15)
        return name, app

    async def asked(
        self, app: App, tool: str = "deploy", arguments: str = '{"service":"web"}', by: str = "ou_asker"
    ) -> str:
        """An approval of a connector's that waits; its id."""
        from nonebot_plugin_feishu_ws.butler.approvals import Question, Questions, hash_of

        management, number = self.runtime.management, next(self._count)
        questions = Questions(management.approvals_share, management.clock, timedelta(hours=1))
        question = Question(
            *(app.app_id, "oc_1", None, f"om_{number}", f"ev_{number}", "0", by),
            *(tool, arguments, hash_of(tool, arguments), "", ("oc_1",)),
        )

        async def nothing(_session: Any, _row: Any) -> None: ...

        row, _ = await questions.ask(question, nothing)
        return row.id

    async def dead(self, app: App, event_id: str, error: str = "it ended the process 3 times") -> None:
        """An event that was given up."""
        from nonebot_plugin_feishu_ws.storage import EventRow, EventState

        async def work(session: Any) -> None:
            session.add(
                EventRow(
                    connector=app.app_id,
                    event_id=event_id,
                    message_id=f"om_{event_id}",
                    event_type="im.message.receive_v1",
                    payload=b"{}",
                    state=EventState.DEAD,
                    owner="nobody",
                    attempts=3,
                    error=error,
                )
            )

        await self.runtime.management.database.write(work)


@contextlib.asynccontextmanager
async def served(settings: dict[str, Any], data: Path, sandbox: Sandbox) -> AsyncIterator[Site]:
    async with serving(settings, data, sandbox) as bot:
        yield (site := Site(bot.url, bot.runtime, sandbox, bot.app))
        for person in site.people:
            await person.http.close()


Serve = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    return served


@pytest.fixture(scope="session")
def api_token() -> str:
    return TOKEN


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """One for a whole module."""
    async with (
        Sandbox(rules=Rules(sends_per_second=1000)) as sandbox,
        served({"api_token": TOKEN}, tmp_path_factory.mktemp("console"), sandbox) as site,
    ):
        yield site
