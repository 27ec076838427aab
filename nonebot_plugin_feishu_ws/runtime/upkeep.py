"""What is done again and again beside the connectors: taking over what was left undone, and forgetting what is old."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable
from datetime import timedelta

from ..butler import Histories
from ..config import Settings
from ..connectors import Supervisor
from ..delivery import Inbox, InboxUnavailable, Outbox
from ..storage import DatabaseUnavailable
from ..telemetry import about
from .dispatch import Dispatcher
from .jobs import replayed
from .management import Management
from .room import Room

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_PRUNE_EVERY = 3600.0  # seconds
_SWEEP_EVERY = 1.0  # seconds: what another process left is found within this


class Sweep:
    """Takes over events that nobody has in hand: the process that had them died, or gave them back.

    Args:
        inbox: Where they are.
        room: Where each finds its place; no more are claimed than there are places.
        dispatcher: Takes them.
        supervisor: The connectors that run here.
    """

    def __init__(self, inbox: Inbox, room: Room, dispatcher: Dispatcher, supervisor: Supervisor) -> None:
        self._inbox = inbox
        self._room = room
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._looks = asyncio.Semaphore(4)
        """Thousands of connectors may start at once: here they wait as long as it takes, for a connection 5 s."""

    async def take_over(self, app_ids: Collection[str], *, limit: int | None = None) -> None:
        """Submit what is left of some apps' events.

        Raises:
            InboxUnavailable: The database is away.
        """
        async with self._looks:
            async for left in self._inbox.unfinished(app_ids, limit=limit):
                link = self._supervisor.get(left.incoming.app_id)
                if link is None:  # stopped meanwhile
                    self._inbox.give_back(left.row_id)
                    continue
                job = replayed(link, left)
                self._room.add(job.chat)
                with about(job.link.spec.name, job.link.spec.app_id, job.event_id):
                    self._dispatcher.submit(job)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_EVERY)
            app_ids = [link.spec.app_id for link in self._supervisor]
            with contextlib.suppress(InboxUnavailable):  # the lease has said that the database is away
                await self.take_over(app_ids, limit=self._room.free)


async def prune(
    settings: Settings,
    inbox: Inbox,
    outbox: Outbox,
    management: Management,
    others: Iterable[Callable[[], Awaitable[object]]],
) -> None:
    """Forget what is old, every hour, until cancelled.

    Args:
        settings: How long is long enough.
        inbox, outbox, management: Whose rows are kept for a time.
        others: Prune what they keep themselves.
    """
    events, logs = timedelta(days=settings.keep_events), timedelta(days=settings.keep_logs)
    conversations = timedelta(days=settings.keep_conversations)
    histories = Histories(management.database)
    while True:
        try:
            await inbox.prune(events, dead_older_than=max(logs, events))
            await outbox.prune(events)
            await histories.prune(conversations)
            for other in others:
                await other()
            await management.logbook.prune(logs)
        except (InboxUnavailable, DatabaseUnavailable) as error:
            logger.warning("old events and log rows are not pruned now: %s", error)
        await asyncio.sleep(_PRUNE_EVERY)
