"""Puts the rooms together and runs them: from NoneBot's start-up to its shutdown."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import nonebot
from nonebot.adapters.feishu import Adapter as StockAdapter

from ..adapter import Bot, MessageEvent
from ..butler import Butler, CommandsBrain, Turn, install, say, taken, tools
from ..config import Settings
from ..connectors import ConnectorSpec, Link, LinkStopped, Supervisor, Surroundings
from ..delivery import Inbox, InboxUnavailable, LogAction, LogBook, LogLevel
from ..gateway import BootstrapPacer, ReconnectPolicy, State, Status
from ..screening import speech
from ..storage import Database
from ..texts import Texts, locale_for
from .bots import Bots
from .dispatch import Dispatcher
from .intake import Intake, replayed

if TYPE_CHECKING:
    from feishu_sandbox import Sandbox

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_GRACE = 4.0  # seconds handlers may take to finish at shutdown
_KEYS_KEPT = timedelta(hours=48)
_PRUNE_EVERY = 3600.0  # seconds
_MOST_ATTEMPTS = 5  # an event that was being handled when the process died that often is a dead letter

_LOGGED = {
    State.CONNECTING: (LogAction.WS_CONNECTING, LogLevel.INFO),
    State.CONNECTED: (LogAction.WS_CONNECTED, LogLevel.INFO),
    State.RECONNECTING: (LogAction.WS_RECONNECTING, LogLevel.WARNING),
    State.DISCONNECTED: (LogAction.WS_DISCONNECTED, LogLevel.INFO),
    State.BLOCKED: (LogAction.WS_BLOCKED, LogLevel.ERROR),
}


_LEVELS = {LogLevel.INFO: logging.INFO, LogLevel.WARNING: logging.WARNING, LogLevel.ERROR: logging.ERROR}


class Runtime:
    """Everything that runs, once.

    Args:
        settings: As loaded.
        adapter: Where bots are registered.
        database_url: Where events and logs are kept.
    """

    def __init__(self, settings: Settings, adapter: StockAdapter, database_url: str) -> None:
        self._settings = settings
        self.database = Database(database_url)
        self._inbox = Inbox(self.database)
        self.logbook = LogBook(self.database)
        self._bots = Bots(adapter, self.logbook)
        self._dispatcher = Dispatcher(self._inbox, self.logbook, self._bots)
        self._intake = Intake(self._inbox, self.logbook, self._dispatcher.submit, self._dispatcher.click)
        self._supervisor = Supervisor(self._intake.receive, self._on_status)
        self._session: aiohttp.ClientSession | None = None
        self._around: Surroundings | None = None
        self._sandbox: Sandbox | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        if settings.butler == "commands":
            starts = sorted(nonebot.get_driver().config.command_start)
            install(Butler(CommandsBrain(tools, command_starts=starts, taken=taken)), self._turn)

    async def prepare(self) -> None:
        """Bring the database up to date and begin to store. Part of NoneBot's start-up."""
        await self.database.start()
        self._inbox.start()
        self.logbook.start()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )
        self._around = Surroundings(
            session=self._session,
            pacer=BootstrapPacer(),
            policy=ReconnectPolicy(max_attempts=self._settings.reconnect_max_attempts),
            default_url=self._settings.url,
        )
        self._spawn(self._prune())

    async def open(self) -> None:
        """Connect what is to be connected. After every plugin has started up."""
        specs = list(self._settings.connectors)
        if self._settings.sandbox:
            from .local import start_sandbox

            locale = locale_for(self._settings.locale, self._settings.url)
            self._sandbox, specs = await start_sandbox(specs, locale)
        if not self._settings.enabled:
            logger.info("FEISHU_WS__ENABLED is false: no connection is opened")
            return
        if not specs:
            logger.warning(
                "no connector: set FEISHU_WS__CONNECTORS, or FEISHU_WS__SANDBOX=true to try it out"
            )
        for spec in specs:
            if not spec.enabled:
                logger.info("%s: not enabled", spec.name)
            elif spec.app_id in nonebot.get_bots():
                logger.error("%s: another adapter has connected %s; it is left alone", spec.name, spec.app_id)
            else:
                await self.connect(spec)

    async def connect(self, spec: ConnectorSpec) -> Link:
        """Run a connector: first what an earlier run left undone, then what comes.

        Raises:
            ValueError: It runs already.
            InboxUnavailable: The database is away.
        """
        assert self._around is not None, "connectors run between start-up and shutdown"
        link = self._supervisor.add(spec, self._around)
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
        await asyncio.gather(*(link.stop() for link in self._supervisor))
        await self._dispatcher.close(_GRACE)
        for link in self._supervisor:
            await self.disconnect(link.spec.app_id)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._inbox.stop()
        await self.logbook.stop()
        if self._session is not None:
            await self._session.close()
        await self.database.close()
        if self._sandbox is not None:
            await self._sandbox.stop()

    async def _prune(self) -> None:
        while True:
            try:
                await self._inbox.prune(_KEYS_KEPT)
            except InboxUnavailable as error:
                logger.warning("old events are not pruned now: %s", error)
            await asyncio.sleep(_PRUNE_EVERY)

    def _on_status(self, link: Link, status: Status) -> None:
        action, level = _LOGGED[status.state]
        error = "" if status.error is None else f": {status.error}"
        logger.log(_LEVELS[level], "%s: %s%s", link.spec.name, status.state, error)
        self.logbook.write(
            action,
            level=level,
            connector=link.spec.app_id,
            name=link.spec.name,
            detail={"attempt": status.attempt, "error": str(status.error) if status.error else None},
        )
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
        texts = Texts(locale_for(self._settings.locale, link.base_url))
        return Turn(
            text=speech(event) or "",
            connector=link.spec.name,
            app_id=bot.self_id,
            chat_id=event.chat_id,
            thread_id=event.thread_id,
            open_id=event.get_user_id(),
            texts=texts,
            bot=bot,
            event=event,
            status=lambda: _status(link, bot, texts),
            say=lambda text: say(bot, event, text),
        )


def _status(link: Link, bot: Bot, texts: Texts) -> str:
    status = link.status

    def at(moment: datetime | None) -> str:
        return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else texts.never()

    return texts.status(
        bot.identity.app_name,
        link.spec.name,
        status.state,
        at(status.connected_at),
        at(status.last_heartbeat),
        str(status.error) if status.error else None,
    )
