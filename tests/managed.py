"""Connectors managed for real: a local Feishu, a database, the runtime. Load with `pytest_plugins = ["managed"]`."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nonebot
import pytest
from nonebot.adapters import Event
from pydantic import SecretStr

from feishu_sandbox import App, Message, Sandbox


@pytest.fixture(scope="session")
def people() -> SimpleNamespace:
    """Everybody who may ask: a superuser, an owner (`ou_owner`), another user, and nobody in particular."""
    from nonebot_plugin_feishu_ws.connectors import Actor

    return SimpleNamespace(
        root=Actor("ou_root", "chat", superuser=True),
        shell=Actor("operator", "shell", superuser=True),
        owner=Actor("ou_owner", "chat", superuser=False),
        other=Actor("ou_other", "chat", superuser=False),
        nobody=Actor("", "chat", superuser=False),
    )


def settings_for(database_url: str, platform: str, **more: Any) -> Any:
    from nonebot_plugin_feishu_ws.config import Settings

    return Settings(database_url=SecretStr(database_url), url=platform, **{"butler": "off", **more})


Manage = Callable[..., Awaitable[Any]]


@pytest.fixture
async def manage(tmp_path: Path, feishu_sandbox: Sandbox) -> AsyncIterator[Manage]:
    """Starts what a shell has: a `Management` of a database; its platform is the sandbox."""
    from nonebot_plugin_feishu_ws.runtime.management import Management

    made: list[Any] = []

    async def start(database_url: str, **settings: Any) -> Any:
        platform = settings.pop("platform", feishu_sandbox.url)
        management = Management(settings_for(database_url, platform, **settings), tmp_path)
        await management.start()
        made.append(management)
        return management

    yield start
    for management in made:
        await management.stop()


@pytest.fixture
async def management(manage: Manage, database_url: str) -> Any:
    """One of them, on each kind of database in turn."""
    return await manage(database_url)


@pytest.fixture(scope="session")
def fields_of() -> Callable[..., dict[str, object]]:
    """What somebody types to add an app's connector."""

    def fields(app: App, name: str = "butler", **more: object) -> dict[str, object]:
        return {"name": name, "app_id": app.app_id, "app_secret": app.app_secret, **more}

    return fields


@pytest.fixture(scope="session")
def rows_of() -> Callable[[Any], Awaitable[list[Any]]]:
    """All rows of the log, oldest first."""

    async def rows(management: Any) -> list[Any]:
        await management.logbook.flush()
        return list(reversed((await management.logbook.read(limit=500)).entries))

    return rows


class Running:
    """A bot in this process: the runtime as NoneBot starts it, and a shell beside it on the same database."""

    def __init__(self, runtime: Any, sandbox: Sandbox, root: Any) -> None:
        self.runtime = runtime
        self.sandbox = sandbox
        self.root = root
        self.running = True

    async def stop(self) -> None:
        """As NoneBot stops it."""
        if self.running:
            self.running = False
            await self.runtime.close()

    @property
    def service(self) -> Any:
        return self.runtime.management.service

    @property
    def links(self) -> dict[str, Any]:
        return {link.spec.name: link for link in self.runtime._supervisor}

    async def add(self, name: str, *, enabled: bool = True, **fields: Any) -> App:
        """An app on the platform and its connector: added, verified, and enabled."""
        app = self.sandbox.world.add_app(name)
        values = {"name": name, "app_id": app.app_id, "app_secret": SecretStr(app.app_secret), **fields}
        await self.service.create(self.root, values)
        await self.service.verify(self.root, name)
        if enabled:
            await self.service.set_enabled(self.root, name, True)
        return app

    async def connected(self, *apps: App, within: float = 15) -> None:
        await asyncio.gather(*(self.sandbox.hub.wait_connected(app, timeout=within) for app in apps))

    async def answers(self, app: App, text: str = "ping") -> Message:
        """Somebody writes to a bot, and it answers."""
        world = self.sandbox.world
        user = world.add_user("Alice")
        asked = await world.say(user, world.direct_chat(user, app), text)
        return await world.wait_for(
            lambda message: message.sender is app and message.parent_id == asked.message_id, timeout=15
        )

    async def state(self, app: App, wanted: str, within: float = 10) -> Any:
        """What the database says of an app, once that is its state."""
        async with asyncio.timeout(within):
            while True:
                reports = await self.runtime.management.statuses.all()
                if app.app_id in reports and reports[app.app_id].state == wanted:
                    return reports[app.app_id]

    async def unless(self, missing: Callable[[], object], within: float = 15) -> None:
        """Wait until nothing is missing any more, where nobody signals that."""
        async with asyncio.timeout(within):
            while missing():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0)


def tasks() -> Counter[str]:
    """What the loop is doing, by name: some are made anew again and again."""
    return Counter(str(getattr(task.get_coro(), "__qualname__", "")) for task in asyncio.all_tasks())


@pytest.fixture(scope="session")
def all_tasks() -> Callable[[], Counter[str]]:
    return tasks


@pytest.fixture
def pong() -> Iterator[None]:
    """A plugin which answers `ping`, before anybody else does."""

    async def is_ping(event: Event) -> bool:
        return event.get_type() == "message" and event.get_plaintext() == "ping"

    matcher = nonebot.on_message(priority=0, block=True, rule=is_ping)

    @matcher.handle()
    async def answer() -> None:
        await matcher.send("pong", reply_message=True)

    yield
    matcher.destroy()


Launch = Callable[..., Awaitable[Running]]


@pytest.fixture
async def launch(tmp_path: Path, people: SimpleNamespace) -> AsyncIterator[Launch]:
    """Starts bots as NoneBot does. Each has the platform it is given; two with one database are a restart."""
    from nonebot_plugin_feishu_ws.adapter import ensure_adapter
    from nonebot_plugin_feishu_ws.runtime import Runtime

    adapter = ensure_adapter(nonebot.get_driver())
    started: list[Running] = []

    async def start(sandbox: Sandbox, database_url: str, **settings: Any) -> Running:
        platform = settings.pop("platform", sandbox.url)
        runtime = Runtime(settings_for(database_url, platform, **settings), adapter, tmp_path)
        await runtime.prepare()
        started.append(running := Running(runtime, sandbox, people.root))
        await runtime.open()
        return running

    yield start
    for running in started:
        await running.stop()


@pytest.fixture
async def bot(launch: Launch, feishu_sandbox: Sandbox, sqlite_url: str) -> Running:
    """A bot without connectors, on SQLite."""
    return await launch(feishu_sandbox, sqlite_url)
