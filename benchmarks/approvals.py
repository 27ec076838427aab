"""Racing clicks on approvals, on two replicas: `python benchmarks/approvals.py [--count 10000] [--clicks 8]`.

Two processes share a PostgreSQL, one of its own unless `--database` names another. Both click on every approval at the
same time, half of the clicks each, `--at-once` approvals side by side, and carry out what is approved. What the tool
does is a line in a file, written by the tool itself. A click's time is that of the decision: from the click to what
the callback is answered with, without the network. Messages are committed and not sent. What is printed belongs into
`benchmarks/README.md`.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import nonebot
from pydantic import SecretStr

APP, CHAT, EVENT, BOSS = "cli_bench", "oc_bench", "ev_bench", "ou_boss"
REPLICAS = 2


# --- one replica ----------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def stack(url: str, ledger: Path) -> AsyncIterator[tuple[Any, Any, Any, Any]]:
    """What a process has: questions, decisions, a worker, and the rows."""
    from nonebot_plugin_feishu_ws.butler import ToolRegistry, Turn
    from nonebot_plugin_feishu_ws.butler.approvals import (
        ApprovalStore,
        CardRows,
        Carrying,
        Deciding,
        Questions,
        Seat,
        Share,
        Showing,
        Worker,
    )
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec
    from nonebot_plugin_feishu_ws.delivery import Lease, LogBook, Outbox
    from nonebot_plugin_feishu_ws.storage import Database, DatabaseClock
    from nonebot_plugin_feishu_ws.texts.approvals import ApprovalTexts

    database, tools = Database(url), ToolRegistry()
    lines = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    @tools.tool("deploy", requires_approval=True)
    async def deploy(number: int) -> str:
        os.write(lines, f"{number}\n".encode())
        return str(number)

    spec = ConnectorSpec(name="bench", app_id=APP, app_secret=SecretStr("x"), approvers=(BOSS,))

    async def spec_of(_app_id: str) -> ConnectorSpec:
        return spec

    async def turn(_row: object, _payload: bytes) -> Turn:
        return cast("Turn", None)  # the tool does not ask for it

    await database.start()
    share = Share(database)
    clock, rows, logbook = DatabaseClock(database), CardRows(share), LogBook(database)
    store, lease = ApprovalStore(share, clock), Lease(database, label="bench")
    outbox = Outbox(database, lease, logbook, {})
    deciding = Deciding(store, rows, tools, logbook, spec_of, lambda: worker.wake())
    worker = Worker(
        store,
        Showing(store, rows, tools, after=3600),
        tools,
        Carrying(store, tools, deciding, lease, lambda _: False, limit=60),
        outbox,
        logbook,
        lease,
        lambda: {APP: Seat(cast("Any", None), ApprovalTexts("en_US"), turn)},
    )
    await lease.start()
    logbook.start()
    questions = Questions(share, clock, timedelta(hours=10), most_waiting=10**9)
    yield database, questions, deciding, worker
    await worker.stop(30)
    await logbook.stop()
    await lease.stop()
    await database.close()
    os.close(lines)


async def ask(url: str, ledger: Path, count: int) -> list[tuple[str, str]]:
    """Approvals that wait, each with a card: their ids and nonces."""
    from sqlmodel import col, update

    from nonebot_plugin_feishu_ws.butler.approvals import Question, hash_of
    from nonebot_plugin_feishu_ws.storage import ApprovalCardRow, EventRow

    async def nothing(_session: object, _row: object) -> None: ...

    async with stack(url, ledger) as (database, questions, _, _):
        event = EventRow(connector=APP, event_id=EVENT, event_type="bench", payload=b"{}", owner="bench")

        async def keep(session: Any) -> None:
            session.add(event)

        await database.write(keep)
        made: list[tuple[str, str]] = []
        for number in range(count):
            arguments = f'{{"number":{number}}}'
            digest = hash_of("deploy", arguments)
            question = Question(
                APP,
                CHAT,
                None,
                "om_asked",
                EVENT,
                str(number),
                f"ou_{number}",
                "deploy",
                arguments,
                digest,
                "",
                (CHAT,),
            )
            row, _ = await questions.ask(question, nothing)
            made.append((row.id, row.nonce))
        sent = update(ApprovalCardRow).values(message_id="om_" + col(ApprovalCardRow.approval_id))
        await database.write(lambda session: session.exec(sent))
        return made


async def replica(url: str, ledger: Path, work: Path, clicks: int, at_once: int) -> None:
    """Click, carry out, and tell how long each click took and how often it was the one that counted."""
    from nonebot_plugin_feishu_ws.butler.approvals import Click, Decider

    approvals = json.loads(work.read_text())  # noqa: ASYNC240 - before anything runs
    boss = Decider(BOSS, APP, CHAT)
    times: list[float] = []
    won = 0
    async with stack(url, ledger) as (_, _, deciding, worker):
        worker.start()
        room = asyncio.Semaphore(at_once)

        async def click(approval_id: str, nonce: str) -> None:
            nonlocal won
            begun = time.perf_counter()
            decision = await deciding.click(boss, Click(approval_id, True, nonce, f"om_{approval_id}", CHAT))
            times.append(time.perf_counter() - begun)
            won += decision.won

        async def race(approval_id: str, nonce: str) -> None:
            async with room:
                await asyncio.gather(*(click(approval_id, nonce) for _ in range(clicks)))

        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        begun = time.perf_counter()
        await asyncio.gather(*(race(*approval) for approval in approvals))
        took = time.perf_counter() - begun
        print(json.dumps({"times": times, "won": won, "took": took}), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


# --- both of them ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def postgres(url: str | None) -> Iterator[str]:
    """The database to use: the one that was named, else one that is thrown away."""
    if url is not None:
        yield url
        return
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from postgres import Postgres

    directory = Path(tempfile.mkdtemp(prefix="feishu-ws-bench-"))
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"))
    cluster = Postgres(binaries, directory)
    try:
        yield cluster.create_database()
    finally:
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def race(url: str, directory: Path, options: argparse.Namespace) -> None:
    ledger, work = directory / "ledger", directory / "approvals.json"
    approvals = await ask(url, ledger, options.count)
    work.write_text(json.dumps(approvals))
    share = [options.clicks // REPLICAS + (n < options.clicks % REPLICAS) for n in range(REPLICAS)]
    command = [sys.executable, __file__, "--database", url, "--replica", str(directory), "--at-once"]
    processes = [
        await asyncio.create_subprocess_exec(
            *command,
            str(options.at_once),
            "--clicks",
            str(clicks),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 26,
        )
        for clicks in share
    ]
    for process in processes:
        await line(process)
    for process in processes:
        cast("asyncio.StreamWriter", process.stdin).write(b"go\n")
    told = [json.loads(await line(process)) for process in processes]
    async with asyncio.timeout(options.count):  # a second for each is far more than it takes
        while len(set(ledger.read_text().split())) < options.count:  # noqa: ASYNC110 - others write it
            await asyncio.sleep(0.2)
    for process in processes:
        cast("asyncio.StreamWriter", process.stdin).write(b"stop\n")
        await process.wait()
    times = sorted(time for one in told for time in one["times"])
    runs = Counter(ledger.read_text().split())
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {REPLICAS} replicas, PostgreSQL")
    print(
        f"{options.count} approvals × {options.clicks} clicks, {options.at_once} approvals at once in each replica"
    )
    print(f"decided {sum(one['won'] for one in told)}, carried out {len(runs)}, of which twice {over(runs)}")
    print(
        f"click p50 {at(times, 0.5):.1f} ms, p99 {at(times, 0.99):.1f} ms, longest {times[-1] * 1e3:.1f} ms"
    )
    print(f"{len(times) / max(one['took'] for one in told):.0f} clicks a second")


def over(runs: Counter[str]) -> int:
    return sum(count > 1 for count in runs.values())


def at(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)] * 1e3


async def line(process: asyncio.subprocess.Process) -> bytes:
    found = await cast("asyncio.StreamReader", process.stdout).readline()
    if not found:
        raise SystemExit("a replica has died")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--clicks", type=int, default=8)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--database", help="postgresql+asyncpg://…; its tables are left behind")
    parser.add_argument("--replica", help=argparse.SUPPRESS)
    options = parser.parse_args()
    nonebot.logger.remove()  # what is printed is the result
    nonebot.init(driver="~none", localstore_data_dir=tempfile.gettempdir())
    nonebot.load_plugin("nonebot_plugin_feishu_ws")
    if options.replica:
        directory = Path(options.replica)
        work = directory / "approvals.json"
        asyncio.run(replica(options.database, directory / "ledger", work, options.clicks, options.at_once))
        return
    with tempfile.TemporaryDirectory() as directory, postgres(options.database) as url:
        asyncio.run(race(url, Path(directory), options))


if __name__ == "__main__":
    main()
