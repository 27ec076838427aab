"""Handlers under way."""

import asyncio

from nonebot_plugin_feishu_ws.gateway.pool import HandlerPool
from nonebot_plugin_feishu_ws.runtime import watchdog


async def test_a_task_cancelled_before_its_first_step_is_not_left_behind(caplog):
    pool = HandlerPool(2)
    pool.start(asyncio.sleep(1000), now=0)
    for task in pool._running:
        task.cancel()
    await pool.drain(1, 1)
    assert not len(pool)
    assert [record for record in caplog.records if record.name != watchdog.logger.name] == []


async def test_room_comes_with_the_first_to_leave():
    pool = HandlerPool(2)
    gates = [asyncio.Event() for _ in range(2)]

    async def work(gate):
        await gate.wait()
        pool.leave()

    for gate in gates:
        pool.start(work(gate), now=0)
    waiting = asyncio.ensure_future(pool.room())
    await asyncio.sleep(0)
    assert pool.full
    assert not waiting.done()
    gates[1].set()
    await asyncio.wait_for(waiting, 5)
    assert len(pool) == 1
    gates[0].set()
    await pool.drain(5, 5)
