"""Keeps what runs equal to what should run, and says how it is doing."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import nonebot

from ..connectors import ConnectorSpec, Supervisor
from ..gateway import Status
from ..storage import DatabaseUnavailable
from .management import Management

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_LOOK_EVERY = 0.5  # seconds: a change made by another process is seen within this
_REPORT_EVERY = 2.0  # seconds between two looks at what is to be reported
_TOUCH_EVERY = 20.0  # seconds after which a report is renewed although nothing changed
_RESTARTS = ("app_secret", "domain", "proxy", "transport", "name")


class Keeper:
    """Compares the records with the links, again and again.

    Args:
        management: The records.
        supervisor: The links.
        connect: Runs a connector.
        disconnect: Stops the connector of an app.
    """

    def __init__(
        self,
        management: Management,
        supervisor: Supervisor,
        connect: Callable[[ConnectorSpec], Awaitable[object]],
        disconnect: Callable[[str], Awaitable[None]],
    ) -> None:
        self._management = management
        self._supervisor = supervisor
        self._connect = connect
        self._disconnect = disconnect
        self._woken = asyncio.Event()
        self._seen: object = None
        self._due: dict[str, Status] = {}
        self._foreign: set[str] = set()

    def wake(self) -> None:
        """Look at once: something was changed here."""
        self._seen = None
        self._woken.set()

    async def keep(self) -> None:
        """Compare until cancelled. While the database is away everything stays as it is."""
        away = False
        while True:
            try:
                await self.look()
                away = False
            except DatabaseUnavailable as error:
                if not away:
                    logger.warning("changes of connectors are not seen for now: %s", error)
                away = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _LOOK_EVERY)
            self._woken.clear()

    async def look(self) -> None:
        """Compare once, if anything changed since the last time."""
        held = await self._management.statuses.held()
        now = await self._management.store.revision(), held
        if now == self._seen:
            return
        self._seen = now
        everything = await self._management.service.everything()
        for connector in everything:
            if connector.locked is not None:
                logger.error("%s: not connected: %s", connector.spec.name, connector.locked)
        wanted = {
            connector.spec.app_id: connector.spec
            for connector in everything
            if connector.runnable and connector.spec.app_id not in held
        }
        running = {link.spec.app_id: link for link in self._supervisor}
        await asyncio.gather(
            *(self._disconnect(app_id) for app_id in running.keys() - wanted.keys()),
            *(self._apply(spec) for spec in wanted.values()),
        )

    async def _apply(self, spec: ConnectorSpec) -> None:
        link = self._supervisor.get(spec.app_id)
        if link is not None and any(getattr(link.spec, name) != getattr(spec, name) for name in _RESTARTS):
            await self._disconnect(spec.app_id)
            link = None
        if link is not None:
            link.spec = spec  # a change of policy counts from the next event on
        elif spec.app_id in nonebot.get_bots():
            if spec.app_id not in self._foreign:
                self._foreign.add(spec.app_id)
                logger.error("%s: another adapter has connected %s; left alone", spec.name, spec.app_id)
        else:
            await self._connect(spec)

    def changed(self, app_id: str, status: Status) -> None:
        """A link's state is another one: to be reported soon."""
        self._due[app_id] = status

    async def report(self) -> None:
        """Tell other processes how the links are doing, until cancelled."""
        clock = asyncio.get_running_loop().time
        told: dict[str, tuple[Status, float]] = {}
        while True:
            now = clock()
            for link in self._supervisor:
                app_id, status = link.spec.app_id, link.status
                last = told.get(app_id)
                if last is None or last[0] != status or now - last[1] > _TOUCH_EVERY:
                    self._due[app_id] = status
            due, self._due = self._due, {}
            try:
                await self._management.statuses.report(due)
                told.update({app_id: (status, now) for app_id, status in due.items()})
            except DatabaseUnavailable:
                self._due = {**due, **self._due}
            await asyncio.sleep(_REPORT_EVERY)

    async def report_now(self) -> None:
        """Tell what is due, at the end."""
        with contextlib.suppress(DatabaseUnavailable):
            await self._management.statuses.report(self._due)
