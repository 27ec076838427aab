"""Verbs performed by somebody on a database of the test's own, with a sandbox for a Feishu."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from feishu_sandbox import App, Sandbox


@dataclass
class Counter:
    """Where a test stands and says its lines."""

    management: Any
    sandbox: Sandbox

    async def says(
        self, line: str, *, who: str = "root", superuser: bool = True, locale: str = "en_US", **secrets: str
    ):
        """Perform a line as somebody; keyword arguments are secrets that were asked for."""
        from nonebot_plugin_feishu_ws.commands import Desk, perform
        from nonebot_plugin_feishu_ws.connectors import Actor
        from nonebot_plugin_feishu_ws.texts.connectors import ConnectorTexts

        actor = Actor(who=who, origin="chat" if who.startswith("ou_") else "shell", superuser=superuser)
        desk = Desk(self.management, actor, ConnectorTexts(locale), "/feishu")  # pyright: ignore
        return await perform(desk, line, {name: SecretStr(value) for name, value in secrets.items()})

    async def added(self, name: str, **fields: str) -> App:
        """A new app, and a connector for it."""
        app = self.sandbox.world.add_app(name.title())
        words = " ".join(f"{field}={value}" for field, value in fields.items())
        answer = await self.says(f"add {name} app_id={app.app_id} {words}", app_secret=app.app_secret)
        assert not answer.failed, answer.text
        return app


MakeCounter = Callable[..., Awaitable[Counter]]


@pytest.fixture
async def make_counter(feishu_sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[MakeCounter]:
    from nonebot_plugin_feishu_ws.config import Settings
    from nonebot_plugin_feishu_ws.runtime import Management

    made: list[Any] = []

    async def make(**settings: Any) -> Counter:
        management = Management(Settings.model_validate({"url": feishu_sandbox.url, **settings}), tmp_path)
        await management.start()
        made.append(management)
        return Counter(management, feishu_sandbox)

    yield make
    for management in made:
        await management.stop()


@pytest.fixture
async def counter(make_counter: MakeCounter) -> Counter:
    return await make_counter()
