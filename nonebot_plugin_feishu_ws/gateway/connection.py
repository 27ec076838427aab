"""A long connection that is kept: connect, serve, come back."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import aiohttp

from .bootstrap import BootstrapPacer, fetch_endpoint
from .errors import GatewayError, GaveUpError, Reason
from .link import Facts, Handler, Link, open_websocket
from .policy import Backoff, ReconnectPolicy
from .pool import HandlerPool
from .settings import Credentials, Limits, Timings
from .urls import check_proxy, normalise_base_url

_log = logging.getLogger("nonebot_plugin_feishu_ws.gateway")

_POLICY, _TIMINGS, _LIMITS = ReconnectPolicy(), Timings(), Limits()


class State(StrEnum):
    """Where a connection stands (contract.md, States)."""

    DISCONNECTED = "disconnected"  # not started, or stopped
    CONNECTING = "connecting"  # the first attempt
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"  # waiting to try again, or trying
    BLOCKED = "blocked"  # needs a person; still tried now and then unless `next_retry_at` is None


@dataclass(frozen=True, slots=True)
class Status:
    """A snapshot. Times are aware and in UTC.

    Attributes:
        connected_at: since when; None unless connected.
        last_heartbeat: the last pong.
        last_event_at: the last event or callback.
        attempt: retries in the current outage; 0 while connected.
        error: what ended the last connection or attempt; None while connected.
        next_retry_at: when the next attempt is due, if one is.
        outbound: a long connection, which Feishu counts; False: a webhook, which waits to be called.
    """

    state: State
    connected_at: datetime | None = None
    last_heartbeat: datetime | None = None
    last_event_at: datetime | None = None
    attempt: int = 0
    error: GatewayError | None = None
    next_retry_at: datetime | None = None
    outbound: bool = True


class LongConnection:
    """Keeps one app connected from `start()` to `stop()`.

    Args:
        credentials: the app's.
        base_url: see `normalise_base_url`.
        handler: called once per event and callback, each in a task of its own, started in order of arrival;
            its answer is the ack. Feishu waits 3 s for it. What it raises is logged and acked 500, so that
            Feishu pushes the event again.
        session: used, not owned; may be shared by any number of connections. Create it with `trust_env=False`
            (proxies of the environment are found here: aiohttp would not use HTTPS_PROXY for `wss://`),
            `cookie_jar=aiohttp.DummyCookieJar()` (one app's cookies are no other's business) and
            `connector=aiohttp.TCPConnector(limit=0)` (each open WebSocket takes one of its places).
        proxy: an `http://` or `https://` proxy for everything, else the environment's, see `proxy_for`.
        policy, timings, limits: see there.
        pacer: shared by all connections of the process, so that together they do not storm the endpoint.
        on_status: called with each change of state, in the loop; must not block. What it raises is logged.

    Raises:
        ValueError: `base_url` or `proxy` is not usable.
    """

    def __init__(
        self,
        credentials: Credentials,
        base_url: str,
        handler: Handler,
        *,
        session: aiohttp.ClientSession,
        proxy: str | None = None,
        policy: ReconnectPolicy = _POLICY,
        timings: Timings = _TIMINGS,
        limits: Limits = _LIMITS,
        pacer: BootstrapPacer | None = None,
        on_status: Callable[[Status], None] | None = None,
    ) -> None:
        self._credentials = credentials
        self._base_url = normalise_base_url(base_url)
        self._handler = handler
        self._session = session
        self._proxy = None if proxy is None else check_proxy(proxy)
        self._policy = policy
        self._timings = timings
        self._limits = limits
        self._pacer = pacer
        self._on_status = on_status
        self._facts = Facts(credentials.app_id)
        self._pool = HandlerPool(limits.running)
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._status = Status(State.DISCONNECTED)
        # What is in the status of pongs and events.
        self._heard: tuple[float | None, float | None] = None, None
        self._waiters: list[tuple[State, asyncio.Future[None]]] = []

    @property
    def status(self) -> Status:
        """What is known now: the same object as long as nothing changes."""
        heard = self._facts.last_pong, self._facts.last_event
        if heard != self._heard:
            self._heard = heard
            times = {"last_heartbeat": _utc(heard[0]), "last_event_at": _utc(heard[1])}
            self._status = replace(self._status, **times)
        return self._status

    @property
    def counters(self) -> Mapping[str, int]:
        """How often since creation: `events`, `acked` (200), `failed` (500), `lost_acks`, `malformed_frames`,
        `unknown_frames`, `dropped_partials`, `pings`, `connections`. A copy; what never happened is
        missing.
        """
        return dict(self._facts.counters)

    def start(self) -> None:
        """Begin to connect and return at once. Does nothing while running; after `stop()`, or once it has
        given up, starts anew.

        Raises:
            RuntimeError: a `stop()` is under way, or there is no running loop.
        """
        if self._task is not None and not self._task.done():
            if self._stopping:
                raise RuntimeError("the connection is being stopped")
            return
        self._stopping = False
        self._publish(Status(State.CONNECTING))
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End it: no task, socket or timer is left. Running handlers get `Timings.drain` seconds to finish
        and ack.

        Can be called at any time, any number of times, also from a handler (whose own ack is then not sent),
        and leaves nothing behind either when it is cancelled itself.
        """
        self._pool.leave()  # in case a handler stops its own connection
        if (task := self._task) is None:
            return
        if not self._stopping:
            self._stopping = True
            task.cancel()
        await asyncio.wait({task})
        self._ended(task)

    async def wait_for(self, state: State) -> None:
        """Wait until the connection is, or passes through, that state."""
        if self._status.state is state:
            return
        waiter = state, asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter[1]
        finally:
            self._waiters.remove(waiter)

    async def _run(self) -> None:
        backoff = Backoff(self._policy)
        try:
            while True:
                failure: GatewayError
                lived: float | None = None
                try:
                    link = await self._connect()
                    since = time.monotonic()
                    self._connected()
                    failure = await link.run()
                    lived = time.monotonic() - since
                except GatewayError as error:
                    failure = error.with_traceback(None)  # status keeps it: no frames, nor what they hold
                except Exception as error:  # a defect must not make a bot deaf for good
                    _log.exception("%s: unexpected error", self._credentials.app_id)
                    failure = GatewayError(Reason.INTERNAL, type(error).__name__)
                if not await self._pause(backoff, failure, lived):
                    return
        finally:
            await self._pool.drain(self._timings.drain, self._timings.close)

    async def _connect(self) -> Link:
        if self._pacer is not None:
            await self._pacer.turn()
        endpoint = await fetch_endpoint(
            self._credentials,
            self._base_url,
            self._session,
            proxy=self._proxy,
            within=self._timings.bootstrap,
            known=self._facts.server,
        )
        self._facts.server = endpoint.config
        websocket = await open_websocket(
            endpoint, self._session, proxy=self._proxy, timings=self._timings, limits=self._limits
        )
        return Link(
            websocket,
            endpoint.service_id,
            self._handler,
            facts=self._facts,
            pool=self._pool,
            timings=self._timings,
            limits=self._limits,
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Stopped, or cancelled by others; unless it gave up by itself, and until a new start."""
        over = self._stopping or task.cancelled()
        if over and task is self._task and self._status.state is not State.DISCONNECTED:
            self._publish(Status(State.DISCONNECTED))

    async def _pause(self, backoff: Backoff, error: GatewayError, lived: float | None) -> bool:
        """Report what happened and wait for the next attempt; False if there shall be none."""
        server = self._facts.server
        if lived is None:
            delay = backoff.after_failure(server, blocked=error.reason.blocks)
        else:
            delay = backoff.after_loss(server, lived)
        if backoff.exhausted:
            final = GaveUpError(backoff.failures, error)
            _log.error("%s: %s", self._credentials.app_id, final)
            self._publish(Status(State.BLOCKED, attempt=backoff.attempt, error=final))
            return False
        _log.warning("%s: %s; next attempt in %.1f s", self._credentials.app_id, error, delay)
        self._publish(
            Status(
                State.BLOCKED if error.reason.blocks else State.RECONNECTING,
                attempt=backoff.attempt,
                error=error,
                next_retry_at=_utc(time.time() + delay),
            )
        )
        await asyncio.sleep(delay)
        return True

    def _connected(self) -> None:
        self._facts.counters["connections"] += 1
        _log.debug("%s: connected", self._credentials.app_id)
        self._publish(Status(State.CONNECTED, connected_at=datetime.now(UTC)))

    def _publish(self, status: Status) -> None:
        self._status, self._heard = status, (None, None)
        for state, waiter in self._waiters:
            if state is status.state and not waiter.done():
                waiter.set_result(None)
        if self._on_status is not None:
            try:
                self._on_status(self.status)
            except Exception:
                _log.exception("%s: on_status failed", self._credentials.app_id)


def _utc(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
