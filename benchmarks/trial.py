"""One client beside the platform, for one round: every event acked once with 200, and handled once, or it is wrong."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .children import Child, ChildError, heeding, python, started
from .contenders import Contender
from .databases import Databases
from .machine import CLIENT, SERVER

_LOOKS = 10
"""At what a client has handled. On a busy machine it may seem to be at rest before it is."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one client in one round.

    Attributes:
        cpu: Microseconds of the client's CPU for an event, until it is quiet again after the last one.
        per_second: Events acked in a second.
        p50, p99, longest: Milliseconds from an event to its ack.
    """

    cpu: float
    per_second: float
    p50: float
    p99: float
    longest: float

    def raw(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


class Trial:
    """Made by `trial`."""

    def __init__(
        self,
        contender: Contender,
        platform: Child,
        databases: Databases,
        url: str | None,
    ) -> None:
        self._contender = contender
        self._platform = platform
        self._clients: list[Child] = []
        self._databases = databases
        self._url = url
        self.sent = 0
        self.wrong: list[str] = []
        self.told: dict[str, Any] = {}
        """What the platform said of the last run."""

    @property
    def pids(self) -> list[int]:
        """The clients' processes."""
        return [client.pid for client in self._clients]

    async def join(self, client: Child) -> None:
        """Wait until a client is connected; the events are shared among all that are.

        Raises:
            ChildError: it does not connect.
        """
        self._clients.append(client)
        try:
            await self._ask({"connected": len(self._clients)}, within=60.0)
        except ChildError as error:
            raise ChildError(f"not connected: {error}\n{client.errors}") from error
        await client.quiet()

    async def run(self, *, within: float = 120.0, **what: Any) -> Figures:
        """Send events, as `server.Run`'s arguments say, to clients at rest; when this returns each event is acked and
        handled, and the clients are at rest again.

        Raises:
            ChildError: a client, or the platform, did not get there.
        """
        before = sum(client.cpu for client in self._clients)
        told = self.told = await self._ask({"run": what}, within)
        self.sent += told["acked"]
        if told["refused"]:
            self.wrong.append(f"{told['refused']} of {told['acked']} events were not acked with 200")
        await self._handled()
        used = sum(client.cpu for client in self._clients) - before
        return Figures(
            used / told["acked"] * 1e6, told["per_second"], told["p50"], told["p99"], told["longest"]
        )

    async def _ask(self, what: object, within: float) -> Any:
        return await heeding(self._clients, self._platform.ask(what, within))

    async def _quiet(self) -> None:
        for client in self._clients:
            await client.quiet()

    async def _handled(self) -> None:
        """All of them are, once the clients have come to rest."""
        expected = self.sent if self._contender.handles else 0
        handled = different = -1
        for _ in range(_LOOKS):
            await self._quiet()
            told = [await client.ask("handled?") for client in self._clients]
            handled, different = (sum(one[key] for one in told) for key in ("handled", "different"))
            if handled >= expected:
                break
        if not handled == different == expected:
            self.wrong.append(f"{handled} events handled, {different} different ones, of {expected}")

    async def finish(self) -> None:
        """Let the clients end, and count what they leave behind."""
        for client in self._clients:
            await client.end()
        if strays := await self._platform.ask("strays"):
            self.wrong.append(f"{strays} events acked more than once")
        if self._url is not None:
            every = self._databases.count(self._url, "feishu_ws_event", "1 = 1")
            done = self._databases.count(self._url, "feishu_ws_event", "state = 'done'")
            if not every == done == self.sent:
                self.wrong.append(f"{every} events stored, {done} done, of {self.sent}")
        if not self._contender.handles and self._url is not None:
            logged = self._databases.count(self._url, "feishu_ws_log", "action = 'ws_filtered'")
            if logged != self.sent:
                self.wrong.append(f"{logged} events logged as filtered, of {self.sent}")


@asynccontextmanager
async def trial(
    contender: Contender, databases: Databases, *, warm_up: int, clients: int = 1, pinned: bool = True
) -> AsyncGenerator[Trial]:
    """A platform and a client of its own, connected, warm, at rest; finished at the end.

    Args:
        warm_up: events before the first run, for what is done once: lazy imports, statements, compiling.
        clients: how many share the events, and the database.
        pinned: the platform to a core, the client to another; else as the system likes.

    Raises:
        ChildError: they did not get there.
    """
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="feishu-ws-bench-")))
        core = SERVER if pinned else None
        platform = await stack.enter_async_context(
            started(*python("benchmarks.server"), directory=directory, core=core)
        )
        address = (await platform.hear())["url"]
        database = databases.make(contender.store, directory)
        here = Trial(contender, platform, databases, database)
        for number in range(clients):
            own = directory / str(number)
            own.mkdir()
            command = contender.command(address, database)
            core = CLIENT if pinned else None
            await here.join(await stack.enter_async_context(started(*command, directory=own, core=core)))
        await here.run(count=warm_up, window=16)
        yield here
        await here.finish()
