"""What is written with what: a spool that waits a little for more."""

import asyncio
from collections.abc import Sequence
from typing import Any

from nonebot_plugin_feishu_ws.delivery.spool import Spool


class Written:
    """Batches, as they are written."""

    def __init__(self) -> None:
        self.batches: asyncio.Queue[list[int]] = asyncio.Queue()

    async def __call__(self, items: Sequence[int]) -> None:
        self.batches.put_nowait(list(items))

    async def next(self) -> list[int]:
        async with asyncio.timeout(20):
            return await self.batches.get()


async def at_once() -> None:
    """Any moment is good."""


def spool(written: Written, **options: Any) -> Spool[int]:
    made: Spool[int] = Spool(
        "numbers",
        written,
        **{
            "moment": at_once,
            "max_batch": 3,
            "capacity": None,
            "retry_first": 1,
            "retry_most": 1,
            **options,
        },
    )
    made.start()
    return made


async def test_what_comes_within_the_linger_is_written_together() -> None:
    written = Written()
    numbers = spool(written, linger=0.05)
    numbers.put(1)
    await asyncio.sleep(0)  # the first one has been noticed
    numbers.put(2)
    assert await written.next() == [1, 2]
    await numbers.stop()


async def test_what_comes_until_the_moment_is_written_together() -> None:
    written, moment = Written(), asyncio.Event()
    numbers = spool(written, moment=moment.wait)
    numbers.put(1)
    await asyncio.sleep(0)  # the first one has been noticed
    numbers.put(2)
    await asyncio.sleep(0)
    assert written.batches.empty()
    moment.set()
    assert await written.next() == [1, 2]
    await numbers.stop()


async def test_a_full_batch_waits_for_nobody() -> None:
    written, never = Written(), asyncio.Event()
    numbers = spool(written, linger=3600, moment=never.wait)
    for number in range(3):
        numbers.put(number)
    assert await written.next() == [0, 1, 2]
    await numbers.stop()


async def test_whoever_flushes_or_stops_does_not_wait() -> None:
    written = Written()
    numbers = spool(written, linger=3600)
    async with asyncio.timeout(20):
        for number in range(2):
            numbers.put(number)
            await asyncio.sleep(0)
            await numbers.flush()
            assert written.batches.get_nowait() == [number]
        numbers.put(2)
        await asyncio.sleep(0)
        await numbers.stop()
    assert written.batches.get_nowait() == [2]


async def test_the_next_ones_linger_again() -> None:
    written = Written()
    numbers = spool(written, linger=0.05)
    numbers.put(1)
    await numbers.flush()
    numbers.put(2)
    await asyncio.sleep(0)
    assert written.batches.qsize() == 1
    numbers.put(3)
    await written.next()
    assert await written.next() == [2, 3]
    await numbers.stop()
