import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nonebot_plugin_feishu_ws.delivery import LogAction, LogBook, LogLevel
from nonebot_plugin_feishu_ws.storage import Database


@pytest.fixture
async def log(database: Database) -> AsyncIterator[LogBook]:
    log = LogBook(database, retry_first=0.01)
    log.start()
    yield log
    await log.stop()


def test_the_actions_are_the_contracts() -> None:
    assert [action.value for action in LogAction] == [
        "create_connector",
        "update_connector",
        "remove_connector",
        "verify_callback",
        "verification_reset",
        "set_enabled",
        "ws_connecting",
        "ws_connected",
        "ws_disconnected",
        "ws_reconnecting",
        "ws_blocked",
        "ws_filtered",
        "ws_routed",
        "ws_outbound",
        "ws_auth_card",
        "ws_auth_card_decision",
        "ws_dead_letter",
        "command_denied",
        "export_user",
        "forget_user",
    ]


async def test_what_is_written_can_be_read(database: Database) -> None:
    at = datetime(2025, 6, 1, tzinfo=UTC)
    log = LogBook(database, now=lambda: at)
    log.start()
    log.write(
        LogAction.WS_FILTERED,
        level=LogLevel.WARNING,
        connector="cli_a",
        name="ops",
        event_id="ev1",
        message_id="om_1",
        detail={"reason": "stale", "at": at, "n": [1, 2]},
    )
    await log.stop()
    (entry,) = (await log.read("cli_a")).entries
    assert (entry.at, entry.level, entry.action) == (at, "warning", "ws_filtered")
    assert (entry.connector, entry.name, entry.event_id, entry.message_id) == ("cli_a", "ops", "ev1", "om_1")
    assert entry.detail == {"reason": "stale", "at": str(at), "n": [1, 2]}


async def test_pages_newest_first_while_more_is_written(log: LogBook) -> None:
    for number in range(25):
        log.write(LogAction.WS_ROUTED, connector="cli_a", detail={"n": number})
        log.write(LogAction.WS_OUTBOUND, connector="cli_b", detail={"n": number})
    await log.flush()
    seen: list[int] = []
    cursor = None
    for size in (10, 10, 5):
        page = await log.read("cli_a", limit=10, cursor=cursor)
        assert len(page.entries) == size
        seen += [entry.detail["n"] for entry in page.entries]
        cursor = page.cursor
        log.write(LogAction.WS_ROUTED, connector="cli_a", detail={"n": 99})
        await log.flush()
    assert cursor is None
    assert seen == list(range(24, -1, -1))


async def test_a_full_last_page_says_that_it_is_the_last(log: LogBook) -> None:
    for _ in range(10):
        log.write(LogAction.WS_ROUTED)
    await log.flush()
    assert (await log.read(limit=10)).cursor is None
    assert (await log.read(limit=9)).cursor is not None


async def test_reading_by_action_and_everything(log: LogBook) -> None:
    log.write(LogAction.WS_ROUTED, connector="cli_a")
    log.write(LogAction.WS_FILTERED, connector="cli_a")
    log.write(LogAction.COMMAND_DENIED)
    await log.flush()
    assert [e.action for e in (await log.read("cli_a", action=LogAction.WS_ROUTED)).entries] == ["ws_routed"]
    assert [e.action for e in (await log.read()).entries] == ["command_denied", "ws_filtered", "ws_routed"]
    assert (await log.read("cli_x")).entries == ()


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": 501}, {"cursor": "x"}, {"cursor": "9" * 30}])
async def test_what_cannot_be_read_is_explained(log: LogBook, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"limit is|cursor is"):
        await log.read(**options)


async def test_details_are_copied_and_odd_ones_do_no_harm(log: LogBook) -> None:
    detail: dict[str, Any] = {"list": [1]}
    log.write(LogAction.WS_ROUTED, detail=detail)
    detail["list"].append(2)
    circle: dict[str, Any] = {}
    circle["self"] = circle
    for odd in ({"nul": "a\0b", "lone": "\ud800"}, circle, {("a", "b"): 1}, {"object": object()}):
        log.write(LogAction.WS_ROUTED, detail=odd)
    await log.flush()
    entries = (await log.read()).entries
    assert len(entries) == 5
    assert entries[-1].detail == {"list": [1]}
    assert entries[-2].detail == {"nul": "a\0b", "lone": "\ud800"}
    assert log.dropped == 0


async def test_one_line_the_database_refuses_is_counted_and_the_rest_is_written(log: LogBook) -> None:
    for number in range(20):
        log.write(LogAction.WS_ROUTED, event_id="\ud800" if number == 7 else f"ev{number}")
    await log.flush()
    entries = (await log.read()).entries
    assert [entry.event_id for entry in reversed(entries)] == [f"ev{n}" for n in range(20) if n != 7]
    assert log.dropped == 1


async def test_without_room_lines_are_dropped_and_counted(sqlite_url: str, tmp_path: Path) -> None:
    database = Database(sqlite_url)
    await database.start()
    log = LogBook(database, capacity=100)
    for number in range(250):
        log.write(LogAction.WS_ROUTED, detail={"n": number})
    assert log.dropped == 150
    log.start()
    await log.flush()
    assert [entry.detail["n"] for entry in reversed((await log.read(limit=200)).entries)] == list(range(100))
    log.write(LogAction.WS_ROUTED)
    await log.stop()
    assert len((await log.read(limit=200)).entries) == 101
    await database.close()


async def test_stopping_leaves_no_task(database: Database) -> None:
    before = asyncio.all_tasks()
    log = LogBook(database)
    log.start()
    log.start()
    for _ in range(1000):
        log.write(LogAction.WS_ROUTED)
    await log.stop()
    await log.stop()
    assert asyncio.all_tasks() <= before
    page = await log.read(limit=500)
    assert len(page.entries) == 500
    assert len((await log.read(limit=500, cursor=page.cursor)).entries) == 500


async def test_old_lines_are_pruned_and_nothing_else(database: Database) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    log = LogBook(database, now=lambda: now)
    log.start()
    for _ in range(1100):
        log.write(LogAction.WS_ROUTED, connector="old")
    await log.flush()
    now += timedelta(days=31)
    log.write(LogAction.WS_ROUTED, connector="new")
    await log.flush()
    assert await log.prune(timedelta(days=30)) == 1100
    assert await log.prune(timedelta(days=30)) == 0
    assert [entry.connector for entry in (await log.read()).entries] == ["new"]
    await log.stop()
