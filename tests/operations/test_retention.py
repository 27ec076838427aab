"""What is old is forgotten, as the settings have it, and nobody waits for it."""

import asyncio
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, insert
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.butler.approvals import ApprovalStore, Share
from nonebot_plugin_feishu_ws.butler.llm.merges import Merges
from nonebot_plugin_feishu_ws.butler.llm.runs import Runs
from nonebot_plugin_feishu_ws.butler.llm.spending import Spending
from nonebot_plugin_feishu_ws.config import ButlerLimits, Settings
from nonebot_plugin_feishu_ws.delivery import Accepted, Inbox, Incoming, Lease, LogBook, Outbox
from nonebot_plugin_feishu_ws.runtime.upkeep import prune
from nonebot_plugin_feishu_ws.storage import (
    ApprovalCardRow,
    ApprovalRow,
    ApprovalState,
    ConversationRow,
    Database,
    DatabaseClock,
    EventRow,
    EventState,
    LogRow,
    MergedRow,
    OutboxRow,
    OutboxState,
    RunRow,
    RunState,
    SpendingRow,
    utc_now,
)

MANY = 10_000
LONGEST = 1.0  # seconds anybody may wait; on a machine that has nothing else to do it is a hundredth of that


async def fill(database: Database, table: type, rows: list[dict[str, Any]]) -> None:
    async def work(session: AsyncSession) -> None:
        connection = await session.connection()
        for start in range(0, len(rows), 5000):
            await connection.execute(insert(table), rows[start : start + 5000])

    await database.write(work)


async def count(database: Database, table: type) -> int:
    async with database.session() as session:
        return (await session.exec(select(func.count()).select_from(table))).one()


def event(number: int, days: float, state: EventState = EventState.DONE) -> dict[str, Any]:
    return {
        "connector": "cli_a",
        "event_id": f"ev{number}",
        "event_type": "im.message.receive_v1",
        "payload": b"{}",
        "state": state,
        "attempts": 1,
        "owner": "",
        "received_at": utc_now() - timedelta(days=days),
    }


