"""One run: bots that are killed again and again, a platform that pushes again, and the count at the end."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

from crash import ledger
from crash.lives import Reaper, Replica
from crash.report import Report, report, rows_of
from crash.traffic import Traffic

from feishu_sandbox import Rules, Sandbox

_MANY = 1_000_000
_LOOK_EVERY = 0.2  # seconds
_AHEAD = (
    3  # lives' worth of events that may be sent before it is their turn: some lives take more than others
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do.

    Attributes:
        kills: How many processes are killed.
        events: How many messages are sent.
        database_url: Of an empty database.
        home: An empty directory.
        replicas: How many bots share the database.
        pauses: How often a replica is frozen past its lease.
        pause: For how many seconds.
        seed: Decides everything that is left to chance here. (What the machine adds is not.)
        apps, people: How many bots there are, and how many people write to each.
        window: How many messages may wait for answers at a time.
        push_again_after: Seconds to each repetition. More of them than Feishu's 15 s, 5 min, 1 h and 6 h: the bots are
            dead half of the time here.
        patience: Seconds without anything new after which the end has come.
    """

    kills: int
    events: int
    database_url: str
    home: Path
    replicas: int = 1
    pauses: int = 0
    pause: float = 16.0
    seed: int = 0
    apps: int = 4
    people: int = 10
    window: int = 12
    push_again_after: tuple[float, ...] = (0.5, 1.0, 2.0, 2.0, 3.0, 3.0, 5.0, 5.0, 10.0, 15.0)
    patience: float = 30.0


async def run(plan: Plan) -> Report:
    """Carry a plan out.

    Returns:
        What was counted; nothing is judged here.
    """
    random = Random(plan.seed)
    # How much may be sent in a second is another test's matter.
    rules = Rules(
        push_again_after=plan.push_again_after,
        sends_per_second=_MANY,
        api_per_second=_MANY,
        api_per_minute=_MANY,
    )
    async with Sandbox(rules=rules) as feishu:
        traffic = Traffic(feishu, plan.apps, plan.people, plan.window, random)
        plan.home.mkdir(exist_ok=True)
        path = plan.home / "ledger"
        ledger.Ledger(path)
        replicas = [
            Replica(plan.home / f"replica-{n}", plan.database_url, feishu.url, traffic.apps, path)
            for n in range(plan.replicas)
        ]
        reaper = Reaper(plan.kills, plan.events / max(1, plan.kills), plan.pauses, plan.pause, random)
        async with _ending(replicas):
            await _until_over(plan, traffic, reaper, replicas)
        result = report(feishu, traffic, reaper, ledger.read(path), await rows_of(plan.database_url))
        result.slow_stops = sum(len(replica.slow_stops) for replica in replicas)
        return result


async def _until_over(plan: Plan, traffic: Traffic, reaper: Reaper, replicas: list[Replica]) -> None:
    async def release() -> None:
        """Messages and kills come to their ends together."""
        while reaper.done < plan.kills:
            traffic.release(math.ceil(plan.events * (reaper.done + _AHEAD) / (plan.kills + 1)))
            await reaper.news.wait()
            reaper.news.clear()
        traffic.release(plan.events)

    watching = asyncio.create_task(traffic.watch())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.send(plan.events, plan.patience))
            group.create_task(release())
            for replica in replicas:
                group.create_task(reaper.reap(replica))
        await traffic.quiet(plan.patience)
        # The last reply is seen before its event's end is committed.
        with suppress(TimeoutError):  # then the report tells
            async with asyncio.timeout(plan.patience):
                while any(row.state == "received" for row in await rows_of(plan.database_url)):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_EVERY)  # nobody tells what another process commits
        await asyncio.gather(*(replica.stop() for replica in replicas))
    finally:
        watching.cancel()


@asynccontextmanager
async def _ending(replicas: list[Replica]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for replica in replicas:
            await replica.close()
