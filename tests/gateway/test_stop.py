"""stop() ends everything, wherever it strikes."""

import asyncio
import gc
from dataclasses import replace

import pytest

from nonebot_plugin_feishu_ws.gateway import Ack, Limits, State


@pytest.fixture
async def stopped_clean(footprint, platform):
    """Stops a connection and asserts that the loop holds what it held before the test."""
    before = footprint.now()

    async def check(connection, within=10):
        async with asyncio.timeout(within):
            await connection.stop()
        assert connection.status.state is State.DISCONNECTED
        assert connection.status.next_retry_at is None
        assert not len(connection._pool)
        await footprint.restored(before)

    return check


async def test_before_start_and_twice(platform, connect, stopped_clean):
    connection = connect(platform)
    await stopped_clean(connection)
    await stopped_clean(connection)
    assert platform.requests == []


async def test_at_once(platform, connect, stopped_clean):
    connection = connect(platform)
    assert connection.status.state is State.CONNECTING
    await stopped_clean(connection)


@pytest.mark.parametrize("stage", ["bootstrap", "handshake"])
async def test_while_the_platform_hangs(platform, connect, stopped_clean, stage):
    platform.hangs = {stage}
    connection = connect(platform)
    await asyncio.wait_for(platform.held.wait(), 5)
    await stopped_clean(connection)


async def test_while_connected_says_goodbye(platform, connect, stopped_clean):
    connection = connect(platform)
    peer = await platform.peer()
    await asyncio.wait_for(connection.wait_for(State.CONNECTED), 5)
    await stopped_clean(connection)
    await asyncio.wait_for(peer.closed.wait(), 5)
    assert peer.close_code == 1000


async def test_while_backing_off(platform, connect, stopped_clean, wire):
    platform.bootstrap = wire.http(500)
    connection = connect(platform, policy=replace(wire.EAGER, first=1000, cap=1000))
    await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
    await stopped_clean(connection)


async def test_while_blocked(platform, connect, stopped_clean, wire):
    platform.bootstrap = wire.http(200, {"code": 403})
    connection = connect(platform, policy=replace(wire.EAGER, blocked_interval=1000))
    await asyncio.wait_for(connection.wait_for(State.BLOCKED), 5)
    await stopped_clean(connection)


async def test_while_waiting_for_the_pacer(platform, connect, stopped_clean, wire):
    from nonebot_plugin_feishu_ws.gateway import BootstrapPacer

    pacer = BootstrapPacer(per_second=0.001)
    await pacer.turn()
    connection = connect(platform, pacer=pacer)
    for _ in range(5):
        await asyncio.sleep(0)
    await stopped_clean(connection)


async def test_while_nothing_can_be_written(platform, connect, wire, footprint, until):
    """The peer takes nothing, so the closing handshake, and what is still to be sent before it, never gets out."""
    before = footprint.now()
    gate = asyncio.Event()

    async def handler(_):
        await gate.wait()
        return Ack(data={"big": "x" * 1_000_000})

    connection = connect(platform, handler, timings=replace(wire.QUICK, drain=0.05, close=0.05))
    peer = await platform.peer()
    peer.send(*(wire.data_frame() for _ in range(12)))
    await until(lambda: connection.counters.get("events") == 12)
    peer.freeze()
    gate.set()
    await asyncio.wait_for(connection.stop(), 10)
    await until(lambda: footprint.now().sockets <= before.sockets)  # a paused one is not counted
    peer.writer.transport.abort()
    await footprint.restored(before)


async def test_handlers_may_finish_and_ack_first(platform, connect, stopped_clean, wire):
    started, gate = asyncio.Event(), asyncio.Event()

    async def handler(_):
        started.set()
        await gate.wait()
        return Ack()

    connection = connect(platform, handler)
    peer = await platform.peer()
    peer.send(wire.data_frame())
    await asyncio.wait_for(started.wait(), 5)
    stopping = asyncio.ensure_future(connection.stop())
    await asyncio.sleep(0)
    gate.set()
    assert (await peer.ack())[1] == {"code": 200}
    await stopping
    await stopped_clean(connection)


async def test_unfinished_handlers_are_cancelled_and_acked_500(platform, connect, stopped_clean, wire):
    started = asyncio.Event()

    async def handler(_):
        started.set()
        await asyncio.Event().wait()

    connection = connect(platform, handler, timings=replace(wire.QUICK, drain=0.05))
    peer = await platform.peer()
    peer.send(wire.data_frame())
    await asyncio.wait_for(started.wait(), 5)
    await stopped_clean(connection)
    assert (await peer.ack())[1] == {"code": 500}


async def test_handlers_whose_link_is_gone_are_ended_too(platform, connect, stopped_clean, wire, until):
    cancelled = asyncio.Event()

    async def handler(_):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    policy = replace(wire.EAGER, first=1000, cap=1000)
    connection = connect(platform, handler, policy=policy, timings=replace(wire.QUICK, drain=0.05))
    peer = await platform.peer()
    peer.send(wire.data_frame())
    await until(lambda: connection.counters.get("events") == 1)
    platform.bootstrap = wire.http(500)
    peer.reset()
    await until(lambda: connection.status.attempt == 2)
    assert not cancelled.is_set()
    await stopped_clean(connection)
    assert cancelled.is_set()


