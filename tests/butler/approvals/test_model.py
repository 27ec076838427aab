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

from nonebot_plugin_feishu_ws.butler.approvals import ApprovalStore, DatabaseClock, Question, Questions
from nonebot_plugin_feishu_ws.storage import ApprovalRow, ApprovalState, Database, WorkerRow

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
    clock = DatabaseClock(database, now)
    store = ApprovalStore(database, clock)
    workers = {name: f"{name}-{example}" for name in ("one", "two")}
    await database.write(
        lambda s: _add(s, [WorkerRow(id=worker, label=worker) for worker in workers.values()])
    )
    asked = Question("cli_a", "oc", None, "om", example, "0", example, "deploy", "{}", "", "", ("oc",))
    row, fresh = await Questions(database, clock, timedelta(hours=1)).ask(asked, nothing)
    assert fresh
    model, told = Model(), 0

    async def hold(name: str) -> str:
        return workers[name]

    async def tell(_session: AsyncSession, _row: ApprovalRow) -> None:
        nonlocal told
        told += 1

    for step in life:
        taken: Any
        match step:
            case ("time passes",):
                if not database.is_sqlite:
                    continue
                now.time += timedelta(hours=2)
                model.late = True
                continue
            case ("die", worker):
                model.alive.discard(worker)
                gone = delete(WorkerRow).where(col(WorkerRow.id) == workers[worker])
                await database.write(lambda s, gone=gone: s.exec(gone))
                continue
            case ("claim" | "reclaim" as how, worker):
                if worker not in model.alive:
                    continue  # `Lease.hold` raises; see tests/delivery
                taken = await getattr(store, how)(row.id, lambda _, worker=worker: hold(worker))
            case ("decide", state):
                _, taken = await store.decide(row.id, ApprovalState(state), "ou_boss")
            case ("finish", worker, state):
                taken = await store.finish(
                    row.id, workers[worker], ApprovalState(state), result=None, error=None
                )
            case ("settle",):
                taken = await store.settle(row.id, tell)
            case _:
                taken = await getattr(store, step[0])(row.id)
        assert bool(taken) is model.step(step), step
        found = await store.get(row.id)
        assert found is not None
        assert found.state == model.state, step
        assert found.owner == workers.get(model.owner, "")
        assert (found.finished_at is not None) is model.settled
    assert told <= 1


async def _add(session: AsyncSession, rows: list[WorkerRow]) -> None:
    session.add_all(rows)