class Management:
    """What is pruned with the rest."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.logbook = LogBook(database)


async def test_many_rows_are_forgotten_while_events_come_in(database_url: str, record_property: Any) -> None:
    database = Database(database_url)
    await database.start()
    await fill(database, EventRow, [event(n, 3) for n in range(MANY)])
    await fill(database, EventRow, [event(n, 1) for n in range(MANY, 2 * MANY)])
    lease = Lease(database, label="test:1")
    await lease.start()
    inbox = Inbox(database, lease)
    inbox.start()
    pruning = asyncio.create_task(inbox.prune(timedelta(days=2)))
    waited: list[float] = []
    number = 0
    while not pruning.done():
        number += 1
        begun = time.monotonic()
        taken = await inbox.accept(Incoming("cli_a", f"new{number}", "im.message.receive_v1", b"{}"))
        waited.append(time.monotonic() - begun)
        assert isinstance(taken, Accepted)
    assert await pruning == MANY
    assert await count(database, EventRow) == MANY + number
    record_property("longest wait, seconds", round(max(waited), 3))
    assert max(waited) < LONGEST
    assert number > 10

    begun = time.monotonic()
    assert await inbox.prune(timedelta(days=2)) == 0
    assert time.monotonic() - begun < LONGEST, "what is kept is not looked at"
    await inbox.stop()
    await lease.stop()
    await database.close()


async def test_each_setting_keeps_its_own(database_url: str) -> None:
    database = Database(database_url)
    await database.start()
    await fill(
        database,
        EventRow,
        [event(0, 4), event(1, 6), event(2, 8, EventState.DEAD), event(3, 11, EventState.DEAD)],
    )
    await fill(
        database,
        LogRow,
        [
            {"at": utc_now() - timedelta(days=days), "level": "info", "action": "ws_routed", "detail": {}}
            for days in (11, 9)
        ],
    )
    message = {
        "connector": "cli_a",
        "final": True,
        "receive_id_type": "chat_id",
        "in_thread": False,
        "msg_type": "text",
        "content": "{}",
        "attempts": 1,
        "owner": "",
    }
    await fill(
        database,
        OutboxRow,
        [
            {
                **message,
                "uuid": f"u{days}{state}",
                "event_id": answered,
                "state": state,
                "created_at": utc_now() - timedelta(days=days),
            }
            for days, answered in ((4, "ev0"), (6, "ev1"), (8, "ev2"))
            for state in (OutboxState.SENT, OutboxState.QUEUED)
        ],
    )
    await fill(
        database,
        ConversationRow,
        [
            {
                "connector": "cli_a",
                "chat_id": f"oc_{days}",
                "thread_id": "",
                "version": 1,
                "messages": "[]",
                "summary": "",
                "updated_at": utc_now() - timedelta(days=days),
            }
            for days in (19, 21)
        ],
    )
    lease = Lease(database, label="test:1")
    await lease.start()
    management = Management(database)
    inbox, outbox = Inbox(database, lease), Outbox(database, lease, management.logbook, {})
    settings = Settings(keep_events=5, keep_logs=10, keep_conversations=20)
    done = asyncio.Event()

    async def last() -> None:
        done.set()

    pruning = asyncio.create_task(prune(settings, inbox, outbox, management, [last]))
    async with asyncio.timeout(20):
        await done.wait()
        while await count(database, LogRow) > 1:  # noqa: ASYNC110 - the last of all
            await asyncio.sleep(0)
    pruning.cancel()
    async with database.session() as session:
        assert set((await session.exec(select(EventRow.event_id))).all()) == {"ev0", "ev2"}
        kept = (await session.exec(select(OutboxRow.uuid))).all()
        assert set(kept) == {"u4sent", "u4queued", "u6queued", "u8sent", "u8queued"}
        assert (await session.exec(select(ConversationRow.chat_id))).all() == ["oc_19"]
    await lease.stop()
    await database.close()


async def test_whatever_is_old_goes_in_pieces(database_url: str) -> None:
    """More rows than go at once, of tables whose keys are of several columns, and of approvals with their cards."""
    database = Database(database_url)
    await database.start()
    lease = Lease(database, label="test:1")
    await lease.start()
    old, new = utc_now() - timedelta(days=100), utc_now()
    await fill(database, ApprovalRow, [approval(number, old) for number in range(450)] + [approval(999, new)])
    await fill(
        database,
        ApprovalCardRow,
        [{"approval_id": f"approval{number}", "receive_id": "oc_1"} for number in (*range(450), 999)],
    )
    runs = [(f"ev{number}", old) for number in range(1100)] + [("new", new)]
    common = {
        "connector": "cli_a",
        "chat_id": "oc_1",
        "thread_id": "",
        "owner": "",
        "messages": "[]",
        "calls": "[]",
    }
    await fill(
        database,
        RunRow,
        [
            {
                **common,
                "event_id": event_id,
                "stage": 0,
                "state": RunState.DONE,
                "answer": "",
                "created_at": at,
            }
            for event_id, at in runs
        ],
    )
    merged = {"connector": "cli_a", "turn": "gone", "position": 0, "text": ""}
    await fill(
        database, MergedRow, [{**merged, "event_id": event_id, "created_at": at} for event_id, at in runs]
    )
    spent = {"connector": "cli_a", "turns": 1, "tokens": 1}
    days = [("2020-01-01", f"ou_{number}") for number in range(1100)] + [(str(new.date()), "ou_new")]
    await fill(database, SpendingRow, [{**spent, "day": day, "open_id": person} for day, person in days])

    await ApprovalStore(Share(database), DatabaseClock(database)).prune(timedelta(days=90))
    await Runs(database, lease).prune(timedelta(days=7))
    await Merges(database, lease).prune()
    await Spending(database, ButlerLimits()).prune()
    for table in (ApprovalRow, ApprovalCardRow, RunRow, MergedRow, SpendingRow):
        assert await count(database, table) == 1, table
    await lease.stop()
    await database.close()


def approval(number: int, at: datetime) -> dict[str, Any]:
    return {
        "id": f"approval{number}",
        "connector": "cli_a",
        "chat_id": "oc_1",
        "message_id": "om_1",
        "event_id": f"ev{number}",
        "call": "0",
        "asked_by": "ou_1",
        "tool": "deploy",
        "arguments": "{}",
        "arguments_hash": "",
        "reason": "",
        "nonce": "",
        "state": ApprovalState.DONE,
        "owner": "",
        "created_at": at,
        "expires_at": at,
        "finished_at": at,
    }


@pytest.mark.parametrize("name", ["keep_events", "keep_logs", "keep_conversations"])
@pytest.mark.parametrize("value", [0, 1, "canary"])
def test_too_short(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match="days from 2 to 3650") as error:
        Settings.model_validate({name: value})
    assert "canary" not in str(error.value)
