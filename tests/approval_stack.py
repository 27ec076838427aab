"""What one process has for approvals, put together on one database as the runtime does it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from nonebot_plugin_feishu_ws.butler import ToolRegistry
from nonebot_plugin_feishu_ws.butler.approvals import (
    ApprovalStore,
    Asking,
    CardRows,
    Carrying,
    Deciding,
    Questions,
    Share,
    Showing,
    Worker,
)
from nonebot_plugin_feishu_ws.delivery import Lease, LogBook, Outbox, Way
from nonebot_plugin_feishu_ws.storage import Database, DatabaseClock, utc_now


class Stack:
    """One process. The plugin must be loaded before this module is imported.

    Parameters:
        database: started.
        ways: for the outbox, by app id.
        seats, spec_of, superuser: see `Worker`, `Deciding`, `Carrying`.
        options: durations and limits other than the product's, and `now`, the time on SQLite.
    """

    def __init__(
        self,
        database: Database,
        ways: Mapping[str, Way],
        seats: Any,
        spec_of: Any,
        superuser: Any,
        **options: Any,
    ) -> None:
        self.database = database
        self.lease = Lease(database, label="replica", beat_every=options.get("beat_every", 30.0), patience=4)
        self.logbook = LogBook(database)
        self.outbox = Outbox(database, self.lease, self.logbook, ways)
        self.tools = ToolRegistry()
        clock, share = DatabaseClock(database, options.get("now", utc_now)), Share(database)
        self.store = ApprovalStore(share, clock)
        self.rows = CardRows(share, left_alone=timedelta(0))
        most = {"most_waiting": options["most_waiting"]} if "most_waiting" in options else {}
        self.questions = Questions(share, clock, options.get("ttl", timedelta(hours=1)), **most)
        self.asking = Asking(self.questions, self.outbox, self.logbook, spec_of)
        self.deciding = Deciding(
            self.store, self.rows, self.tools, self.logbook, spec_of, lambda: self.worker.wake()
        )
        self.showing = Showing(self.store, self.rows, self.tools, after=options.get("after", 0.0))
        self.carrying = Carrying(
            self.store, self.tools, self.deciding, self.lease, superuser, limit=options.get("limit", 30.0)
        )
        self.worker = Worker(
            self.store,
            self.showing,
            self.tools,
            self.carrying,
            self.outbox,
            self.logbook,
            self.lease,
            seats,
            every=options.get("every", 0.02),
        )

    async def start(self, *, working: bool = True, sending: bool = True) -> None:
        await self.lease.start()
        self.logbook.start()
        if sending:
            self.outbox.start()
        if working:
            self.worker.start()

    async def stop(self) -> None:
        await self.worker.stop(1.0)
        await self.outbox.stop()
        await self.logbook.stop()
        await self.lease.stop()
        await self.database.close()
