"""`stop` across processes: a turn that takes longer is noted in the database, where any process can mark it.

The mark is on the turn itself and goes with it: it stops no other, and if the process dies before it has looked, the
one that takes the turn over finds it. While nothing runs nobody looks.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Generator, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, tuple_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ..delivery import Fenced, Lease, orphaned
from ..storage import Database, DatabaseUnavailable, MergedRow, TurnRow, utc_now
from .history import Conversation
from .turn import Turn

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_EVERY = 0.5  # seconds
_MOMENT = 0.1  # seconds: what is over by then is not worth a commit
_ENDS_WITHIN = 2.0  # seconds
_LOST = timedelta(hours=1)
_Key = tuple[str, str]
"""app_id and event_id."""


class _Heard:
    def __init__(self, turn: Turn, stop: Callable[[], bool]) -> None:
        self.key: _Key = (turn.app_id, turn.event.event_id)
        self.conversation = turn.conversation
        self.stop = stop
        self.noted = False
        self.told = False


class Stops:
    """The turns of this process that others may stop, and those of others. `close()` it.

    An SQLite file belongs to one bot: there are no others, and nothing is written.

    Args:
        database: started.
        lease: This process at work.
        every: Seconds between two looks, while a turn runs.
    """

    def __init__(self, database: Database, lease: Lease, *, every: float = _EVERY) -> None:
        self._database = database
        insert = database.insert(TurnRow)
        # A turn that was another process's keeps its mark: it is the same turn.
        self._put = insert.on_conflict_do_update(
            index_elements=["connector", "event_id"], set_={"owner": insert.excluded.owner}
        )
        self._lease = lease
        self._every = every
        self._heard: dict[_Key, _Heard] = {}
        self._over: set[_Key] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def heard(self, turn: Turn, stop: Callable[[], bool]) -> Generator[None]:
        """While the block lasts others can stop a turn.

        Args:
            turn: The turn.
            stop: Stops it; False if it cannot be stopped now. Called until it says True.
        """
        if self._database.is_sqlite:
            yield
            return
        mine = _Heard(turn, stop)
        self._heard[mine.key] = mine
        self._over.discard(mine.key)
        self._news.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="feishu-ws stops")
        try:
            yield
        finally:
            if self._heard.get(mine.key) is mine:
                del self._heard[mine.key]
                if mine.noted:
                    self._over.add(mine.key)
                    self._news.set()

    async def close(self) -> None:
        """Listen no more. What is still noted then is a dead process's, and counts for nobody."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            with contextlib.suppress(DatabaseUnavailable, Fenced):
                await self._note()

    async def in_conversation(self, conversation: Conversation) -> int:
        """Stop what other processes do in a conversation; they hear of it within a second.

        Returns:
            How many turns that were.

        Raises:
            DatabaseUnavailable: Nobody was told.
        """
        return await self._mark(*_of(conversation))

    async def one(self, app_id: str, chat_id: str, event_id: str) -> bool:
        """Stop one turn, of another process, in that chat; False: none has it, or it was told before.

        Raises:
            DatabaseUnavailable: Nobody was told.
        """
        found = await self._mark(
            col(TurnRow.connector) == app_id,
            col(TurnRow.event_id) == event_id,
            col(TurnRow.chat_id) == chat_id,
        )
        return found > 0

    async def ended(self, conversation: Conversation) -> None:
        """Wait until what was told to stop there has stopped; for a moment only, another process may be busy.

        Raises:
            DatabaseUnavailable: Nobody knows.
        """
        if self._database.is_sqlite:
            return
        left = select(TurnRow.event_id).where(
            *_of(conversation),
            col(TurnRow.stop).is_(True),
            col(TurnRow.owner) != self._lease.id,
            ~orphaned(col(TurnRow.owner)),
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_WITHIN):
                while True:
                    async with self._database.session() as session:
                        if (await session.exec(left.limit(1))).first() is None:
                            return
                    await asyncio.sleep(self._every / 2)

    async def _mark(self, *which: ColumnElement[bool]) -> int:
        if self._database.is_sqlite:
            return 0
        mark = (
            update(TurnRow)
            .where(
                *which,
                col(TurnRow.stop).is_(False),
                col(TurnRow.owner) != self._lease.id,
                ~orphaned(col(TurnRow.owner)),
            )
            .values(stop=True)
            .returning(col(TurnRow.connector), col(TurnRow.event_id))
        )

        async def work(session: AsyncSession) -> int:
            told = [(row[0], row[1]) for row in (await session.exec(mark)).all()]
            # Messages that are answered in the turn of another are no turns of their own.
            parts = select(MergedRow.event_id).where(
                tuple_(col(MergedRow.connector), col(MergedRow.event_id)).in_(told)
            )
            return len(told) - len((await session.exec(parts)).all()) if told else 0

        return await self._database.write(work)

    # --- listening ----------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        clock, looked = asyncio.get_running_loop().time, -math.inf
        while self._heard or self._over:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(looked + self._every):
                    await self._news.wait()
            await asyncio.sleep(min(_MOMENT, self._every))
            self._news.clear()
            try:
                await self._note()
                if clock() >= looked + self._every:
                    looked = clock()
                    await self._look()
            except (DatabaseUnavailable, Fenced) as error:
                logger.debug("a stop from another process would not be heard now: %s", error)
            except Exception:  # a defect must not end all looks
                logger.exception("a stop from another process cannot be heard")

    async def _note(self) -> None:
        """Write which turns run, and which have ended."""
        new, over = [heard for heard in self._heard.values() if not heard.noted], tuple(self._over)
        if not new and not over:
            return

        async def work(session: AsyncSession, owner: str) -> None:
            ours = col(TurnRow.owner) == owner
            lost = and_(orphaned(col(TurnRow.owner)), col(TurnRow.created_at) < utc_now() - _LOST)
            if over:
                await session.exec(delete(TurnRow).where(ours, _any(over)))
                await session.exec(delete(TurnRow).where(lost))
            if new:
                connection = await session.connection()
                await connection.execute(self._put, [_row(heard, owner) for heard in new])

        for heard in new:  # before it is known: if it ends meanwhile, it is to be taken away
            heard.noted = True
        try:
            await self._lease.write(work)
        except BaseException:
            for heard in new:
                heard.noted = False
            raise
        self._over.difference_update(over)

    async def _look(self) -> None:
        told = select(TurnRow.connector, TurnRow.event_id).where(
            col(TurnRow.owner) == self._lease.id, col(TurnRow.stop).is_(True)
        )
        async with self._database.session() as session:
            keys = (await session.exec(told)).all()
        for key in keys:
            heard = self._heard.get(key)
            # Once: it takes a moment to say what was said so far, and must not be disturbed in that.
            if heard is not None and not heard.told:
                heard.told = heard.stop()


def _row(heard: _Heard, owner: str) -> dict[str, object]:
    connector, chat_id, thread_id = heard.conversation
    return {
        "connector": connector,
        "event_id": heard.key[1],
        "chat_id": chat_id,
        "thread_id": thread_id or "",
        "owner": owner,
        "stop": False,
        "created_at": utc_now(),
    }


def _of(conversation: Conversation) -> tuple[ColumnElement[bool], ...]:
    connector, chat_id, thread_id = conversation
    return (
        col(TurnRow.connector) == connector,
        col(TurnRow.chat_id) == chat_id,
        col(TurnRow.thread_id) == (thread_id or ""),
    )


def _any(keys: Sequence[_Key]) -> ColumnElement[bool]:
    return tuple_(col(TurnRow.connector), col(TurnRow.event_id)).in_(keys)
