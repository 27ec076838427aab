"""Health and metrics over HTTP: who may read them, and what they say when something is wrong."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from managed import settings_for

from feishu_sandbox import Sandbox

TOKEN = "K7q2-Zp9x.R4mT~w8Lc_V1nY+s6Hd/3BfJ0"
LIVE, READY, METRICS = "/feishu/healthz?probe=live", "/feishu/healthz", "/feishu/metrics"
Http = aiohttp.ClientSession


async def get(http: Http, url: str, **headers: str) -> tuple[int, Any]:
    async with http.get(url, headers=headers) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await (answer.json() if is_json else answer.text())


async def tell_the_writer(database: Any, pragma: str) -> None:
    """On SQLite's connection that writes, between two transactions: of those some may not even begin."""

    def tell() -> None:
        connection = database._writer._engine.raw_connection()
        connection.cursor().execute(pragma)
        connection.close()

    await asyncio.get_running_loop().run_in_executor(database._writer._thread, tell)


async def test_ready_with_a_connector_and_without(bot: Any, serve: Any, http: Http, sqlite_url: str) -> None:
    async with serve(bot.runtime, settings_for(sqlite_url, bot.sandbox.url)) as url:
        assert await get(http, url + READY) == (200, {"status": "ready", "reasons": {}, "disconnected": {}})
        assert await get(http, url + LIVE) == (200, {"status": "live"})
        assert (await get(http, url + "/feishu/healthz?probe=x"))[0] == 400
        app = await bot.add("butler")
        await bot.connected(app)
        await bot.unless(lambda: bot.runtime.vitals.health().disconnected)
        assert (await get(http, url + READY))[1]["status"] == "ready"


async def test_a_connector_that_cannot_connect_is_named(
    bot: Any, serve: Any, http: Http, sqlite_url: str
) -> None:
    """One of two: the process can still do its work. The only one: it cannot."""
    good, bad = await bot.add("good"), await bot.add("bad")
    await bot.connected(good, bad)
    async with serve(bot.runtime, settings_for(sqlite_url, bot.sandbox.url)) as url:
        bad.app_secret = "rolled"
        bot.sandbox.hub.drop(bad)
        await bot.unless(lambda: not bot.runtime.vitals.health().disconnected)
        status, body = await get(http, url + READY)
        assert (status, body["status"], list(body["disconnected"])) == (200, "degraded", ["bad"])
        await bot.service.set_enabled(bot.root, "good", False)
        await bot.unless(lambda: bot.runtime.vitals.health().ready)
        status, body = await get(http, url + READY)
        assert (status, body["status"], list(body["disconnected"])) == (503, "unavailable", ["bad"])


async def test_a_full_disk(bot: Any, serve: Any, http: Http, sqlite_url: str) -> None:
    """faults.md 25: events are refused and health is red, until there is room again."""
    app = await bot.add("butler")
    await bot.connected(app)
    world, hub, database = bot.sandbox.world, bot.sandbox.hub, bot.runtime.management.database

    async def pages(limit: int) -> None:
        await tell_the_writer(database, f"PRAGMA max_page_count={limit}")

    user = world.add_user("Alice")
    chat = world.direct_chat(user, app)
    async with serve(bot.runtime, settings_for(sqlite_url, bot.sandbox.url)) as url:
        await pages(1)  # SQLite makes that the present size
        await world.say(user, chat, "x" * 100_000)
        ack = await hub.wait_ack(hub.deliveries[-1].event_id, 1, timeout=15)
        assert ack.code == 500
        status, body = await get(http, url + READY)
        assert (status, body["reasons"]["inbox"]) == (503, "events are refused")
        await pages(1_000_000)
        await world.say(user, chat, "y" * 100_000)
        assert (await hub.wait_ack(hub.deliveries[-1].event_id, 1, timeout=15)).code == 200
        assert (await get(http, url + READY))[0] == 200


async def test_a_database_that_is_away(
    launch: Any,
    serve: Any,
    http: Http,
    feishu_sandbox: Sandbox,
    sqlite_url: str,
    scrape: Callable[[Any], Any],
) -> None:
    """A worker that cannot beat holds no lease. Nothing of the database's own words is told to strangers."""
    running = await launch(feishu_sandbox, sqlite_url)
    database = running.runtime.management.database

    async with serve(running.runtime, settings_for(sqlite_url, feishu_sandbox.url)) as url:
        await tell_the_writer(database, "PRAGMA query_only=1")
        await running.unless(lambda: running.runtime.vitals.health().ready)
        status, body = await get(http, url + READY)
        assert (status, list(body["reasons"])) == (503, ["database"])
        assert "readonly" not in str(body)
        assert scrape(running.runtime).of("feishu_ws_database_up") == 0
        await tell_the_writer(database, "PRAGMA query_only=0")
        await running.unless(lambda: not running.runtime.vitals.health().ready)
        assert (await get(http, url + READY))[0] == 200
    await running.stop()
    assert "database" in running.runtime.vitals.health().reasons


async def test_metrics_with_a_token(bot: Any, serve: Any, http: Http, sqlite_url: str) -> None:
    settings = settings_for(sqlite_url, bot.sandbox.url, api_token=TOKEN)
    async with serve(bot.runtime, settings, host="0.0.0.0") as url:
        for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {TOKEN}"}):
            status, text = await get(http, url + METRICS, **header)
            assert status == 401
            assert "feishu_ws_events" not in text
        status, text = await get(http, url + METRICS, Authorization=f"Bearer {TOKEN}")
        assert status == 200
        assert "feishu_ws_events_total" in text
        assert TOKEN not in text
        assert (await get(http, url + READY))[0] == 200, "health is for everybody"


@pytest.mark.parametrize(
    ("host", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Host": "rebound.example"}, 403),
        ("0.0.0.0", {}, 403),
        ("0.0.0.0", {"Host": "127.0.0.1"}, 403),
    ],
)
async def test_metrics_without_a_token_are_for_this_machine(
    bot: Any, serve: Any, http: Http, sqlite_url: str, host: str, headers: dict[str, str], status: int
) -> None:
    async with serve(bot.runtime, settings_for(sqlite_url, bot.sandbox.url), host=host) as url:
        found, text = await get(http, url + METRICS, **headers)
        assert found == status
        assert ("feishu_ws_events_total" in text) is (status == 200)


async def test_without_a_console(bot: Any, serve: Any, http: Http, sqlite_url: str) -> None:
    async with serve(bot.runtime, settings_for(sqlite_url, bot.sandbox.url, console=False)) as url:
        assert (await get(http, url + LIVE))[0] == 200
        assert (await get(http, url + METRICS))[0] == 200


async def test_the_image_asks_for_health(bot: Any, serve: Any, sqlite_url: str) -> None:
    """`deploy/healthy.py`, where the driver serves HTTP."""

    async def healthy(port: str) -> int:
        environment = {"DRIVER": "~fastapi", "PORT": port, "PATH": os.environ["PATH"]}
        script = Path(__file__).parents[2] / "deploy" / "healthy.py"
        process = await asyncio.create_subprocess_exec(sys.executable, str(script), env=environment)
        return await process.wait()

    async with serve(bot.runtime, settings_for(sqlite_url, bot.sandbox.url)) as url:
        port = url.rpartition(":")[2]
        assert await healthy(port) == 0
        await bot.stop()
        assert await healthy(port) == 1
    assert await healthy(port) == 1
