"""Puts the rooms together and runs them: from NoneBot's start-up to its shutdown."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nonebot
from nonebot.adapters.feishu import Adapter as StockAdapter
from nonebot.message import run_postprocessor

from ..adapter import Bot, MessageEvent
from ..butler import Butler, CommandsBrain, Turn, brains, install, taken, tools
from ..config import Settings
from ..connectors import ConnectorSpec, Link, LinkStopped, StrangerWatch, Supervisor, Surroundings
from ..delivery import Inbox, InboxUnavailable, Lease, LogAction, LogLevel
from ..gateway import BootstrapPacer, ReconnectPolicy, State, Status
from ..storage import DatabaseUnavailable
from ..texts import Texts, locale_for
from .bots import Bots
from .dispatch import Dispatcher
from .intake import Intake, replayed
from .keeper import Keeper
from .management import Management
from .takers import note_taker
from .turns import turn_of

if TYPE_CHECKING:
    from feishu_sandbox import Sandbox

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_GRACE = 4.0  # seconds handlers may take to finish at shutdown
_KEYS_KEPT = timedelta(hours=48)
_LOG_KEPT = timedelta(days=30)
_PRUNE_EVERY = 3600.0  # seconds
_MOST_ATTEMPTS = 5  # an event that was being handled when the process died that often is a dead letter

_LOGGED = {
    State.CONNECTING: (LogAction.WS_CONNECTING, LogLevel.INFO, logging.INFO),
    State.CONNECTED: (LogAction.WS_CONNECTED, LogLevel.INFO, logging.INFO),
    State.RECONNECTING: (LogAction.WS_RECONNECTING, LogLevel.WARNING, logging.WARNING),
    State.DISCONNECTED: (LogAction.WS_DISCONNECTED, LogLevel.INFO, logging.INFO),
    State.BLOCKED: (LogAction.WS_BLOCKED, LogLevel.ERROR, logging.ERROR),
}


class Runtime:
    """Everything that runs, once.

    Args:
        settings: As loaded.
        adapter: Where bots are registered.
        data: The plugin's data directory.
    """

    def __init__(self, settings: Settings, adapter: StockAdapter, data: Path) -> None:
        self._settings = settings
        self.management = Management(settings, data, changed=lambda: self._keeper.wake())
        self._lease = Lease(self.management.database, label=f"{socket.gethostname()}:{os.getpid()}")
        self._inbox = Inbox(self.management.database)
        logbook = self.management.logbook
        self._bots = Bots(adapter, logbook)
        self._butler = _commands_butler() if settings.butler == "commands" else None
        expect = self._butler.expect if self._butler else None
        self._dispatcher = Dispatcher(
            self._inbox, logbook, self._bots, expect, lambda app_id: self._supervisor.get(app_id)
        )
        self._intake = Intake(self._inbox, logbook, self._dispatcher.submit, self._dispatcher.click)
        self._supervisor = Supervisor(self._intake.receive, self._on_status)
        self._keeper = Keeper(self.management, self._supervisor, self.connect, self.disconnect)
        self._around: Surroundings | None = None
        self._sandbox: Sandbox | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self) -> None:
        """Take part in NoneBot's handling of events: the Butler's matcher, and the notes on who took what. Once."""
        run_postprocessor(note_taker)
        if self._butler is not None:
            install(self._butler, self._turn)

    async def prepare(self) -> None:
        """Open the database and begin to store. Part of NoneBot's start-up."""
        self.management.forget_local()
        await self.management.start()
        await self._lease.start()
        self.management.statuses.work_as(self._lease)
        if self._settings.enabled:
            await self.management.statuses.release_all()
        self._inbox.start()
        self._spawn(self._prune())

    async def open(self) -> None:
        """Connect what is to be connected. After every plugin has started up."""
        if self._settings.sandbox:
            from .local import start_sandbox

            locale = locale_for(self._settings.locale, self._settings.url)
            self._sandbox, specs = await start_sandbox(self._settings.connectors, locale)
            self.management.configured = specs
            self.management.announce_local(self._sandbox.url)
        if not self._settings.enabled:
            logger.info("FEISHU_WS__ENABLED is false: no connection is opened")
            return
        await self._keeper.look()
        if not list(self._supervisor):
            logger.warning(
                "no connector is to be connected: feishu-ws list shows those there are, add makes one"
            )
        self._spawn(self._keeper.keep())
        self._spawn(self._keeper.report())
        self._spawn(
            StrangerWatch(lambda: self._supervisor, self.management.statuses, self.management.logbook).watch()
        )

    async def connect(self, spec: ConnectorSpec) -> Link:
        """Run a connector: first what an earlier run left undone, then what comes.

        Raises:
            ValueError: It runs already.
            InboxUnavailable: The database is away.
        """
        link = self._supervisor.add(spec, self._surroundings())
        async for left in self._inbox.unfinished(spec.app_id):
            if left.attempts > _MOST_ATTEMPTS:
                self._inbox.dead(left.row_id, f"the process died {_MOST_ATTEMPTS} times while it was handled")
            else:
                self._dispatcher.submit(replayed(link, left))
        link.start()
        return link

    async def disconnect(self, app_id: str) -> None:
        """Stop a connector and take its bot away from NoneBot. Unknown ones are ignored."""
        link = self._supervisor.get(app_id)
        if link is not None:
            await self._supervisor.stop(app_id)
            self._bots.remove(link)

    async def drained(self) -> None:
        """Wait until everything that was taken in is handled."""
        await self._dispatcher.drained()

    async def close(self) -> None:
        """Stop taking, let handlers finish, flush, close. Nothing is left running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(link.stop() for link in self._supervisor))
        await self._dispatcher.close(_GRACE)
        for link in self._supervisor:
            await self.disconnect(link.spec.app_id)
        await self._inbox.stop()
        with contextlib.suppress(DatabaseUnavailable):
            await self.management.statuses.forget()
        await self._lease.stop()
        await self.management.stop()
        if self._sandbox is not None:
            self.management.announce_local(None)
            await self._sandbox.stop()

    def _surroundings(self) -> Surroundings:
        if self._around is None:
            self._around = Surroundings(
                session=self.management.session,
                pacer=BootstrapPacer(),
                policy=ReconnectPolicy(max_attempts=self._settings.reconnect_max_attempts),
                default_url=self.management.default_url,
                connections=self._settings.connections,
            )
        return self._around

    async def _prune(self) -> None:
        while True:
            try:
                await self._inbox.prune(_KEYS_KEPT)
                await self.management.logbook.prune(_LOG_KEPT)
            except (InboxUnavailable, DatabaseUnavailable) as error:
                logger.warning("old events and log rows are not pruned now: %s", error)
            await asyncio.sleep(_PRUNE_EVERY)

    def _on_status(self, link: Link, status: Status) -> None:
        action, level, logged_as = _LOGGED[status.state]
        error = "" if status.error is None else f": {status.error}"
        standing = link.status
        several = {"open": standing.connections, "wanted": standing.wanted} if standing.wanted > 1 else {}
        count = " ({open} of {wanted} open)".format_map(several) if several else ""
        logger.log(logged_as, "%s: %s%s%s", link.spec.name, status.state, error, count)
        self.management.logbook.write(
            action,
            level=level,
            connector=link.spec.app_id,
            name=link.spec.name,
            detail={
                "attempt": status.attempt,
                "error": str(status.error) if status.error else None,
                **several,
            },
        )
        self._keeper.changed(link.spec.app_id, standing)
        if status.state is State.CONNECTED:
            self._spawn(self._introduce(link))

    async def _introduce(self, link: Link) -> None:
        """NoneBot hears of the bot as soon as it is connected and known, not at its first message."""
        with contextlib.suppress(LinkStopped):
            await self._bots.of(link)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _turn(self, bot: Bot, event: MessageEvent) -> Turn:
        link = self._bots.link_of(bot)
        return turn_of(link, bot, event, Texts(locale_for(self._settings.locale, link.base_url)))


def _commands_butler() -> Butler:
    starts = sorted(nonebot.get_driver().config.command_start)
    configured = CommandsBrain(tools, command_starts=starts, taken=taken)
    return Butler(lambda: brains.chosen(configured))
