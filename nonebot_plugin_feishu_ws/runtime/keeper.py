"""Keeps what runs equal to what should run, and says how it is doing."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import nonebot

from ..connectors import ConnectorSpec, Standing, Supervisor
from ..delivery import Fenced
from ..storage import DatabaseUnavailable
from .management import Management

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_LOOK_EVERY = 0.5  # seconds: a change made by another process is seen within this
_REPORT_EVERY = 2.0  # seconds between two looks at what is to be reported, if no state changes
_REPORT_GAP = 0.25  # seconds between two reports: many changes at once are one
_TOUCH_EVERY = (
    30.0  # seconds after which a report is renewed although nothing changed: pings are more frequent
)
_RESTARTS = ("app_secret", "domain", "proxy", "name")


class Disconnect(Protocol):
    """See `Runtime.disconnect`."""

    async def __call__(self, app_id: str, *, replaced: bool) -> None: ...


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
        disconnect: Disconnect,
    ) -> None:
        self._management = management
        self._supervisor = supervisor
        self._connect = connect
        self._disconnect = disconnect
        self._woken = asyncio.Event()
        self._seen: object = None
        self._wanted: dict[str, ConnectorSpec] = {}
        self._asked: dict[str, int] = {}
        self._obeyed: dict[str, int] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._complaints: dict[str, str] = {}
        self._due: dict[str, Standing] = {}
        self._news = asyncio.Event()

    @property
    def wanted(self) -> Collection[ConnectorSpec]:
        """The connectors that should run here, by the last look."""
        return self._wanted.values()

    def wake(self) -> None:
        """Look at once: something was changed here."""
        self._seen = None
        self._woken.set()

    async def keep(self) -> None:
        """Compare until cancelled. While the database is away everything stays as it is."""
        away = False
        try:
            while True:
                try:
                    await self._read()
                    away = False
                except DatabaseUnavailable as error:
                    if not away:
                        logger.warning("changes of connectors are not seen for now: %s", error)
                    away = True
                except Exception:  # a defect must not freeze every connector
                    logger.exception("the connectors cannot be read")
                self._settle()
                await _rung(self._woken, _LOOK_EVERY)
        finally:  # what has begun to stop is to be stopped
            await asyncio.gather(*self._workers.values(), return_exceptions=True)

    async def look(self) -> None:
        """Compare once, and wait until what runs has been changed."""
        await self._read()
        self._settle()
        await asyncio.gather(*self._workers.values())

    async def _read(self) -> None:
        """What should run, if anything changed since the last time."""
        wishes = await self._management.statuses.wishes()
        now = await self._management.store.revision(), wishes
        if now == self._seen:
            return
        everything = await self._management.service.everything()
        wanted: dict[str, ConnectorSpec] = {}
        for connector in everything:
            spec, link = connector.spec, self._supervisor.get(connector.spec.app_id)
            if connector.locked is not None:
                self._complain(spec, f"its secrets cannot be read: {connector.locked}")
                if link is None or not connector.entitled:
                    continue
                spec = link.spec  # what was read when there was a key still holds
            wish = wishes.get(spec.app_id)
            if connector.entitled and not (wish and wish.held):
                wanted[spec.app_id] = spec
        entitled = {connector.spec.app_id for connector in everything if connector.entitled}
        for link in self._supervisor:
            if link.spec.app_id not in entitled:  # what it still takes in is stopped, see `screening`
                link.spec = link.spec.model_copy(update={"enabled": False})
        self._asked = {app_id: wish.asked for app_id, wish in wishes.items()}
        self._wanted, self._seen = wanted, now

    def _settle(self) -> None:
        """Begin to change what is not as it should be. Each connector by itself: one may take its time."""
        for app_id in {link.spec.app_id for link in self._supervisor} | self._wanted.keys():
            if app_id not in self._workers and not self._settled(app_id):
                worker = asyncio.create_task(self._change(app_id), name=f"feishu keeper {app_id}")
                self._workers[app_id] = worker
                worker.add_done_callback(lambda _, app_id=app_id: self._workers.pop(app_id))

    def _settled(self, app_id: str) -> bool:
        """Whether it is as it should be; what needs no new connection is put right on the way."""
        link, spec = self._supervisor.get(app_id), self._wanted.get(app_id)
        if link is None or spec is None:
            return link is spec is None
        if link.spec is not spec:
            if any(getattr(link.spec, name) != getattr(spec, name) for name in _RESTARTS):
                return False
            link.change(spec)  # a change of policy counts from the next event on
        if self._asked.get(app_id, 0) != self._obeyed.get(app_id, 0):
            if link.idle:  # somebody who asks for a connection is not to wait for the next try
                return False
            self._obeyed[app_id] = self._asked.get(app_id, 0)
        return True

    async def _change(self, app_id: str) -> None:
        while not self._settled(app_id):
            spec = self._wanted.get(app_id)
            try:
                if spec is None or self._supervisor.get(app_id) is not None:
                    await self._disconnect(app_id, replaced=spec is not None)
                elif app_id in nonebot.get_bots():
                    self._complain(spec, f"another adapter has connected {app_id}; left alone")
                    return
                else:
                    self._obeyed[app_id] = self._asked.get(app_id, 0)
                    await self._connect(spec)
            except Exception as error:  # one connector's trouble is no other's; it is tried again
                if spec is not None:
                    self._complain(spec, f"{type(error).__name__}: {error}")
                await self._disconnect(app_id, replaced=True)  # what was begun
                return
        self._complaints.pop(app_id, None)

    def _complain(self, spec: ConnectorSpec, why: str) -> None:
        """Say it once, however often it is found again."""
        if self._complaints.get(spec.app_id) != why:
            self._complaints[spec.app_id] = why
            logger.error("%s: %s", spec.name, why)

    def changed(self, app_id: str, standing: Standing) -> None:
        """A link's standing is another one: to be reported soon."""
        self._due[app_id] = standing
        self._news.set()

    async def report(self) -> None:
        """Tell other processes how the links are doing, until cancelled."""
        clock, statuses = asyncio.get_running_loop().time, self._management.statuses
        told: dict[str, tuple[Standing, float, str]] = {}
        while True:
            now, worker = clock(), statuses.worker
            for link in self._supervisor:
                app_id, standing = link.spec.app_id, link.status
                last = told.get(app_id)
                if last is None or last[::2] != (standing, worker) or now - last[1] > _TOUCH_EVERY:
                    self._due[app_id] = standing
            due, self._due = self._due, {}
            try:
                await statuses.report(due)
                told.update({app_id: (standing, now, worker) for app_id, standing in due.items()})
            except (DatabaseUnavailable, Fenced):
                self._due = {**due, **self._due}
            except Exception:  # a defect must not end all reports
                logger.exception("how the connectors are doing cannot be reported")
            await asyncio.sleep(_REPORT_GAP)
            await _rung(self._news, _REPORT_EVERY)


async def _rung(bell: asyncio.Event, seconds: float) -> None:
    """Wait for the bell, but not longer. (Before Python 3.12 `wait_for` may lose a cancellation that comes with it.)"""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
    bell.clear()
