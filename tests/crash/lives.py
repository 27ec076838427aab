"""Bot processes that are killed and started again."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from crash.seams import SEAMS

from feishu_sandbox import App

_TESTS = Path(__file__).parents[1]
_FROM_OUTSIDE = 0.25  # of all kills: at any moment
_IN_BOOT = 0.3  # of those: while the bot starts
_LONGEST = 6.0  # seconds a life lasts, once connected, if it does not come to its boundary
_GOODBYE = 15.0  # seconds a SIGTERM may take; the bot promises 10


class DiedError(RuntimeError):
    """A bot ended without being killed. The message is the end of its log."""


class Replica:
    """One place where a bot runs, one life after another.

    Args:
        home: Its directory; output goes to `log` there.
        database_url: Shared by all replicas.
        platform: The local Feishu.
        apps: Connectors, declared in configuration.
        ledger: Where handlers write.
    """

    def __init__(
        self, home: Path, database_url: str, platform: str, apps: Sequence[App], ledger: Path
    ) -> None:
        home.mkdir()
        declared = [{"name": app.name, "app_id": app.app_id, "app_secret": app.app_secret} for app in apps]
        self._home = home
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")])),
            "HOME": str(home),
            "DRIVER": "~none",
            "LOG_LEVEL": os.environ.get("CRASH_LOG_LEVEL", "WARNING"),
            "FEISHU_WS__URL": platform,
            "FEISHU_WS__DATABASE_URL": database_url,
            "FEISHU_WS__CONNECTORS": json.dumps(declared),
            "CRASH_LEDGER": str(ledger),
        }
        self._nursery: asyncio.subprocess.Process | None = None
        self._life: Life | None = None
        self.slow_stops: list[float] = []
        """Seconds of each SIGTERM that took longer than it may."""

    async def start(self, crash_at: str = "") -> "Life":
        """Start a life."""
        if self._nursery is None:
            self._nursery = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("nursery.py")),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=self._environment,
            )
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        ready = self._home / "ready"
        ready.unlink(missing_ok=True)
        order = {
            "environment": {**self._environment, "CRASH_AT": crash_at, "CRASH_READY": str(ready)},
            "directory": str(self._home),
        }
        self._nursery.stdin.write(json.dumps(order).encode() + b"\n")
        pid = int(await self._nursery.stdout.readline())
        self._life = Life(pid, ready, asyncio.create_task(self._nursery.stdout.readline()))
        return self._life

    async def stop(self) -> None:
        """End it as an operator does: SIGTERM."""
        life = self._life
        assert life is not None
        if life.over:
            raise self.died()
        since = time.monotonic()
        life.signal(signal.SIGTERM)
        if not await life.ends_within(_GOODBYE):
            life.signal(signal.SIGKILL)
            await life.end()
        if (took := time.monotonic() - since) > 10.0:
            self.slow_stops.append(took)

    def died(self) -> DiedError:
        """What to raise when it ended by itself."""
        return DiedError((self._home / "log").read_text(encoding="utf-8", errors="replace")[-4000:])

    async def close(self) -> None:
        """End whatever runs, at once."""
        if self._life is not None and not self._life.over:
            self._life.signal(signal.SIGKILL)
            await self._life.end()
        if self._nursery is not None and self._nursery.stdin is not None:
            self._nursery.stdin.close()
            await self._nursery.wait()


class Life:
    """A bot's process.

    Args:
        pid: Its id.
        ready: A file it makes when its first connection is open.
        ending: Done when it has ended; its exit code.
    """

    def __init__(self, pid: int, ready: Path, ending: asyncio.Task[bytes]) -> None:
        self._pid = pid
        self._ready = ready
        self._ending = ending

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._ending.done()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if not self.over:
            with contextlib.suppress(ProcessLookupError):  # it has just killed itself
                os.kill(self._pid, number)

    async def end(self) -> int:
        """Its exit code, when it has ended."""
        return int(await asyncio.shield(self._ending))

    async def ends_within(self, seconds: float) -> bool:
        """Whether it does."""
        await asyncio.wait({self._ending}, timeout=seconds)
        return self.over

    async def becomes_ready(self) -> bool:
        """Wait for its first connection; whether it lives to see it."""
        while not self.over and not self._ready.exists():
            await self.ends_within(0.05)
        return not self.over


class Reaper:
    """Kills replicas, until it was often enough.

    Args:
        kills: How often in all.
        events_per_life: About how many events come in one life.
        pauses: How often a replica is frozen for `pause` seconds instead, and goes on.
        pause: Longer than a lease.
        random: Decides where and when.
    """

    def __init__(self, kills: int, events_per_life: float, pauses: int, pause: float, random: Random) -> None:
        self._kills = kills
        self._begun = 0
        self._farthest = max(2, round(events_per_life * 1.5))
        self._pauses_left = pauses
        self._pause = pause
        self._random = random
        self.done = 0
        self.news = asyncio.Event()
        """Set after each kill."""
        self.by_seam: Counter[str] = Counter()
        self.pauses = 0

    async def reap(self, replica: Replica) -> None:
        """Live and die in one place until there were enough kills; leaves a bot running that is not killed."""
        while self._begun < self._kills:
            self._begun += 1
            await self._one(replica)
            self.done += 1
            self.news.set()
        await replica.start()

    async def _one(self, replica: Replica) -> None:
        outside = self._random.random() < _FROM_OUTSIDE
        seam = self._random.choice(SEAMS)
        life = await replica.start("" if outside else f"{seam}:{self._random.randint(1, self._farthest)}")
        in_boot = outside and self._random.random() < _IN_BOOT
        if not in_boot and await life.becomes_ready() and self._pauses_left > 0:
            self._pauses_left -= 1
            await self._freeze(life)
        if not await life.ends_within(self._random.uniform(0.1, 2.0) if outside else _LONGEST):
            seam = "(booting)" if in_boot else "(outside)"
            life.signal(signal.SIGKILL)
        if await life.end() != -signal.SIGKILL:
            raise replica.died()
        self.by_seam[seam] += 1

    async def _freeze(self, life: Life) -> None:
        if await life.ends_within(2.0):  # it is to have something in hand
            return
        self.pauses += 1
        life.signal(signal.SIGSTOP)
        await asyncio.sleep(self._pause)  # time is what this is about
        life.signal(signal.SIGCONT)
