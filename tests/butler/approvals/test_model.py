"""Random lives of an approval against a model: which step is taken, and which is refused."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.butler.approvals import ApprovalStore, Question, Questions, Share
from nonebot_plugin_feishu_ws.storage import ApprovalRow, ApprovalState, Database, DatabaseClock, WorkerRow

WORKERS = st.sampled_from(["one", "two"])
STEPS = st.one_of(
    st.tuples(st.just("decide"), st.sampled_from(["approved", "rejected", "cancelled"])),
    st.tuples(st.sampled_from(["claim", "reclaim", "die"]), WORKERS),
    st.tuples(st.just("finish"), WORKERS, st.sampled_from(["done", "failed", "unknown"])),
    st.tuples(st.sampled_from(["expire", "abandon", "settle", "time passes"])),
)
OVER = {"done", "failed", "unknown", "rejected", "expired", "cancelled"}
_examples = itertools.count()


@dataclass
class Model:
    """What should be."""

    state: str = "pending"
    owner: str = ""
    settled: bool = False
    late: bool = False
    alive: set[str] = field(default_factory=lambda: {"one", "two"})

    def step(self, what: tuple[str, ...]) -> bool:
        """Whether the step is taken."""
        match what:
            case ("decide", state):
                won = self.state == "pending" and not self.late
                if self.state == "pending":
                    self.state = "expired" if self.late else state
                return won
            case ("expire",):
                return self._to("expired", self.state == "pending" and self.late)
            case ("claim", worker) if worker in self.alive:
                return self._to("executing", self.state == "approved", worker)
            case ("reclaim", worker) if worker in self.alive:
                return self._to(
                    "executing", self.state == "executing" and self.owner not in self.alive, worker
                )
            case ("abandon",):
                return self._to("unknown", self.state == "executing" and self.owner not in self.alive)
            case ("finish", worker, state):
                return self._to(state, self.state == "executing" and self.owner == worker)
            case ("settle",):
                told = self.state in OVER and not self.settled
                self.settled |= told
                return told
            case _:
                raise AssertionError(what)

    def _to(self, state: str, taken: bool, owner: str | None = None) -> bool:
        if taken:
            self.state = state
            self.owner = owner or self.owner
        return taken


class Clock:
    """Of SQLite; PostgreSQL has one of its own, which a test cannot set."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url)
    await database.start()
    yield database
    await database.close()


async def nothing(_session: AsyncSession, _row: ApprovalRow) -> None: ...


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=15))
async def test_random_lives(database: Database, life: list[tuple[str, ...]]) -> None:
    example, now = str(next(_examples)), Clock()
    clock, share = DatabaseClock(database, now), Share(database)
    store = ApprovalStore(share, clock)
    workers = {name: f"{name}-{example}" for name in ("one", "two")}
    await database.write(
        lambda s: _add(s, [WorkerRow(id=worker, label=worker) for worker in workers.values()])
    )
    asked = Question("cli_a", "oc", None, "om", example, "0", example, "deploy", "{}", "", "", ("oc",))
    row, fresh = await Questions(share, clock, timedelta(hours=1)).ask(asked, nothing)
    assert fresh
    model, told = Model(), 0

    async def tell(_session: AsyncSession, _row: ApprovalRow) -> None:
        nonlocal told
        told += 1

    for step in life:
        if step == ("time passes",):
            if database.is_sqlite:
                now.time += timedelta(hours=2)
                model.late = True
            continue
        if step[0] in ("die", "claim", "reclaim") and step[1] not in model.alive:
            continue  # `Lease.hold` raises; see tests/delivery
        if step[0] == "die":
            model.alive.discard(step[1])
            gone = delete(WorkerRow).where(col(WorkerRow.id) == workers[step[1]])
            await database.write(lambda s, gone=gone: s.exec(gone))
            continue
        taken = await take(store, row.id, step, workers, tell)
        assert bool(taken) is model.step(step), step
        found = await store.get(row.id)
        assert found is not None
        assert found.state == model.state, step
        assert found.owner == workers.get(model.owner, "")
        assert (found.finished_at is not None) is model.settled
    assert told <= 1


async def take(
    store: ApprovalStore, approval_id: str, step: tuple[str, ...], workers: dict[str, str], tell: Any
) -> Any:
    """Try a step."""

    async def hold(_session: AsyncSession) -> str:
        return workers[step[1]]

    match step:
        case ("claim", _):
            return await store.claim(approval_id, hold)
        case ("reclaim" | "abandon" as how, *_):
            found = await store.get(approval_id)
            assert found is not None
            more = (hold,) if how == "reclaim" else ()
            return await getattr(store, how)(approval_id, found.owner, *more)
        case ("decide", state):
            return (await store.decide(approval_id, ApprovalState(state), "ou_boss"))[1]
        case ("finish", worker, state):
            end = ApprovalState(state)
            return await store.finish(approval_id, workers[worker], end, result=None, error=None)
        case ("settle",):
            return await store.settle(approval_id, tell)
        case _:
            return await getattr(store, step[0])(approval_id)


async def _add(session: AsyncSession, rows: list[WorkerRow]) -> None:
    session.add_all(rows)
