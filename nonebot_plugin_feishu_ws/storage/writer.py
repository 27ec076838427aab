"""SQLite's one writer: whole transactions in a thread of its own, and what comes with every event in one commit."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlmodel.ext.asyncio.session import AsyncSession

from .straight import run_straight

_T = TypeVar("_T")
_Outcome = tuple[Any, BaseException | None]


@dataclass(eq=False, slots=True)
class _Order:
    work: Callable[[AsyncSession], Awaitable[Any]]
    shared: bool
    context: contextvars.Context
    end: asyncio.Future[Any]


class Writer:
    """Runs transactions in order; those that may share a commit all with the first of them.

    Args:
        engine: of a driver that is not async; its connections may be used in any thread.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._orders: list[_Order] = []
        self._thread: ThreadPoolExecutor | None = None
        self._running: asyncio.Future[list[_Outcome]] | None = None

    async def write(self, work: Callable[[AsyncSession], Awaitable[_T]], *, shared: bool) -> _T:
        """Run `work` and commit it. It may wait for nothing but its session.

        Once begun it goes on to its end, also when the caller is cancelled, who then waits for that end.

        Args:
            work: makes up the transaction.
            shared: it may have company in its commit. It is run again, alone, if that is refused.
        """
        loop = asyncio.get_running_loop()
        order = _Order(work, shared, contextvars.copy_context(), loop.create_future())
        self._orders.append(order)
        loop.call_soon(self._begin)  # after all who write at this very moment
        try:
            await asyncio.wait((order.end,))
        except asyncio.CancelledError:
            if order in self._orders:
                self._orders.remove(order)
            else:
                await asyncio.wait((order.end,))
                order.end.exception()  # nobody else asks for it
            raise
        return order.end.result()

    async def under_way(self) -> None:
        """Wait for the end of the commit that is under way, if one is."""
        if self._running is not None:
            await asyncio.wait((self._running,))

    async def close(self) -> None:
        """Carry out what waits, end the thread and close its connection."""
        self._begin()
        while self._running is not None:
            await self.under_way()
        if self._thread is not None:
            # There, not here: the last connection brings what was written from the log into the file.
            await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
            self._thread.shutdown()
            self._thread = None

    def _begin(self) -> None:
        if self._running is not None or not self._orders:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "feishu-ws writer")
        first = self._orders[0]
        orders = [order for order in self._orders if order.shared] if first.shared else [first]
        self._orders = [order for order in self._orders if order not in orders]

        def ended(running: asyncio.Future[list[_Outcome]]) -> None:
            self._running = None
            for order, (result, error) in zip(orders, running.result(), strict=True):
                if error is None:
                    order.end.set_result(result)
                else:
                    order.end.set_exception(error)
            self._begin()

        # Not in a task: nobody may cancel it.
        loop = asyncio.get_running_loop()
        self._running = loop.run_in_executor(self._thread, self._transact, orders)
        self._running.add_done_callback(ended)

    def _transact(self, orders: Sequence[_Order]) -> list[_Outcome]:
        return self._together(orders) if len(orders) > 1 else [self._alone(orders[0])]

    def _together(self, orders: Sequence[_Order]) -> list[_Outcome]:
        """All in one transaction; where one of them is refused each in its own."""
        begun, results = False, list[Any]()
        try:
            with self._engine.begin() as connection:
                begun = True
                for order in orders:
                    results.append(order.context.run(run_straight, order.work, connection, commit=False))
            return [(result, None) for result in results]
        except BaseException as error:
            if not begun or len(results) == len(orders):  # it is nobody's own fault
                return [(None, error) for _ in orders]
        return [self._alone(order) for order in orders]

    def _alone(self, order: _Order) -> _Outcome:
        try:
            with self._engine.connect() as connection:
                return order.context.run(run_straight, order.work, connection, commit=True), None
        except BaseException as error:
            return None, error
