"""What open pages are told of: one topic for each kind of change, on both databases."""

from datetime import timedelta
from typing import Any

from nonebot_plugin_feishu_ws.connectors import Statuses
from nonebot_plugin_feishu_ws.console.pages.live import Watch
from nonebot_plugin_feishu_ws.storage import (
    ApprovalRow,
    Database,
    EventRow,
    EventState,
    LogRow,
    utc_now,
)


async def add(database: Database, row: Any) -> None:
    async def work(session: Any) -> None:
        session.add(row)

    await database.write(work)


async def test_each_kind_of_change_has_its_topic(database_url: str) -> None:
    database = Database(database_url)
    await database.start()
    watch = Watch(database, every=0)
    before = dict(await watch.marks())

    async def told() -> set[str]:
        nonlocal before
        now = dict(await watch.marks())
        changed = {topic for topic in now if now[topic] != before[topic]}
        before = now
        return changed

    assert await told() == set()
    await add(database, LogRow(level="info", action="ws_connected"))
    assert await told() == {"log"}
    event = {"connector": "cli_1", "event_type": "t", "payload": b"", "owner": "o"}
    await add(database, EventRow(event_id="1", state=EventState.DONE, **event))
    assert await told() == set()
    await add(database, EventRow(event_id="2", state=EventState.DEAD, **event))
    assert await told() == {"letters"}
    approval = {
        "connector": "cli_1",
        "chat_id": "oc_1",
        "message_id": "om_1",
        "event_id": "1",
        "asked_by": "ou_1",
    }
    call = {"tool": "deploy", "arguments": "{}", "arguments_hash": "", "nonce": ""}
    await add(database, ApprovalRow(id="a", expires_at=utc_now() + timedelta(hours=1), **approval, **call))
    assert await told() == {"approvals"}
    await Statuses(database).hold("cli_1", held=True)
    assert await told() == {"connectors"}
    await database.close()


async def test_a_look_is_for_all_who_look_on(database_url: str) -> None:
    """However many pages are open, the database is asked as often as for one."""
    database = Database(database_url)
    await database.start()
    watch = Watch(database, every=60)
    first = await watch.marks()
    await add(database, LogRow(level="info", action="ws_connected"))
    assert await watch.marks() is first
    await database.close()
