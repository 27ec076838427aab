"""Puts the rooms together and runs them: from NoneBot's start-up to its shutdown."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncGenerator, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nonebot
from nonebot.adapters.feishu import Adapter as StockAdapter
from nonebot.message import run_postprocessor

from ..adapter import Bot, MessageEvent
from ..butler import Butler, CommandsBrain, Stops, Turn, brains, install, install_builtin, taken, tools
from ..config import Settings
from ..connectors import ConnectorSpec, Link, LinkStopped, StrangerWatch, Supervisor, Surroundings
from ..delivery import Inbox, Lease, Nonces, Outbox
from ..gateway import NOT_HERE, BootstrapPacer, GatewayError, ReconnectPolicy, Response, State, Status
from ..storage import DatabaseUnavailable
from ..texts import Texts, locale_for
from .approvals import Approvals
from .bots import Bots
from .dispatch import Dispatcher
from .intake import Intake
from .keeper import Keeper
from .management import Management
from .mcp import ToolServers
from .model import model_for
from .notes import Notes
from .posted import limit_bodies, serve
from .room import Room
from .takers import note_taker
from .tally import Tally
from .turns import turn_of
from .upkeep import Sweep, prune
from .vitals import Vitals
from .watchdog import Watchdog
from .ways import Ways

if TYPE_CHECKING:
    from feishu_sandbox import Sandbox

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_GRACE = 4.0  # seconds handlers may take to finish when their connector, or all, is stopped
_HANDLED_WITHIN, _FLUSHED_WITHIN, _CLOSED_WITHIN = 6.0, 8.0, 9.0  # seconds from the beginning of the stop
_SENT_WITHIN = 1.0  # seconds for requests that are under way at the end
_SETTLED_WITHIN = 2.0  # seconds to write how events ended


class Runtime:
    """Everything that runs, once.

    Args:
        settings: As loaded.
        adapter: Where bots are registered.
        data: The plugin's data directory.
    """

    def __init__(self, settings: Settings, adapter: StockAdapter, data: Path) -> None:
        self._settings = settings
        self.management = Management(
            settings,
            data,
            changed=lambda: self._keeper.wake(),
            decided=lambda: self._approvals.worker.wake(),
            running=self._spec_of,
        )
        self._lease = Lease(self.management.database, label=f"{socket.gethostname()}:{os.getpid()}")
        logbook = self.management.logbook
        self._tally = Tally()
        self._notes = Notes(logbook, lambda app_id: self._supervisor.get(app_id), self._tally)
        self._inbox = Inbox(self.management.database, self._lease, buried=self._notes.dead)
        self._bots = Bots(adapter, logbook)
        self._butler = None
        if settings.butler != "off":
            stops = Stops(self.management.database, self._lease)
            self._butler = Butler(lambda: brains.chosen(self._configured), stops)
        expect = self._butler.expect if self._butler else None
        self.room = Room()
        self._dispatcher = Dispatcher(
            self._inbox,
            self._notes,
            self._bots,
            self.room,
            expect=expect,
            link_of=lambda app_id: self._supervisor.get(app_id),
            confirm=self._lease.confirm,
            tally=self._tally,
        )
        self._lease.on_fenced(self._dispatcher.disown)
        self._intake = Intake(
            self._inbox, logbook, self.room, self._dispatcher.submit, self._dispatcher.click, self._tally
        )
        self._supervisor = Supervisor(self._intake.receive, self._on_status)
        self._sweep = Sweep(self._inbox, self.room, self._dispatcher, self._supervisor)
        self._outbox = Outbox(
            self.management.database, self._lease, logbook, Ways(self._supervisor, self._bots)
        )
        self._approvals = Approvals(
            settings, self.management, self._lease, self._outbox, self._bots, self._turn
        )
        self._commands = CommandsBrain(
            tools,
            command_starts=sorted(nonebot.get_driver().config.command_start),
            taken=taken,
        )
        self._tool_servers = ToolServers(settings, tools)
        self._llm = model_for(
            settings,
            self.management.database,
            self._lease,
            self._outbox,
            self._bots,
            self._butler,
            self._turn,
        )
        self._configured = self._llm.brain if self._llm else self._commands
        self._keeper = Keeper(self.management, self._supervisor, self.connect, self.disconnect)
        self._watchdog = Watchdog()
        self.vitals = Vitals(
            tally=self._tally,
            room=self.room,
            inbox=self._inbox,
            outbox=self._outbox,
            lease=self._lease,
            supervisor=self._supervisor,
            keeper=self._keeper,
            watchdog=self._watchdog,
            management=self.management,
            use=self._llm.brain.use if self._llm else None,
        )
        self._nonces = Nonces(self.management.database)
        self._unserved: GatewayError | None = None
        self._around: Surroundings | None = None
        self._sandbox: Sandbox | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self) -> None:
        """Take part in NoneBot's handling of events: the Butler's matcher, and the notes on who took what. Once."""
        run_postprocessor(note_taker)
        limit_bodies(nonebot.get_driver())
        if self._butler is not None:
            install_builtin(tools)
            install(self._butler, self._turn)
        self._approvals.listen()
        if self._llm is not None:
            self._llm.listen()

    async def prepare(self) -> None:
        """Open the database and begin to store. Part of NoneBot's start-up."""
        self._unserved = serve(nonebot.get_driver(), self._posted)
        self.management.forget_local()
        await self.management.start()
        self._watchdog.start()
        await self._lease.start()
        self.management.statuses.work_as(self._lease)
        if self._settings.enabled:
            await self.management.statuses.release_all()
        self._inbox.start()
        self._outbox.start()
        self._tool_servers.start()
        self._approvals.worker.start()
        if self._llm is not None:
            self._llm.resumer.start()
        others = [self._approvals.prune, self._nonces.prune, *([self._llm.brain.prune] if self._llm else [])]
        self._spawn(prune(self._settings, self._inbox, self._outbox, self.management, others))
        self._spawn(self._sweep.run())

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
        """Run a connector: first what others left undone, then what comes.

        Raises:
            ValueError: It runs already.
            InboxUnavailable: The database is away.
        """
        link = self._supervisor.add(spec, self._surroundings())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_WITHIN):
                await self._inbox.flush()  # what its predecessor gave back is to come first, too
        await self._sweep.take_over([spec.app_id])
        link.start()
        return link

    async def disconnect(self, app_id: str, *, replaced: bool = False) -> None:
        """Stop a connector and take its bot away from NoneBot. Unknown ones are ignored.

        Args:
            app_id: Its app.
            replaced: Another link follows at once: handlers run on, and are not given a few seconds only.
        """
        link = self._supervisor.get(app_id)
        if link is not None:
            await self._supervisor.stop(app_id)
            if not replaced:
                await self._dispatcher.drain(app_id, _GRACE)
            self._bots.remove(link)

    async def drained(self) -> None:
        """Wait until everything that was taken in is handled."""
        await self._dispatcher.drained()

    async def close(self) -> None:
        """Stop taking, let handlers finish, give back the rest, flush, close. Nothing is left running.

        What a handler that ignores its cancellation, or a database that does not answer, would keep waiting is left
        behind: it takes 9 s at most.
        """
        begun = asyncio.get_running_loop().time()
        async with _until(begun + _HANDLED_WITHIN, "handlers"):
            await asyncio.gather(
                self._dispatcher.close(_GRACE),
                self._approvals.worker.stop(_GRACE),
                self._stop_taking(),
                self._llm.resumer.stop(_GRACE) if self._llm else asyncio.sleep(0),
            )
        parting = asyncio.create_task(self._tool_servers.stop())  # no handler calls a tool any more
        async with _until(begun + _FLUSHED_WITHIN, "the database"):
            if self._butler is not None:
                await self._butler.close()
            if self._llm is not None:
                await self._llm.brain.close()  # handlers are at an end, and with them its answers
            await self._outbox.stop(_SENT_WITHIN)
            for link in self._supervisor:
                await self.disconnect(link.spec.app_id, replaced=True)
            await self._inbox.stop()
            with contextlib.suppress(DatabaseUnavailable):
                await self.management.statuses.forget()
            await self._lease.stop()
        async with _until(begun + _CLOSED_WITHIN, "the database"):
            await asyncio.gather(parting, self.management.stop())
        self._watchdog.stop()
        if self._sandbox is not None:
            self.management.announce_local(None)
            await self._sandbox.stop()

    async def _stop_taking(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(link.stop() for link in self._supervisor))

    def _surroundings(self) -> Surroundings:
        if self._around is None:
            self._around = Surroundings(
                session=self.management.session,
                pacer=BootstrapPacer(),
                policy=ReconnectPolicy(max_attempts=self._settings.reconnect_max_attempts),
                default_url=self.management.default_url,
                nonces=self._nonces,
                unserved=self._unserved,
                connections=self._settings.connections,
                pace=self.management.pacer,
            )
        return self._around

    async def _posted(self, app_id: str, headers: Mapping[str, str], body: bytes) -> Response:
        link = self._supervisor.get(app_id)
        return (None if link is None else await link.request(headers, body)) or NOT_HERE

    def _on_status(self, link: Link, status: Status) -> None:
        self._notes.status(link, status)
        self._keeper.changed(link.spec.app_id, link.status)
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

    def _spec_of(self, app_id: str) -> ConnectorSpec | None:
        link = self._supervisor.get(app_id)
        return None if link is None else link.spec

    def _turn(self, bot: Bot, event: MessageEvent, name: str = "say") -> Turn:
        link = self._bots.link_of(bot)
        texts = Texts(locale_for(self._settings.locale, link.base_url))
        asking, service = self._approvals.asking, self.management.service
        return turn_of(link, bot, event, texts, self._outbox, asking, service, name)


@contextlib.asynccontextmanager
async def _until(moment: float, what: str) -> AsyncGenerator[None]:
    """Cancel the block when its time is up, and go on behind it."""
    try:
        async with asyncio.timeout_at(moment):
            yield
    except TimeoutError:
        logger.warning("the stop does not wait any longer for %s", what)
