"""Workers on one database: who is alive, who is removed, and what a removed one may still do."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.delivery import Fenced, Lease, orphaned
from nonebot_plugin_feishu_ws.storage import Database, DatabaseUnavailable, EventRow, LinkRow, WorkerRow

MakeLease = Callable[..., Awaitable[Lease]]


async def workers(database: Database) -> dict[str, WorkerRow]:
    async with database.session() as session:
        return {row.id: row for row in (await session.exec(select(WorkerRow))).all()}


async def until(condition: Callable[[], Awaitable[bool]], within: float = 10) -> None:
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - a row changes; nobody is told
            await asyncio.sleep(0)


async def beats(lease: Lease, count: int = 8) -> None:
    """Wait until a worker has beaten so often."""

    async def now() -> int:
        return (await workers(lease._database))[lease.id].beat

    target = await now() + count

    async def reached() -> bool:
        return await now() >= target

    await until(reached)


async def pause(lease: Lease) -> None:
    """As SIGSTOP: nothing of it runs any more, its row stays."""
    assert lease._task is not None
    lease._stopping.set()
    await lease._task


def resume(lease: Lease) -> None:
    lease._stopping.clear()
    lease._task = asyncio.create_task(lease._run())


async def removed(lease: Lease) -> None:
    """Wait until the others have removed a worker that does not run."""
    id_ = lease.id

    async def gone() -> bool:
        return id_ not in await workers(lease._database)

    await until(gone)


async def held(lease: Lease) -> str:
    return await lease._database.write(lease.hold)


async def test_a_worker_is_a_row_while_it_works(
    database: Database, make_lease: MakeLease, database_url: str
) -> None:
    lease = await make_lease(database_url, "host:1")
    assert {row.label for row in (await workers(database)).values()} == {"host:1"}
    assert await held(lease) == lease.id
    await beats(lease, 2)
    await lease.start()  # changes nothing
    first = lease.id
    await lease.stop()
    assert await workers(database) == {}
    for refused in (held(lease), lease.confirm(first), lease.renew(), lease.write(_nothing)):
        with pytest.raises(Fenced) as fenced:
            await refused
        assert fenced.value.owner == first
    assert await workers(database) == {}, "what is stopped does not begin anew by itself"
    await lease.start()
    assert list(await workers(database)) == [lease.id] != [first]


async def _nothing(_session: AsyncSession, _owner: str) -> None: ...


async def test_workers_that_beat_let_each_other_live(postgres: Any, make_lease: MakeLease) -> None:
    url = postgres.create_database()
    leases = [await make_lease(url, str(number), patience=20) for number in range(3)]
    ids = {lease.id for lease in leases}
    for lease in leases:
        await beats(lease, 30)
    assert {lease.id for lease in leases} == ids == set(await workers(leases[0]._database))


async def test_one_that_stands_still_is_removed_with_its_links(
    postgres: Any, make_lease: MakeLease, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgres.create_database()
    living, dead = await make_lease(url, "living"), await make_lease(url, "dead:7")
    database = living._database

    async def link(session: AsyncSession) -> None:
        session.add_all(LinkRow(app_id="cli_a", worker=lease.id) for lease in (living, dead))

    await database.write(link)
    await pause(dead)
    await removed(dead)
    async with database.session() as session:
        assert list((await session.exec(select(LinkRow.worker))).all()) == [living.id]
    assert "dead:7 stands still" in caplog.text
    assert "living stands still" not in caplog.text


async def test_on_sqlite_the_newest_is_the_only_one(sqlite_url: str, make_lease: MakeLease) -> None:
    """One bot per file: what the last one left is taken over at once. Two bots by mistake do not tear each other."""
    first = await make_lease(sqlite_url, "first", beat_every=60)

    async def link(session: AsyncSession) -> None:
        session.add(LinkRow(app_id="cli_a", worker=first.id))

    await first._database.write(link)
    second = await make_lease(sqlite_url, "second", beat_every=60)
    assert list(await workers(second._database)) == [second.id]
    async with second._database.session() as session:
        assert (await session.exec(select(LinkRow))).all() == []
    await first.renew()
    assert set(await workers(second._database)) == {first.id, second.id}
    assert {await held(first), await held(second)} == {first.id, second.id}


async def test_a_paused_worker_is_fenced_off_and_begins_anew(
    postgres: Any, make_lease: MakeLease, caplog: pytest.LogCaptureFixture
) -> None:
    """faults.md 31: what it does under the old name is refused, and it says so."""
    url = postgres.create_database()
    awake, paused = await make_lease(url, "awake"), await make_lease(url, "paused")
    told: list[tuple[str, str]] = []
    old = paused.id
    paused.on_fenced(lambda id_: told.append((id_, paused.id)))
    await paused.confirm(old)
    await pause(paused)
    await removed(paused)
    with pytest.raises(Fenced) as fenced:
        await held(paused)
    assert fenced.value.owner == old
    assert told == []
    resume(paused)

    async def anew() -> bool:
        return bool(told)

    await until(anew)
    assert told == [(old, paused.id)]
    assert paused.id not in (old, awake.id)
    with pytest.raises(Fenced):
        await paused.confirm(old)
    await paused.confirm(paused.id)
    assert await held(paused) == paused.id
    assert caplog.text.count("taken for dead") == 1
    await beats(awake, 10)
    assert set(await workers(awake._database)) == {awake.id, paused.id}
    assert len(told) == 1


async def test_writing_as_a_worker_begins_anew_first(
    database: Database, make_lease: MakeLease, database_url: str
) -> None:
    """It does not wait for the next beat, and nothing is written under a name that is gone."""
    lease = await make_lease(database_url, beat_every=60)
    old = lease.id

    async def remove(session: AsyncSession) -> None:
        await session.delete(await session.get_one(WorkerRow, old))

    await database.write(remove)
    seen: list[str] = []

    async def work(_session: AsyncSession, owner: str) -> str:
        seen.append(owner)
        return owner

    assert await lease.write(work) == lease.id != old
    assert seen == [lease.id]


async def test_nobody_is_removed_in_the_middle_of_a_write(postgres: Any, make_lease: MakeLease) -> None:
    """`hold` keeps the row until the commit; a beat does not wait for it, and the others do not wait either."""
    url = postgres.create_database()
    writer, other = await make_lease(url), await make_lease(url)
    row = (await workers(other._database))[writer.id]
    await pause(writer)
    async with asyncio.timeout(20), AsyncSession(writer._database._engine) as session:
        assert await writer.hold(session) == writer.id
        row = (await workers(other._database))[writer.id]
        assert not await other._remove(row), "in the middle of a write"
        await writer.renew()
        await session.commit()
    assert not await other._remove(row), "it has beaten meanwhile"
    assert await held(writer) == writer.id
    assert await other._remove((await workers(other._database))[writer.id])
    with pytest.raises(Fenced):
        await held(writer)


async def test_two_watchers_remove_one_once(postgres: Any, make_lease: MakeLease) -> None:
    url = postgres.create_database()
    watchers = [await make_lease(url, beat_every=60) for _ in range(4)]
    for _ in range(20):
        dead = await make_lease(url, beat_every=60)
        row = (await workers(dead._database))[dead.id]
        await pause(dead)
        assert sum(await asyncio.gather(*(watcher._remove(row) for watcher in watchers))) == 1


async def test_confirming_costs_nothing_after_a_beat(
    database: Database, make_lease: MakeLease, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trust lasts three beats and counts from before the beat; then it asks the database."""
    now = 1000.0
    lease = await make_lease(database_url, beat_every=60, clock=lambda: now)
    asked = 0
    write = lease._database.write

    async def counted(work: Any) -> Any:
        nonlocal asked
        asked += 1
        return await write(work)

    monkeypatch.setattr(lease._database, "write", counted)
    now += 179
    await lease.confirm(lease.id)
    assert asked == 0
    now += 1
    await lease.confirm(lease.id)
    await lease.confirm(lease.id)
    assert asked == 1

    async def away(_work: Any) -> None:
        raise DatabaseUnavailable("gone")

    now += 180
    with monkeypatch.context() as patch:
        patch.setattr(lease._database, "write", away)
        await lease.confirm(lease.id)
        with pytest.raises(Fenced):
            await lease.confirm("somebody else")

    old = lease.id

    async def remove(session: AsyncSession) -> None:
        await session.delete(await session.get_one(WorkerRow, old))

    await database.write(remove)
    with pytest.raises(Fenced):
        await lease.confirm(old)
    await lease.confirm(lease.id)


