"""Starts `crowd.py` and one of its clients, each in a process and on a core of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .certificates import certify
from .children import Child, ChildError, heeding, python, started
from .machine import CLIENT, SERVER

_PATIENCE = 300.0  # seconds: thousands of connections, some of them slow on purpose
_LATER = 2.0  # seconds in which at least one more event is handled, while there are any


class WorkError(ChildError):
    """Something was lost, done twice, or refused."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The platform and a client."""

    platform: Child
    client: Child

    async def ask(self, what: object) -> dict[str, Any]:
        """Of the platform, see `crowd.py`.

        Raises:
            ChildError: it does not answer, or the client has ended.
        """
        return await heeding((self.client,), self.platform.ask(what, _PATIENCE))

    async def connect(self, count: int) -> None:
        """Have the client connect its apps up to that number, and see that they are."""
        await self.client.ask({"connect": count}, _PATIENCE)
        await self.connected(count)

    async def connected(self, count: int) -> list[float]:
        """Wait until so many are; when each was, in seconds after the first."""
        told = await self.ask({"open": count})
        return told["times"]

    async def push(self, count: int, window: int) -> Sequence[float]:
        """Events, over all connections in turn.

        Returns:
            The time until each was acked, ms.

        Raises:
            WorkError: not each was acked once, with 200, and handled once.
        """
        before = (await self.client.ask({}))["handled"]
        told = await self.ask({"push": {"count": count, "window": window}})
        if (told["acked"], told["twice"], told["refused"]) != (count, 0, 0):
            raise WorkError(
                f"of {count} events {told['acked']} were acked, {told['twice']} twice, {told['refused']} refused"
            )
        handled = await self._handled(before + count)
        if handled["handled"] != before + count or handled["handled"] != handled["different"]:
            raise WorkError(f"{count} events, handled {handled['handled'] - before}")
        return told["took"]

    async def _handled(self, count: int) -> dict[str, Any]:
        """What is acked may be handled a little later."""
        while True:
            told = await self.client.ask({})
            last = told["handled"]
            if last >= count:
                return told
            await asyncio.sleep(_LATER)
            if (again := await self.client.ask({}))["handled"] == last:
                return again


@asynccontextmanager
async def pair(
    kind: str, directory: Path, *, apps: int, tls: bool = False, nonce: float = 30, **settings: object
) -> AsyncIterator[Pair]:
    """A platform and a client of it that is ready, and is asked to end in the end.

    Args:
        kind: of client, see `clients/crowd.py`.
        directory: theirs.
        apps: how many there are.
        tls: `wss`, and `https`.
        nonce: `ReconnectNonce`, s.
        settings: of the client.
    """
    certificate, trust = certify(directory) if tls else (None, {})
    about = {"count": apps, "nonce": nonce, "certificate": certificate and str(certificate)}
    async with started(*python("benchmarks.crowd", about), directory=directory, core=SERVER) as platform:
        more = {"kind": kind, "url": await platform.hear(), "count": apps, **settings}
        command = python("benchmarks.clients.crowd", more)
        async with started(*command, directory=directory, core=CLIENT, **trust) as client:
            await client.hear(_PATIENCE)
            yield Pair(platform, client)
            with suppress(ChildError):  # what was to be seen was seen; `drops` looks at how it ends
                await client.end(60)
