"""Stopping one connector, or all: what runs may finish, what waits is handed on, and nothing is left running."""

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field

import pytest
from nonebot import on_message
from nonebot.adapters import Event

from nonebot_plugin_feishu_ws.runtime.families import cancel_with_children


@dataclass
class Work:
    """What a plugin's handlers did: `quick` ends when told to, `endless` is only ended by its cancellation."""

    begun: Counter[str] = field(default_factory=Counter[str])
    ended: Counter[str] = field(default_factory=Counter[str])
    cancelled: Counter[str] = field(default_factory=Counter[str])
    release: asyncio.Event = field(default_factory=asyncio.Event)
    patient: bool = True
    """Whether `endless` is."""


@pytest.fixture
def work(matchers) -> Work:
    work = Work()
    labour = on_message(priority=1, block=True)
    matchers.append(labour)

    @labour.handle()
    async def run(event: Event) -> None:
        text = event.get_plaintext()
        work.begun[text] += 1
        try:
            if text == "quick":
                await work.release.wait()
            elif work.patient:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            work.cancelled[text] += 1
            raise
        work.ended[text] += 1

    return work


async def test_a_connector_that_is_stopped_is_drained(connect, runtime, work, monkeypatch, all_tasks) -> None:
    monkeypatch.setattr("nonebot_plugin_feishu_ws.runtime.runtime._GRACE", 0.5)
    before = all_tasks()
    company = await connect()
    link = runtime._supervisor.get(company.app.app_id)
    bob = company.sandbox.world.add_user("Bob")
    await company.ask("quick")
    await company.sandbox.world.say(bob, company.sandbox.world.direct_chat(bob, company.app), "endless")
    await company.until(lambda: work.begun.total() == 2)
    other = await connect()
    beside = await other.ask("quick")
    await other.until(lambda: work.begun["quick"] == 2)

    stopping = asyncio.create_task(runtime.disconnect(company.app.app_id))
    await company.sandbox.hub.wait_disconnected(company.app)
    assert work.ended.total() == work.cancelled.total() == 0
    assert not stopping.done()
    work.release.set()
    await stopping
    assert work.ended == Counter(quick=2)
    assert work.cancelled == Counter(endless=1)
    assert await other.acked(beside) == 200
    assert "quick" not in work.cancelled
    assert company.app.app_id not in runtime._bots._pairs
    await runtime.disconnect(other.app.app_id)
    idle = Counter({"RequestHandler.start": 100})  # the platform's ends of connections that may be used again
    await company.until(lambda: not all_tasks() - before - idle)

    # What was given back is handled again; what was finished is not.
    work.patient = False
    await runtime.connect(link.spec)
    await company.until(lambda: work.ended["endless"])
    await runtime.drained()
    assert work.begun == Counter(quick=2, endless=2)
    assert runtime.room.in_hand == 0


async def test_a_connector_that_is_replaced_lets_its_handlers_run(company, runtime, work) -> None:
    link = runtime._supervisor.get(company.app.app_id)
    await company.ask("quick")
    await company.until(lambda: work.begun.total() == 1)
    await runtime.disconnect(company.app.app_id, replaced=True)
    await runtime.connect(link.spec)
    work.release.set()
    await company.until(lambda: work.ended.total() == 1)
    await runtime.drained()
    assert (work.begun, work.cancelled) == (Counter(quick=1), Counter())


async def test_nothing_is_left_running(
    launch, feishu_sandbox, database_url, work, monkeypatch, all_tasks
) -> None:
    monkeypatch.setattr("nonebot_plugin_feishu_ws.runtime.runtime._GRACE", 0.3)
    tasks, threads = all_tasks(), set(threading.enumerate())
    bot = await launch(feishu_sandbox, database_url)
    app = await bot.add("butler")
    await bot.connected(app)
    world = feishu_sandbox.world
    alice = world.add_user("Alice")
    for text in ("quick", "endless"):
        await world.say(alice, world.direct_chat(alice, app), text)
    await bot.unless(lambda: work.begun.total() < 2)
    work.release.set()
    await bot.stop()
    assert (work.ended, work.cancelled) == (Counter(quick=1), Counter(endless=1))
    await bot.unless(lambda: all_tasks() != tasks)
    assert not [thread for thread in set(threading.enumerate()) - threads if "feishu" in thread.name]

    work.patient = False
    bot = await launch(feishu_sandbox, database_url)
    await bot.unless(lambda: not work.ended["endless"])
    await bot.runtime.drained()
    assert work.begun == Counter(quick=1, endless=2)


async def test_what_is_shielded_is_cancelled_with_its_parent() -> None:
    """As NoneBot does it: a matcher runs in a task group's child that does not mind its parent's cancellation."""
    import anyio

    inside, ended = asyncio.Event(), []

    async def matcher() -> None:
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as group:
                group.start_soon(handler)

    async def handler() -> None:
        with anyio.CancelScope(shield=True):
            inside.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ended.append("handler")
                raise

    async def event() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(matcher)

    task, bystander = asyncio.create_task(event()), asyncio.create_task(asyncio.Event().wait())
    await inside.wait()
    task.cancel()
    await asyncio.wait([task], timeout=0.1)
    assert not task.done(), "it is shielded"
    cancel_with_children([task])
    await asyncio.wait([task], timeout=20)
    assert task.cancelled()
    assert ended == ["handler"]
    assert not bystander.done()
    bystander.cancel()
