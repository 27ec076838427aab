"""Bot processes that are killed and started again."""

import asyncio
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
_FROM_OUTSIDE = 0.25  # of all kills: at any moment, also while the bot starts
_LONGEST = 6.0  # seconds a life lasts if it does not come to its boundary
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
        self._process: asyncio.subprocess.Process | None = None
        self.slow_stops: list[float] = []
        """Seconds of each SIGTERM that took longer than it may."""

    async def start(self, crash_at: str = "") -> asyncio.subprocess.Process:
        """Start a life."""
        with (self._home / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("bot.py")),
                cwd=self._home,
                env={**self._environment, "CRASH_AT": crash_at},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        return self._process

    async def stop(self) -> None:
        """End it as an operator does: SIGTERM."""
        process = self._process
        assert process is not None
        if process.returncode is not None:
            raise self.died()
        since = time.monotonic()
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GOODBYE)
        except TimeoutError:
            process.kill()
            await process.wait()
        if (took := time.monotonic() - since) > 10.0:
            self.slow_stops.append(took)

    def died(self) -> DiedError:
        """What to raise when it ended by itself."""
        return DiedError((self._home / "log").read_text(encoding="utf-8", errors="replace")[-4000:])

    async def kill(self) -> None:
        """End it at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


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
        self._farthest = max(2, round(events_per_life * 0.8))  # or most lives would end in waiting
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
        process = await replica.start("" if outside else f"{seam}:{self._random.randint(1, self._farthest)}")
        lasts = self._random.uniform(0.3, 4.0) if outside else _LONGEST
        if self._pauses_left > 0 and self._random.random() < 0.2:
            self._pauses_left -= 1
            lasts = await self._freeze(process, lasts)
        try:
            await asyncio.wait_for(process.wait(), lasts)
        except TimeoutError:
            seam = "(outside)"
            process.kill()
            await process.wait()
        if process.returncode != -signal.SIGKILL:
            raise replica.died()
        self.by_seam[seam] += 1

    async def _freeze(self, process: asyncio.subprocess.Process, lasts: float) -> float:
        try:
            await asyncio.wait_for(process.wait(), 3.0)  # it is to have something in hand
        except TimeoutError:
            self.pauses += 1
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(self._pause)  # time is what this is about
            process.send_signal(signal.SIGCONT)
        return lasts