async def test_clocks_that_jump_change_nothing(
    postgres: Any, make_lease: MakeLease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """faults.md 32: every wall clock of the process jumps by hours, each time it is read."""
    import datetime as module
    import time

    hours = itertools.cycle([3600.0, -3600.0, 86400.0])
    real = time.time
    url = postgres.create_database()
    leases = [await make_lease(url, str(number), patience=20) for number in range(2)]
    ids = {lease.id for lease in leases}

    class Jumping(module.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return module.datetime.fromtimestamp(real() + next(hours), tz)

    monkeypatch.setattr(time, "time", lambda: real() + next(hours))
    monkeypatch.setattr("nonebot_plugin_feishu_ws.storage.base.datetime", Jumping)
    leases.append(await make_lease(url, "late", patience=20))
    for lease in leases:
        await beats(lease, 24)
    assert set(await workers(leases[0]._database)) == ids | {leases[2].id}
    await pause(leases[1])
    await removed(leases[1])


async def test_after_a_machine_slept_nobody_is_dead(postgres: Any, make_lease: MakeLease) -> None:
    """faults.md 31: two replicas on it wake up after hours. One looks before the other had its chance to beat, as
    often as it likes within one beat: a look counts once per beat of its own."""
    url = postgres.create_database()
    now = 0.0
    one, other = [await make_lease(url, beat_every=60, clock=lambda: now) for _ in range(2)]
    for _ in range(3):  # as they were before
        await one.renew()
        await one._watch()
        await other.renew()
        await other._watch()
    now += 8 * 3600
    await one.renew()
    await one._watch()
    await other.renew()
    await other._watch()
    await one._watch()
    assert set(await workers(one._database)) == {one.id, other.id}
    for lease in (one, other):
        await lease.confirm(lease.id)


async def test_orphans_are_rows_of_the_dead_and_of_nobody(
    database: Database, make_lease: MakeLease, database_url: str
) -> None:
    lease = await make_lease(database_url)

    async def insert(session: AsyncSession) -> None:
        for number, owner in enumerate([lease.id, "dead", ""]):
            session.add(
                EventRow(connector="cli_a", event_id=str(number), event_type="t", payload=b"", owner=owner)
            )

    await database.write(insert)

    async def orphans() -> set[str]:
        async with database.session() as session:
            return set(
                (await session.exec(select(EventRow.owner).where(orphaned(col(EventRow.owner))))).all()
            )

    assert await orphans() == {"dead", ""}
    me = lease.id
    await lease.stop()
    assert await orphans() == {"dead", "", me}


async def test_postgres_restarts_and_nobody_is_dead(
    postgres: Any, make_lease: MakeLease, caplog: pytest.LogCaptureFixture
) -> None:
    """faults.md 26: looks that fail do not count; said once, not once per beat."""
    url = postgres.create_database()
    leases = [await make_lease(url, str(number), beat_every=0.02, patience=20) for number in range(2)]
    ids = {lease.id for lease in leases}
    await asyncio.to_thread(postgres.stop)
    try:

        async def noticed() -> bool:
            return "cannot show" in caplog.text

        await until(noticed)
        for lease in leases:
            with pytest.raises(DatabaseUnavailable):
                await lease.renew()
        await leases[1].stop()
    finally:
        await asyncio.to_thread(postgres.start)
    await beats(leases[0], 2)
    assert leases[0].id in ids
    await removed(leases[1])
    assert caplog.text.count("cannot show") <= 2
    assert "only after a while" in caplog.text