async def test_with_the_reader_held_back(platform, connect, stopped_clean, wire, until):
    async def handler(_):
        await asyncio.Event().wait()

    connection = connect(
        platform, handler, limits=Limits(running=1), timings=replace(wire.QUICK, drain=0.05, handler=100)
    )
    peer = await platform.peer()
    peer.send(*(wire.data_frame() for _ in range(5)))
    await until(lambda: connection.counters.get("events") == 1)
    await stopped_clean(connection)


async def test_a_handler_that_ignores_its_cancellation_cannot_hold_up_a_stop(platform, connect, wire, caplog):
    gate, started = asyncio.Event(), asyncio.Event()

    async def handler(_):
        started.set()
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return Ack()

    connection = connect(platform, handler, timings=replace(wire.QUICK, drain=0.05, close=0.05))
    (await platform.peer()).send(wire.data_frame())
    await asyncio.wait_for(started.wait(), 5)
    await asyncio.wait_for(connection.stop(), 10)
    assert "left behind" in caplog.text
    assert not len(connection._pool)
    gate.set()


async def test_from_a_handler(platform, connect, wire, footprint, until):
    before = footprint.now()
    made, stopped = [], asyncio.Event()

    async def handler(_):
        await made[0].stop()
        stopped.set()
        return Ack()

    made.append(connect(platform, handler))
    (await platform.peer()).send(wire.data_frame())
    await asyncio.wait_for(stopped.wait(), 10)
    assert made[0].status.state is State.DISCONNECTED
    await footprint.restored(before)


async def test_several_at_the_same_time(platform, connect, stopped_clean):
    connection = connect(platform)
    await platform.peer()
    await asyncio.gather(*(connection.stop() for _ in range(5)))
    await stopped_clean(connection)


async def test_a_stop_that_is_cancelled_goes_on(platform, connect, wire, footprint, until):
    before = footprint.now()

    async def handler(_):
        await asyncio.Event().wait()

    connection = connect(platform, handler, timings=replace(wire.QUICK, drain=0.05))
    (await platform.peer()).send(wire.data_frame())
    await until(lambda: connection.counters.get("events") == 1)
    stopping = asyncio.ensure_future(connection.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(RuntimeError, match="being stopped"):
        connection.start()
    await asyncio.wait_for(connection.wait_for(State.DISCONNECTED), 10)
    await asyncio.gather(stopping, return_exceptions=True)
    await footprint.restored(before)


async def test_the_loop_shutting_down_cancels_everything_alike(platform, connect, wire, footprint, until):
    """As asyncio.run() does with whoever forgot to stop."""
    before = footprint.now()

    async def handler(_):
        await asyncio.Event().wait()

    connection = connect(platform, handler, timings=replace(wire.QUICK, drain=0.05))
    peer = await platform.peer()
    peer.send(wire.data_frame())
    await until(lambda: connection.counters.get("events") == 1)
    tasks = asyncio.all_tasks() - before.tasks
    ours = [task for task in tasks if "_feishu_ws/gateway" in task.get_coro().cr_code.co_filename]
    assert len(ours) >= 4
    for task in ours:
        task.cancel()
    await asyncio.wait_for(connection.wait_for(State.DISCONNECTED), 10)
    await footprint.restored(before)


async def test_started_again_after_a_stop(platform, connect, wire, stopped_clean):
    connection = connect(platform)
    for _ in range(3):
        connection.start()
        connection.start()  # does nothing while running
        peer = await platform.peer()
        assert await peer.ask(wire.data_frame()) == {"code": 200}
        await stopped_clean(connection)
    assert connection.counters["connections"] == 3


async def test_after_any_number_of_loop_steps(platform, connect, wire, stopped_clean):
    """From before the first step to well after the first ack, one step later each time; then everything again
    with attempts that fail first, so that the retries are walked through as well.
    """
    reached = set()
    for gone in (False, True):
        platform.bootstraps = []
        for steps in range(120):
            if gone:
                platform.bootstraps = [wire.http(500), wire.http(200, {"code": 1})]
            platform.behind_101 = wire.encode_message(wire.data_frame().SerializeToString())
            states = []
            connection = connect(platform, on_status=lambda status: states.append(status.state))  # noqa: B023
            for _ in range(steps):
                await asyncio.sleep(0)
            reached.add(connection.status.state)
            if connection.counters.get("acked"):
                reached.add("acked")
            await stopped_clean(connection)
            assert states[-1] is State.DISCONNECTED
    gc.collect()  # a response that nobody closed would warn here
    assert reached >= {State.CONNECTING, State.CONNECTED, State.RECONNECTING, "acked"}


async def test_cancelled_twice_after_any_number_of_loop_steps(platform, connect, wire, footprint):
    """The clean-up itself is cut short: nothing may stay behind then either."""
    before = footprint.now()
    for first in (3, 20, 60, 100):
        for second in range(12):
            connection = connect(platform)
            for _ in range(first):
                await asyncio.sleep(0)
            connection._task.cancel()
            for _ in range(second):
                await asyncio.sleep(0)
            connection._task.cancel()
            await asyncio.wait({connection._task})
            await footprint.restored(before)
