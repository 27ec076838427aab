"""Racing clicks on approvals, on two replicas: `python benchmarks/approvals.py [--approvals 10000] [--clicks 8]`.

Two processes share a PostgreSQL, one of its own unless `--database` names another. `--rate` times a second an approval
is clicked on, in both processes at the same moment and by half of the clicks each; whatever the processes are busy
with, the next one is due at its time. What is approved is carried out; what the tool does is a line in a file, written
by the tool itself. A click's time is that of the decision: from the moment it was due to what the callback is answered
with, without the network; where more is asked for than can be done it grows to seconds. Messages are committed and not
sent. `python -m benchmarks` runs it, with fewer.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import nonebot
from pydantic import SecretStr

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

APP, CHAT, EVENT, BOSS = "cli_bench", "oc_bench", "ev_bench", "ou_boss"
REPLICAS = 2
AT_ONCE = 6  # questions asked side by side
HEAD_START = 0.5  # seconds from the start of both replicas to the first click


# --- one replica ----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def stack(url: str, ledger: Path) -> AsyncIterator[Any]:
    """What a process has: questions, decisions, a worker, and the rows."""
    from approval_stack import Stack

    from nonebot_plugin_feishu_ws.butler import Turn
    from nonebot_plugin_feishu_ws.butler.approvals import Seat
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec
    from nonebot_plugin_feishu_ws.storage import Database
    from nonebot_plugin_feishu_ws.texts.approvals import ApprovalTexts

    spec = ConnectorSpec(name="bench", app_id=APP, app_secret=SecretStr("x"), approvers=(BOSS,))

    async def spec_of(_app_id: str) -> ConnectorSpec:
        return spec

    async def turn(_row: object, _payload: bytes) -> Turn:
        return cast("Turn", None)  # the tool does not ask for it

    seat = Seat("bench", cast("Any", None), ApprovalTexts("en_US"), turn)
    database = Database(url)
    await database.start()
    made = Stack(
        database,
        {},
        lambda: {APP: seat},
        spec_of,
        lambda _: False,
        ttl=timedelta(hours=10),
        most_waiting=10**9,
        after=36_000,
        every=1.0,
        beat_every=2.0,
    )
    lines = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    @made.tools.tool("deploy", requires_approval=True)
    async def deploy(number: int) -> str:
        os.write(lines, f"{number}\n".encode())
        return str(number)

    await made.start(working=False, sending=False)
    yield made
    await made.stop()
    os.close(lines)


async def ask(url: str, ledger: Path, count: int) -> list[tuple[str, str]]:
    """Approvals that wait, each with a card: their ids and nonces."""
    from sqlmodel import col, update

    from nonebot_plugin_feishu_ws.butler.approvals import Question, canonical, hash_of
    from nonebot_plugin_feishu_ws.storage import ApprovalCardRow, EventRow

    async def nothing(_session: object, _row: object) -> None: ...

    async with stack(url, ledger) as made:
        tool = made.tools.get("deploy")
        event = EventRow(connector=APP, event_id=EVENT, event_type="bench", payload=b"{}", owner="bench")

        async def keep(session: Any) -> None:
            session.add(event)

        await made.database.write(keep)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> tuple[str, str]:
            arguments = canonical(tool, {"number": number})
            question = Question(
                app_id=APP,
                chat_id=CHAT,
                thread_id=None,
                message_id="om_asked",
                event_id=EVENT,
                call=str(number),
                asked_by=f"ou_{number}",
                tool="deploy",
                arguments=arguments,
                arguments_hash=hash_of("deploy", arguments),
                reason="",
                card_ids=(CHAT,),
            )
            async with room:
                row, _ = await made.questions.ask(question, nothing)
            return row.id, row.nonce

        found = await asyncio.gather(*map(one, range(count)))
        sent = update(ApprovalCardRow).values(message_id="om_" + col(ApprovalCardRow.approval_id))
        await made.database.write(lambda session: session.exec(sent))
        return found


async def replica(url: str, directory: Path, clicks: int, rate: float) -> None:
    """Click, carry out, and tell how long each click took and how often it was the one that counted."""
    from nonebot_plugin_feishu_ws.butler.approvals import Click, Decider

    approvals = json.loads((directory / "approvals.json").read_text())
    boss = Decider(BOSS, APP, CHAT)
    times: list[float] = []
    latest = 0.0
    won = 0
    async with stack(url, directory / "ledger") as made:
        made.worker.start()

        async def click(due: float, approval_id: str, nonce: str) -> None:
            nonlocal won
            decision = await made.deciding.click(
                boss, Click(approval_id, True, nonce, f"om_{approval_id}", CHAT)
            )
            times.append(time.monotonic() - due)
            won += decision.won

        print("ready", flush=True)
        begin = float(await asyncio.to_thread(sys.stdin.readline))
        before = cpu()
        async with asyncio.TaskGroup() as group:
            for number, approval in enumerate(approvals):
                due = begin + number / rate
                await asyncio.sleep(due - time.monotonic())
                latest = max(latest, time.monotonic() - due)
                for _ in range(clicks):
                    group.create_task(click(due, *approval))
        took = time.monotonic() - begin
        used = cpu() - before
        told = {"times": times, "won": won, "took": took, "cpu": used, "latest": latest}
        print(json.dumps(told), flush=True)
        await asyncio.to_thread(sys.stdin.readline)


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


# --- both of them ---------------------------------------------------------------------------------------------------


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """The database to use: the one that was named, else one that is thrown away."""
    if url is not None:
        yield url
        return
    from postgres import running_postgres

    with running_postgres(options="") as cluster:  # which syncs what it commits
        yield cluster.create_database()


async def race(url: str, directory: Path, options: argparse.Namespace) -> None:
    ledger = directory / "ledger"
    approvals = await ask(url, ledger, options.approvals)
    (directory / "approvals.json").write_text(json.dumps(approvals))
    share = [options.clicks // REPLICAS + (n < options.clicks % REPLICAS) for n in range(REPLICAS)]
    command = [sys.executable, __file__, "--database", url, "--replica", str(directory)]
    processes = [
        await asyncio.create_subprocess_exec(
            *command,
            *("--rate", str(options.rate), "--clicks", str(clicks)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 26,
        )
        for clicks in share
    ]
    for process in processes:
        await line(process)
    begin = time.monotonic() + HEAD_START
    for process in processes:
        cast("asyncio.StreamWriter", process.stdin).write(f"{begin}\n".encode())
    told = [json.loads(await line(process)) for process in processes]
    async with asyncio.timeout(60 + options.approvals / 5):
        while len(set(ledger.read_text().split())) < options.approvals:  # noqa: ASYNC110 - others write it
            await asyncio.sleep(0.2)
    for process in processes:
        cast("asyncio.StreamWriter", process.stdin).write(b"stop\n")
        await process.wait()
    times = sorted(time for one in told for time in one["times"])
    runs = Counter(ledger.read_text().split())
    found = {
        "approvals": options.approvals,
        "clicks": options.clicks,
        "decided": sum(one["won"] for one in told),
        "carried_out": len(runs),
        "twice": over(runs),
        "p50": at(times, 0.5),
        "p99": at(times, 0.99),
        "longest": times[-1] * 1e3,
        "due": options.rate * options.clicks,
        "answered": len(times) / max(one["took"] for one in told),
        "late": max(one["latest"] for one in told) * 1e3,
        "cpu": sum(one["cpu"] for one in told) / len(times) * 1e3,
    }
    print(json.dumps(found) if options.json else in_words(found))


def in_words(found: dict[str, float]) -> str:
    return f"""Python {platform.python_version()}, {os.cpu_count()} cores, {REPLICAS} replicas, PostgreSQL
{found["approvals"]} approvals × {found["clicks"]} clicks, load {os.getloadavg()[0]:.1f}
decided {found["decided"]}, carried out {found["carried_out"]}, of which twice {found["twice"]}
click p50 {found["p50"]:.1f} ms, p99 {found["p99"]:.1f} ms, longest {found["longest"]:.1f} ms
clicks a second: due {found["due"]:.0f}, answered {found["answered"]:.0f}; begun up to {found["late"]:.0f} ms late
CPU of both replicas: {found["cpu"]:.2f} ms a click, with all that follows from it"""


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
    parser.add_argument("--approvals", type=int, default=10_000)
    parser.add_argument("--clicks", type=int, default=8, help="on each approval, in all replicas together")
    parser.add_argument("--rate", type=float, default=20, help="approvals a second")
    parser.add_argument("--database", help="postgresql+asyncpg://…; its tables are left behind")
    parser.add_argument("--json", action="store_true", help="the figures, in ms, for `python -m benchmarks`")
    parser.add_argument("--replica", help=argparse.SUPPRESS)
    options = parser.parse_args()
    nonebot.logger.remove()  # what is printed is the result
    nonebot.logger.add(sys.stderr, level="WARNING")
    nonebot.init(driver="~none", localstore_data_dir=tempfile.gettempdir())
    nonebot.load_plugin("nonebot_plugin_feishu_ws")
    if options.replica:
        asyncio.run(replica(options.database, Path(options.replica), options.clicks, options.rate))
        return
    with tempfile.TemporaryDirectory() as directory, database(options.database) as url:
        asyncio.run(race(url, Path(directory), options))


if __name__ == "__main__":
    main()
