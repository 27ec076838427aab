"""Who blocks the event loop is named; who is merely busy, or was put to sleep with the whole machine, is not."""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Iterator

import pytest

from nonebot_plugin_feishu_ws.runtime.watchdog import Watchdog


class Log(logging.Handler):
    """Collects; may be written to from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.others = {thread.ident for thread in threading.enumerate()}
        self.news = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.threadName == "feishu-ws watchdog" and record.thread not in self.others:
            self.lines.append(record.getMessage())
            self.news.set()


@pytest.fixture
def log() -> Iterator[Log]:
    handler = Log()
    logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    dog = Watchdog(patience=0.5, pause=0.01)
    yield dog
    dog.stop()


def a_handler_that_blocks(seconds: float) -> None:
    time.sleep(seconds)


async def said(log: Log, count: int) -> list[str]:
    async with asyncio.timeout(20):
        while len(log.lines) < count:
            await asyncio.to_thread(log.news.wait, 1)
            log.news.clear()
    return log.lines


async def test_a_blocked_loop_is_reported_once_with_place_and_time(watchdog: Watchdog, log: Log) -> None:
    """faults.md 33: a handler blocks the loop → watchdog reports."""
    watchdog.start()
    a_handler_that_blocks(1.8)
    where, duration = await said(log, 2)
    assert "a_handler_that_blocks" in where
    assert "time.sleep(seconds)" in where
    assert 1 < float(duration.split()[-2]) < 5
    assert len(log.lines) == 2


async def test_a_busy_loop_is_not_blocked(watchdog: Watchdog, log: Log) -> None:
    watchdog.start()
    clock = asyncio.get_running_loop().time
    until = clock() + 1
    while clock() < until:
        a_handler_that_blocks(0.01)
        await asyncio.sleep(0)
    assert log.lines == []


async def test_it_ends_with_the_runtime(watchdog: Watchdog) -> None:
    before = set(threading.enumerate())
    watchdog.start()
    (thread,) = set(threading.enumerate()) - before
    watchdog.start()
    watchdog.stop()
    assert not thread.is_alive()
    watchdog.stop()


async def test_a_frozen_process_blames_nobody(log: Log) -> None:
    """The thread, too, was away for much longer than it meant to wait: as after SIGSTOP, or a laptop's lid."""
    hours = itertools.count(step=3600.0)
    watchdog = Watchdog(patience=0.1, pause=0.01, clock=lambda: next(hours))
    watchdog.start()
    a_handler_that_blocks(0.5)
    watchdog.stop()
    assert log.lines == []
