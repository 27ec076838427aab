"""Processes die, sleep, and share a database: what one leaves another says, and nothing is said twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, delete, update

from feishu_sandbox import ApiFault, Rules
from nonebot_plugin_feishu_ws.delivery import DraftRejected, SendUnknown
from nonebot_plugin_feishu_ws.storage import OutboxRow, WorkerRow

MESSAGES = "/open-apis/im/v1/messages"
on_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""Where several processes can share a database, and where it really goes away."""


class Wall:
    """A clock somebody can set."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return datetime.now(UTC).timestamp() + self.ahead


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def feishu_sandbox_rules(wall: Wall) -> Rules:
    return Rules(clock=wall, sends_per_second=1000, api_per_second=1000)


async def test_killed_between_queue_and_send(company: Any, start: Any, until: Any) -> None:
    """faults.md 29: what waited behind another message was never handed to Feishu."""
    process = await start(retry_first=100.0)
    company.sandbox.faults.add(ApiFault(path=MESSAGES, status=400, code=230020, times=1))
    drafts = [company.draft(f"{n}") for n in range(3)]
    await process.outbox.post(drafts)
    await until(company.calls)
    await process.kill()
    again = await start()
    await asyncio.gather(*(again.sent(draft) for draft in drafts))
    assert company.shown() == ["0", "1", "2"]


async def test_killed_between_send_and_answer(company: Any, start: Any, until: Any) -> None:
    """faults.md 29, 34: Feishu has it, nobody knows; the same uuid again is the same message."""
    process = await start(retry_first=100.0)
    fault = company.sandbox.faults.add(ApiFault(path=MESSAGES, drop=True, after=True, times=1))
    draft = company.draft("once")
    await process.outbox.post([draft])
    await until(lambda: fault.struck)
    await process.kill()
    assert await process.states() == ["sending"]
    again = await start()
    message_id = await again.sent(draft)
    assert company.shown() == ["once"]
    assert company.world.messages[message_id].text == "once"
    assert await again.states() == ["sent"]


@pytest.mark.parametrize("minutes", [54, 56, 120])
async def test_how_long_a_message_may_be_sent_again(
    company: Any, start: Any, until: Any, wall: Wall, database: Any, minutes: int
) -> None:
    """faults.md 34: Feishu forgets a uuid after an hour; past 55 minutes nothing is risked."""
    process = await start(retry_first=100.0)
    fault = company.sandbox.faults.add(ApiFault(path=MESSAGES, drop=True, after=True, times=1))
    draft = company.draft("once")
    await process.outbox.post([draft])
    await until(lambda: fault.struck)
    await process.kill()
    wall.ahead = minutes * 60.0
    earlier = (await process.rows())[0].tried_at - timedelta(minutes=minutes)
    await database.write(lambda session: session.exec(update(OutboxRow).values(tried_at=earlier)))
    again = await start()
    if minutes < 55:
        await again.sent(draft)
    else:
        with pytest.raises(SendUnknown):
            await again.sent(draft)
    assert company.shown() == ["once"]
    assert len(company.calls()) == (2 if minutes < 55 else 1)


@on_postgres
async def test_a_fenced_process_is_silent(company: Any, start: Any, until: Any) -> None:
    """faults.md 31: it slept, another said what it was about to say; it finds out before its next word."""
    asleep = await start(retry_first=3.0, sweep_every=100.0)
    fault = company.sandbox.faults.add(ApiFault(path=MESSAGES, drop=True, times=1))
    draft = company.draft("once")
    await asleep.outbox.post([draft])
    await until(lambda: fault.struck)
    await asleep.doze()
    was = asleep.lease.id
    awake = await start()
    message_id = await awake.sent(draft)
    before = len(company.calls())
    assert await asleep.sent(draft) == message_id, "it hears what became of it"
    await asleep.outbox.drained()
    assert asleep.lease.id != was, "it begins anew"
    assert company.shown() == ["once"]
    assert len(company.calls()) == before


@on_postgres
async def test_two_replicas_say_the_same(company: Any, start: Any) -> None:
    """faults.md 18, outbound: whoever commits first says it, and both are told."""
    one, two = await start(max_batch=4), await start(max_batch=4)
    drafts = [company.draft(f"{n}", company.other if n % 2 else company.chat) for n in range(40)]
    ids = await asyncio.gather(*map(one.say, drafts), *map(two.say, reversed(drafts)))
    assert ids[:40] == ids[:39:-1]
    assert sorted(company.shown() + company.shown(company.other), key=int) == [f"{n}" for n in range(40)]
    assert len({row.owner for row in await one.rows()}) == 2, "both had some"


@on_postgres
async def test_the_database_goes_away_and_comes_back(company: Any, process: Any, postgres: Any) -> None:
    """faults.md 22, 26, outbound: who posts waits, who is told of a message is told."""
    await process.say(company.draft("before"))
    await asyncio.to_thread(postgres.stop)
    try:
        saying = asyncio.create_task(process.say(company.draft("meanwhile")))
        asking = asyncio.create_task(process.outbox.answered(company.app.app_id, "ev_1"))
        done, _ = await asyncio.wait([saying, asking], timeout=0.3)
        assert not done
    finally:
        await asyncio.to_thread(postgres.start)
    await saying
    assert not await asking
    assert company.shown() == ["before", "meanwhile"]


@on_postgres
async def test_what_the_database_refuses_is_refused_alone(company: Any, process: Any) -> None:
    drafts = [company.draft(f"{n}") for n in range(5)]
    drafts[2] = company.draft("2", content='{"text": "\0"}')
    told = await asyncio.gather(*(process.outbox.post([draft]) for draft in drafts), return_exceptions=True)
    assert [type(each) for each in told] == [list, list, DraftRejected, list, list]
    await process.outbox.drained()
    assert company.shown() == ["0", "1", "3", "4"]


async def test_a_row_of_a_worker_that_is_gone_is_taken(company: Any, process: Any) -> None:
    """However it came about: what is to be said and has no living owner is said."""

    async def leave(session: Any) -> None:
        await process.outbox.put(session, [company.draft("left")])
        await session.exec(update(OutboxRow).values(owner="somebody who was"))

    await process.database.write(leave)
    await process.sent(company.draft("left"))
    assert company.shown() == ["left"]


async def _execute(statement: Any, session: Any) -> None:
    await session.exec(statement)


step = st.sampled_from(["say", "say", "say", "fail", "lose", "kill", "stop", "fence"])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(step, min_size=5, max_size=15))
async def test_any_life_says_everything_once(company: Any, start: Any, steps: list[str]) -> None:
    """Answers are lost, processes killed, stopped and fenced in any order: each message is shown once, in order."""
    chat = company.world.add_group("room", [company.alice, company.app])
    process = await start()
    drafts: list[Any] = []
    for index, name in enumerate(steps):
        match name:
            case "say":
                drafts.append(company.draft(f"{index}", chat, uuid=f"{chat.chat_id}-{index}"))
                await process.outbox.post([drafts[-1]])
            case "fail":
                company.sandbox.faults.add(ApiFault(path=MESSAGES, drop=True, times=1))
            case "lose":
                company.sandbox.faults.add(ApiFault(path=MESSAGES, drop=True, after=True, times=1))
            case "fence":
                gone = delete(WorkerRow).where(col(WorkerRow.id) == process.lease.id)
                await process.database.write(partial(_execute, gone))
                await process.lease.renew()
            case _:
                await (process.kill() if name == "kill" else process.stop())
                process = await start()
    company.sandbox.faults.clear()
    await asyncio.gather(*(process.sent(draft) for draft in drafts))
    said = [index for index, name in enumerate(steps) if name == "say"]
    assert list(map(int, company.shown(chat))) == said
    assert [row.state for row in (await process.rows())[-len(drafts) :]] == ["sent"] * len(drafts)
    await process.stop()
