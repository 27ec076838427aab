"""Somebody else's connections of our apps: noticed, told, and told when they are gone."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from sqlmodel import col, select

from feishu_sandbox import ApiFault, App, ClientConfig, Rules, Sandbox
from nonebot_plugin_feishu_ws.commands import Answer, Desk, perform
from nonebot_plugin_feishu_ws.connectors import StrangerWatch
from nonebot_plugin_feishu_ws.gateway import Ack, Credentials, Inbound, LongConnection
from nonebot_plugin_feishu_ws.storage import StatusRow
from nonebot_plugin_feishu_ws.texts.connectors import ConnectorTexts

pytestmark = pytest.mark.usefixtures("pong")
COUNT = ".*/event/v1/connection"


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    return Rules(client_config=ClientConfig(reconnect_nonce=0, reconnect_interval=1))


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks twice a second instead of every five minutes, and later than a first report is written."""
    pace = {"every": 0.5, "after": 1.5, "gap": 0.01, "tick": 0.05}
    monkeypatch.setattr(StrangerWatch.__init__, "__kwdefaults__", pace)


Stranger = Callable[[App], Awaitable[LongConnection]]


@pytest.fixture
async def stranger(feishu_sandbox: Sandbox) -> AsyncIterator[Stranger]:
    """Connects with an app's credentials, as a forgotten deployment would."""

    async def take(inbound: Inbound) -> Ack:
        return Ack()

    made: list[LongConnection] = []
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def connect(app: App) -> LongConnection:
            credentials = Credentials(app.app_id, app.app_secret)
            made.append(one := LongConnection(credentials, feishu_sandbox.url, take, session=session))
            one.start()
            await feishu_sandbox.hub.wait_opened(app, 2)
            return one

        yield connect
        for one in made:
            await one.stop()


async def says(bot: Any, line: str, locale: Any = "en_US") -> Answer:
    return await perform(Desk(bot.runtime.management, bot.root, ConnectorTexts(locale), "/feishu"), line)


async def told(bot: Any) -> list[tuple[str, int]]:
    """What the log says of strangers, oldest first."""
    await bot.runtime.management.logbook.flush()
    entries = reversed((await bot.service.logs(bot.root, "one", limit=100)).entries)
    return [(entry.level, entry.detail["strangers"]) for entry in entries if "strangers" in entry.detail]


async def once_told(bot: Any, count: int) -> list[tuple[str, int]]:
    async with asyncio.timeout(15):
        while len(rows := await told(bot)) < count:
            pass
    return rows


async def looks(bot: Any, app: App, count: int) -> None:
    """Wait until somebody has begun to look so many more times."""
    seen: set[Any] = set()
    statement = select(StatusRow.online_at).where(col(StatusRow.app_id) == app.app_id)
    async with asyncio.timeout(15):
        while len(seen) <= count:
            async with bot.runtime.management.database.session() as session:
                seen.add((await session.exec(statement)).one())


async def test_a_stranger_is_told_and_its_end_too(
    bot: Any, feishu_sandbox: Sandbox, stranger: Stranger, caplog: pytest.LogCaptureFixture
) -> None:
    app = await bot.add("one")
    await bot.state(app, "connected")
    other = await stranger(app)
    assert await once_told(bot, 1) == [("warning", 1)]
    assert "one: 1 connection(s) of this app are not ours: they take events away" in caplog.text
    for verb in ("status one", "show one", "list"):
        answer = await says(bot, verb)
        assert "1 connection(s) of this app are not ours: they take events away" in answer.text
        assert "reset the App Secret" in answer.text
    listed = await says(bot, "list")
    assert listed.table is not None
    assert listed.table.rows[0][1] == "🟢 connected ⚠️ 1 not ours (see status)"
    assert "1 个连接不是我们的" in (await says(bot, "status one", "zh_CN")).text
    (brief,) = (await says(bot, "status one")).data  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    assert brief["strangers"] == 1
    assert "somebody else's connection takes part" in (await says(bot, "doctor one")).text
    await other.stop()
    assert await once_told(bot, 2) == [("warning", 1), ("info", 0)]
    assert "one: all connections of this app are ours again" in caplog.text
    assert "not ours" not in (await says(bot, "status one")).text


async def test_where_the_platform_does_not_tell_nothing_is_said_and_nothing_stands_still(
    bot: Any, feishu_sandbox: Sandbox, stranger: Stranger, caplog: pytest.LogCaptureFixture
) -> None:
    """A missing permission, for example. What was known before stays."""
    app = await bot.add("one")
    await bot.state(app, "connected")
    await stranger(app)
    await once_told(bot, 1)
    feishu_sandbox.faults.add(ApiFault(path=COUNT, status=400, code=99991672))
    await looks(bot, app, 3)
    assert await told(bot) == [("warning", 1)]
    assert "not ours" in (await says(bot, "status one")).text
    complaints = [one for one in caplog.records if "cannot be counted" in one.getMessage()]
    assert {one.levelno for one in complaints} == {logging.DEBUG}
    await bot.service.set_connected(bot.root, "one", False)
    await feishu_sandbox.hub.bell.until(lambda: len(feishu_sandbox.hub.online(app)) == 1, 5, "gone")


async def test_a_platform_that_does_not_answer_holds_up_no_other_app(
    bot: Any, feishu_sandbox: Sandbox, stranger: Stranger
) -> None:
    hanging = await bot.add("hanging")
    await bot.state(hanging, "connected")
    feishu_sandbox.faults.add(ApiFault(path=COUNT, app_id=hanging.app_id, delay=60))
    app = await bot.add("one")
    await bot.state(app, "connected")
    await stranger(app)
    assert await once_told(bot, 1) == [("warning", 1)]


async def test_our_own_connections_are_no_strangers(
    launch: Any, feishu_sandbox: Sandbox, sqlite_url: str
) -> None:
    bot = await launch(feishu_sandbox, sqlite_url, connections=3)
    app = await bot.add("one")
    await feishu_sandbox.hub.wait_opened(app, 3)
    await looks(bot, app, 4)
    assert await told(bot) == []
