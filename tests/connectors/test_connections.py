"""Several connections of one app in one process: opened, closed, refused, counted."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import ValidationError

from feishu_sandbox import ClientConfig, Rules, Sandbox
from nonebot_plugin_feishu_ws.commands import Desk, perform
from nonebot_plugin_feishu_ws.config import Settings
from nonebot_plugin_feishu_ws.gateway import ReconnectPolicy
from nonebot_plugin_feishu_ws.texts.connectors import ConnectorTexts

pytestmark = pytest.mark.usefixtures("pong")


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    return Rules(client_config=ClientConfig(reconnect_nonce=0, reconnect_interval=1))


@pytest.fixture
async def crowd(launch: Any, feishu_sandbox: Sandbox, database_url: str) -> Any:
    """A bot with three connections per connector."""
    return await launch(feishu_sandbox, database_url, connections=3)


@pytest.fixture
async def narrow() -> AsyncIterator[Sandbox]:
    """A platform that allows an app two connections instead of fifty."""
    rules = Rules(client_config=ClientConfig(reconnect_nonce=0, reconnect_interval=1), max_connections=2)
    async with Sandbox(rules=rules) as sandbox:
        yield sandbox


async def says(bot: Any, line: str, locale: Any = "en_US") -> Any:
    return await perform(Desk(bot.runtime.management, bot.root, ConnectorTexts(locale), "/feishu"), line)


async def counted(bot: Any, app: Any, connections: int) -> Any:
    """What the database says, once so many are open."""
    async with asyncio.timeout(20):
        while True:
            report = (await bot.runtime.management.statuses.all()).get(app.app_id)
            if report is not None and report.connections == connections:
                return report


@pytest.mark.parametrize("value", [0, 51, -1, 1.5, "many", None])
def test_how_many_there_may_be(value: object) -> None:
    with pytest.raises(ValidationError, match="from 1 to 50"):
        Settings.model_validate({"connections": value})
    assert [Settings.model_validate({"connections": n}).connections for n in (1, "3", 50)] == [1, 3, 50]


async def test_as_many_as_wished_are_opened_and_all_are_closed(crowd: Any, feishu_sandbox: Sandbox) -> None:
    hub = feishu_sandbox.hub
    app = await crowd.add("one")
    await hub.wait_opened(app, 3)
    report = await counted(crowd, app, 3)
    assert (report.state, report.wanted, report.error) == ("connected", 3, None)
    assert "🟢 connected 3/3 one" in (await says(crowd, "show one")).text
    assert len(feishu_sandbox.world.apps) == 1
    await crowd.service.set_connected(crowd.root, "one", False)
    await hub.wait_disconnected(app)
    assert [one.close_code for one in hub.opened(app)] == [1000] * 3, "with a goodbye"
    await crowd.service.set_connected(crowd.root, "one", True)
    await hub.wait_opened(app, 6)
    await crowd.stop()
    assert hub.online(app) == []


async def test_each_event_is_handled_once_whichever_it_comes_by(crowd: Any, feishu_sandbox: Sandbox) -> None:
    hub = feishu_sandbox.hub
    app = await crowd.add("one")
    await hub.wait_opened(app, 3)
    for _ in range(8):
        await crowd.answers(app)
    pushed = {by for delivery in hub.deliveries for by in delivery.pushes}
    assert len(pushed) > 1, "not all by one"
    assert sum(message.sender is app for message in feishu_sandbox.world.messages.values()) == 8


async def test_one_that_is_lost_comes_back_while_the_others_stay(crowd: Any, feishu_sandbox: Sandbox) -> None:
    hub = feishu_sandbox.hub
    app = await crowd.add("one")
    await hub.wait_opened(app, 3)
    await counted(crowd, app, 3)
    lost, *others = hub.online(app)
    await lost.drop("rst")
    await hub.wait_opened(app, 4)
    assert all(other.open for other in others)
    assert (await counted(crowd, app, 3)).state == "connected"


async def test_what_the_platform_refuses_is_told_and_the_rest_works(
    launch: Any, narrow: Sandbox, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """faults.md 4: the limit of an app's connections; told with what to do, tried again slowly."""
    monkeypatch.setattr(ReconnectPolicy.__init__, "__defaults__", (0.01, 0.02, 0.2, 0.0, 0, 60.0, 600.0))
    bot = await launch(narrow, sqlite_url, connections=3)
    app = await bot.add("one")
    await narrow.hub.wait_opened(app, 2)
    async with asyncio.timeout(20):
        while (report := await counted(bot, app, 2)).error is None:
            pass
    assert (report.state, report.wanted, report.reason) == ("connected", 3, "connection_limit")
    assert "1000040350" in report.error
    await bot.answers(app)
    for verb in ("status one", "show one"):
        said = (await says(bot, verb)).text
        assert "🟢 connected 2/3" in said
        assert "2 of 3 connections are open" in said
        assert "lower FEISHU_WS__CONNECTIONS" in said
    assert "3 个连接只建立了 2 个" in (await says(bot, "status one", "zh_CN")).text
    (brief,) = (await says(bot, "status one")).data
    assert (brief["connections"], brief["wanted"], brief["state"]) == (2, 3, "connected")
    doctor = await says(bot, "doctor one")
    assert "2 of 3 connections are open" in doctor.text
    await bot.runtime.management.logbook.flush()
    entries = (await bot.service.logs(bot.root, "one", limit=50)).entries
    (row,) = [entry for entry in entries if entry.action == "ws_blocked"]
    assert (row.level, row.detail["wanted"]) == ("error", 3)
    # Somebody has made room and asks for it: nobody is to wait for ten minutes.
    object.__setattr__(narrow.rules, "max_connections", 3)
    await bot.service.set_connected(bot.root, "one", True)
    assert (await counted(bot, app, 3)).error is None
