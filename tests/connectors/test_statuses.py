"""What processes say of their connections, and what remains of it when they are gone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, delete, update
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.connectors import Reported, Standing, Statuses, statuses
from nonebot_plugin_feishu_ws.connectors.standing import together
from nonebot_plugin_feishu_ws.delivery import Fenced, Lease
from nonebot_plugin_feishu_ws.gateway import GatewayError, Reason, State, Status
from nonebot_plugin_feishu_ws.storage import Database, LinkRow, WorkerRow

APP = "cli_one"
NOW = datetime(2025, 6, 1, tzinfo=UTC)
UP = Standing(state="connected", connections=2, wanted=2, connected_at=NOW, last_event_at=NOW)
REFUSED = Standing(state="blocked", wanted=1, attempt=3, error="limit", reason="connection_limit")


class Worker:
    """A process: it has connections of its own to the database, and says how its links are doing."""

    def __init__(self, database: Database, label: str) -> None:
        self.database = database
        self.statuses = Statuses(database)
        self.lease = Lease(database, label=label, beat_every=600)

    async def dies(self) -> None:
        """Killed, and then removed by the others; it does not know."""

        async def work(session: AsyncSession) -> None:
            await session.exec(delete(WorkerRow).where(col(WorkerRow.id) == self.lease.id))

        await self.database.write(work)


Hire = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def hire(database_url: str) -> AsyncIterator[Hire]:
    made: list[Worker] = []

    async def one(label: str = "host:1") -> Worker:
        worker = Worker(Database(database_url), label)
        await worker.database.start()
        made.append(worker)
        await worker.lease.start()
        worker.statuses.work_as(worker.lease)
        return worker

    yield one
    for worker in made:
        await worker.lease.stop()
        await worker.database.close()


on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""For tests of several processes: an SQLite file has one."""


# --- taking several together ----------------------------------------------------------------------------------


standings = st.builds(
    Standing,
    state=st.sampled_from([state.value for state in State]),
    connections=st.integers(0, 50),
    wanted=st.integers(0, 50),
    connected_at=st.none() | st.just(NOW),
    last_event_at=st.none() | st.integers(0, 99).map(lambda seconds: NOW + timedelta(seconds=seconds)),
    attempt=st.integers(0, 9),
    error=st.none() | st.text(max_size=3),
)


@given(st.lists(standings, max_size=5))
def test_taken_together_they_are_the_best_of_them_and_hide_no_error(parts: list[Standing]) -> None:
    whole = together(parts)
    assert whole.connections == sum(part.connections for part in parts)
    assert whole.wanted == sum(part.wanted for part in parts)
    assert (whole.error is None) is all(part.error is None for part in parts)
    for state in ("connected", "connecting", "reconnecting", "blocked"):
        if any(part.state == state for part in parts):
            assert whole.state == state
            break
    else:
        assert whole.state == "disconnected"
    moments = [part.last_event_at for part in parts if part.last_event_at]
    assert whole.last_event_at == max(moments, default=None)
    assert together([*parts, Standing()]) == whole


@given(standings)
def test_alone_it_is_what_it_is(part: Standing) -> None:
    assert together([part]) == part


def test_a_connections_status_as_a_standing() -> None:
    assert Standing.of(Status(State.CONNECTED, connected_at=NOW)) == Standing(
        state="connected", connections=1, wanted=1, connected_at=NOW
    )
    lost = Status(State.BLOCKED, attempt=2, error=GatewayError(Reason.FORBIDDEN, "no", code=403))
    assert Standing.of(lost) == Standing(
        state="blocked", wanted=1, attempt=2, error="forbidden (403): no", reason="forbidden"
    )


# --- one process ----------------------------------------------------------------------------------------------


async def test_what_a_process_says_counts_while_it_is_at_work(hire: Hire) -> None:
    worker = await hire("host:1")
    await worker.statuses.report({APP: UP})
    seen = (await worker.statuses.all())[APP]
    assert Standing(**{name: getattr(seen, name) for name in Standing.__slots__}) == UP
    (part,) = seen.parts
    assert (part.worker, part.label, part.updated_at) == (worker.lease.id, "host:1", seen.updated_at)
    await worker.statuses.report({APP: REFUSED})
    assert (await worker.statuses.all())[APP].error == "limit"
    await worker.lease.stop()
    assert await worker.statuses.all() == {}


async def test_what_it_takes_back_is_gone(hire: Hire) -> None:
    worker = await hire()
    await worker.statuses.report({APP: UP, "cli_two": UP})
    await worker.statuses.forget()
    assert await worker.statuses.all() == {}


async def test_whoever_was_taken_for_dead_reports_under_its_new_name_alone(hire: Hire) -> None:
    """faults.md 31: a process that was paused is fenced off."""
    worker = await hire()
    await worker.statuses.report({APP: UP})
    await worker.dies()
    assert await worker.statuses.all() == {}
    with pytest.raises(Fenced):
        await worker.statuses.report({APP: UP})
    before = worker.statuses.worker
    await worker.lease.renew()
    assert worker.statuses.worker != before
    await worker.statuses.report({APP: REFUSED})
    (part,) = (await worker.statuses.all())[APP].parts
    assert (part.worker, part.state) == (worker.statuses.worker, "blocked")


