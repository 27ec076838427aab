"""New events, endings and log lines in one commit: and what the database refuses of one takes no other with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.delivery import Accepted, EventRejected, Inbox, Incoming, LogAction, LogBook
from nonebot_plugin_feishu_ws.storage import Database, EventRow

Make = Callable[..., Awaitable[Inbox]]
Message = Callable[..., Incoming]


class Moment:
    """A good time to write, which everybody waits for until it comes."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._come = asyncio.Event()
        self._come.set()
        self._waiting = 0
        self._all = asyncio.Event()
        monkeypatch.setattr(database, "moment", self)

    async def __call__(self) -> None:
        if not self._come.is_set():
            self._waiting += 1
            if self._waiting == 3:
                self._all.set()
        await self._come.wait()

    def delay(self) -> None:
        """It does not come until `come`."""
        self._come.clear()

    async def come(self) -> None:
        """It comes, once the inbox, the endings and the log wait for it."""
        await self._all.wait()
        self._come.set()


@pytest.fixture
def moment(database: Database, monkeypatch: pytest.MonkeyPatch) -> Moment:
    return Moment(database, monkeypatch)


@pytest.fixture
async def log(database: Database, moment: Moment) -> AsyncIterator[LogBook]:
    log = LogBook(database, linger=0, retry_first=0.01, retry_most=0.05)
    log.start()
    yield log
    await log.stop()


async def states(database: Database) -> dict[str, str]:
    async with database.session() as session:
        found = (await session.exec(select(EventRow.event_id, EventRow.state))).all()
        return {event_id: state.value for event_id, state in found}


async def test_what_waits_of_everything_is_in_one_commit(
    database: Database, moment: Moment, log: LogBook, make_inbox: Make, message: Message
) -> None:
    """On SQLite, where each commit keeps the next one waiting; PostgreSQL carries them out at the same time."""
    inbox = await make_inbox(database)
    before = await inbox.accept(message(1))
    assert isinstance(before, Accepted)
    commits: list[object] = []
    if database._writer is not None:
        event.listen(database._writer._engine, "commit", commits.append)
    moment.delay()
    accepting = asyncio.gather(*(inbox.accept(message(number)) for number in (2, 3)))
    inbox.done(before.row_id)
    log.write(LogAction.WS_ROUTED)
    await moment.come()
    assert [type(answer) for answer in await accepting] == [Accepted, Accepted]
    await inbox.flush()
    await log.flush()
    assert await states(database) == {"ev1": "done", "ev2": "received", "ev3": "received"}
    assert len((await log.read()).entries) == 1
    assert len(commits) == (1 if database.is_sqlite else 0)


async def test_an_event_that_is_refused_takes_neither_endings_nor_lines_with_it(
    database: Database, moment: Moment, log: LogBook, make_inbox: Make, message: Message
) -> None:
    inbox = await make_inbox(database)
    before = await inbox.accept(message(1))
    assert isinstance(before, Accepted)
    moment.delay()
    events = [message(2), message(3, event_id="ev\ud800"), message(4)]
    accepting = asyncio.gather(*(inbox.accept(each) for each in events), return_exceptions=True)
    inbox.done(before.row_id)
    log.write(LogAction.WS_ROUTED)
    await moment.come()
    assert [type(answer) for answer in await accepting] == [Accepted, EventRejected, Accepted]
    await inbox.flush()
    await log.flush()
    assert await states(database) == {"ev1": "done", "ev2": "received", "ev4": "received"}
    assert len((await log.read()).entries) == 1


async def test_a_log_that_takes_nothing_keeps_no_event_out(
    database: Database, moment: Moment, log: LogBook, make_inbox: Make, message: Message
) -> None:
    """Its table is broken, which is an outage on both; the lines wait for it, and nobody for them."""
    inbox = await make_inbox(database)
    before = await inbox.accept(message(1))
    assert isinstance(before, Accepted)

    async def rename(session: AsyncSession, old: str, new: str) -> Any:
        return await (await session.connection()).execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    await database.write(lambda session: rename(session, "feishu_ws_log", "elsewhere"))
    moment.delay()
    accepting = asyncio.create_task(inbox.accept(message(2)))
    inbox.done(before.row_id)
    log.write(LogAction.WS_ROUTED)
    await moment.come()
    assert isinstance(await accepting, Accepted)
    await inbox.flush()
    assert await states(database) == {"ev1": "done", "ev2": "received"}
    assert log.dropped == 0
    await database.write(lambda session: rename(session, "elsewhere", "feishu_ws_log"))
    await log.flush()
    assert len((await log.read()).entries) == 1
