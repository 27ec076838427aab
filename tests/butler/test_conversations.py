"""Turns of one conversation run one after another, others beside them; stop cuts in."""

import asyncio

import pytest

from nonebot_plugin_feishu_ws.butler import Conversations


async def test_in_order_and_never_overlapping() -> None:
    conversations = Conversations()
    log: list[str] = []
    gates = [asyncio.Event() for _ in range(3)]

    async def work(n: int) -> None:
        log.append(f"start {n}")
        await gates[n].wait()
        log.append(f"end {n}")

    turns = [asyncio.create_task(conversations.take("chat").run(lambda n=n: work(n))) for n in range(3)]
    for gate in reversed(gates):
        gate.set()
    await asyncio.gather(*turns)
    assert log == ["start 0", "end 0", "start 1", "end 1", "start 2", "end 2"]


async def test_other_conversations_do_not_wait() -> None:
    conversations = Conversations()
    never = asyncio.Event()
    stuck = asyncio.create_task(conversations.take("a").run(never.wait))  # pyright: ignore
    await asyncio.wait_for(conversations.take("b").run(lambda: asyncio.sleep(0)), 5)
    assert not stuck.done()
    assert conversations.stop("a") == 1
    await asyncio.wait_for(stuck, 5)


async def test_stop_ends_what_runs_and_what_waits() -> None:
    conversations = Conversations()
    started, cleaned = asyncio.Event(), asyncio.Event()
    ran_second = False

    async def first() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    async def second() -> None:
        nonlocal ran_second
        ran_second = True

    turns = [asyncio.create_task(conversations.take("chat").run(work)) for work in (first, second)]
    await started.wait()
    assert conversations.stop("chat") == 2
    await asyncio.wait_for(asyncio.gather(*turns), 5)
    assert cleaned.is_set()
    assert not ran_second
    assert conversations.stop("chat") == 0


async def test_a_failure_is_raised_and_the_next_turn_runs() -> None:
    conversations = Conversations()

    async def fail() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError):
        await conversations.take("chat").run(fail)
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    await conversations.take("chat").run(work)
    assert done.is_set()


async def test_a_cancelled_caller_takes_its_turn_along() -> None:
    conversations = Conversations()
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    caller = asyncio.create_task(conversations.take("chat").run(work))
    await started.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.wait_for(ended.wait(), 5)
    assert conversations.stop("chat") == 0


async def test_a_place_is_kept_from_when_it_is_taken() -> None:
    conversations = Conversations()
    log: list[str] = []

    async def work(name: str) -> None:
        log.append(name)

    first, second, third = (conversations.take("chat") for _ in range(3))
    late = asyncio.create_task(second.run(lambda: work("second")))
    await asyncio.sleep(0)
    assert log == []
    third.leave()  # somebody else has taken care of it
    third.leave()
    await first.run(lambda: work("first"))
    await late
    await third.run(lambda: work("third after all"))
    assert log == ["first", "second", "third after all"]
    assert conversations.stop("chat") == 0