async def test_where_nobody_removes_the_dead_their_word_ends_by_itself(hire: Hire) -> None:
    worker = await hire()
    await worker.statuses.report({APP: UP})

    async def said(ago: timedelta) -> dict[str, Reported]:
        async def work(session: AsyncSession) -> None:
            await session.exec(update(LinkRow).values(updated_at=datetime.now(UTC) - ago))

        await worker.database.write(work)
        return await worker.statuses.all()

    assert (await said(timedelta(seconds=30)))[APP].state == "connected"
    assert await said(timedelta(seconds=100)) == {}


# --- several --------------------------------------------------------------------------------------------------


@on_postgresql
@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(hours=1)])
async def test_a_clock_that_is_off_changes_nothing(
    hire: Hire, monkeypatch: pytest.MonkeyPatch, off: timedelta
) -> None:
    """faults.md 32: what a process says is dated by the database."""
    worker, shell = await hire(), await hire()
    then = datetime.now(UTC) + off
    monkeypatch.setattr(statuses, "utc_now", lambda: then)
    await worker.statuses.report({APP: UP})
    monkeypatch.undo()
    seen = (await shell.statuses.all())[APP]
    assert seen.state == "connected"
    assert abs(seen.updated_at - datetime.now(UTC)) < timedelta(minutes=1)


@on_postgresql
async def test_each_is_shown_and_whoever_dies_disappears(hire: Hire) -> None:
    one, two = await hire("host:1"), await hire("host:2")
    later = replace(UP, connections=1, wanted=2, error="limit", last_event_at=NOW + timedelta(minutes=1))
    await one.statuses.report({APP: UP})
    await two.statuses.report({APP: later, "cli_two": UP})
    seen = (await one.statuses.all())[APP]
    assert [(part.label, part.connections) for part in seen.parts] == [("host:1", 2), ("host:2", 1)]
    assert (seen.state, seen.connections, seen.wanted, seen.error) == ("connected", 3, 4, "limit")
    assert seen.last_event_at == later.last_event_at
    await two.dies()
    left = await one.statuses.all()
    assert left.keys() == {APP}
    assert [part.label for part in left[APP].parts] == ["host:1"]
    assert left[APP].error is None


async def test_a_new_start_forgets_what_is_held(hire: Hire) -> None:
    worker = await hire()
    await worker.statuses.hold(APP, held=True)
    await worker.dies()  # killed
    again = await hire()
    await again.statuses.release_all()
    assert not (await again.statuses.all())[APP].held
    assert APP not in await again.statuses.wishes()


@on_postgresql
async def test_what_is_held_stays_so_while_another_is_at_work(hire: Hire) -> None:
    one = await hire()
    await one.lease.renew()
    await one.statuses.hold(APP, held=True)
    restarted = await hire()
    await restarted.statuses.release_all()
    assert (await restarted.statuses.wishes())[APP].held
    await one.lease.stop()
    await restarted.statuses.release_all()
    assert APP not in await restarted.statuses.wishes()


@on_postgresql
async def test_replicas_that_start_together_start_anew(hire: Hire) -> None:
    one = await hire()
    await one.statuses.hold(APP, held=True)
    await one.lease.stop()
    together_ = [await hire(), await hire()]
    for worker in together_:
        await worker.statuses.release_all()
    assert APP not in await together_[0].statuses.wishes()


# --- whose connections are they? ------------------------------------------------------------------------------


async def test_one_of_all_looks_and_then_nobody_for_a_while(hire: Hire, database_url: str) -> None:
    several = [await hire()] if database_url.startswith("sqlite") else [await hire(), await hire()]

    async def ask(every: timedelta) -> list[bool]:
        asked = (worker.statuses.may_look(APP, every) for worker in several * 4)
        return await asyncio.gather(*asked)

    assert sum(await ask(timedelta(minutes=5))) == 1
    assert sum(await ask(timedelta(minutes=5))) == 0
    assert await several[0].statuses.may_look("cli_two", timedelta(minutes=5))
    assert await several[0].statuses.may_look(APP, timedelta(0))
    assert await several[0].statuses.wishes() == {}, "nobody has asked for anything"


async def test_a_stranger_is_one_that_was_seen_twice_in_a_row(hire: Hire) -> None:
    worker = await hire()
    await worker.statuses.report({APP: UP, "cli_two": UP})
    assert await worker.statuses.may_look(APP, timedelta(0))

    async def look(online: int) -> tuple[int, int]:
        seen: Any = await worker.statuses.looked(APP, online)
        assert (seen.count.online, seen.count.own) == (online, 2)
        assert (await worker.statuses.all())[APP].strangers == seen.strangers
        return seen.known, seen.strangers

    assert [await look(online) for online in (2, 3, 2, 4, 3, 5, 1, 3)] == [
        (0, 0),
        (0, 0),
        (0, 0),
        (0, 0),
        (0, 1),
        (1, 1),
        (1, 0),
        (0, 0),
    ]


async def test_of_what_is_not_connected_no_stranger_is_told(hire: Hire) -> None:
    worker = await hire()
    await worker.statuses.report({APP: UP})
    await worker.statuses.may_look(APP, timedelta(0))
    for _ in range(2):
        await worker.statuses.looked(APP, 3)
    await worker.statuses.report({APP: REFUSED})
    assert (await worker.statuses.all())[APP].strangers == 0
