"""Kills bots and counts: python tests/crash/harness.py --kills 500 --events 20000 --database postgresql --replicas 2

The exit code is 0 if nothing was lost and nothing was done twice.
"""

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from crash.run import Plan, run
from postgres import running_postgres


def main() -> int:
    """Read the arguments, run, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--replicas", type=int, default=1, help="more than one needs postgresql")
    parser.add_argument("--pauses", type=int, default=0, help="replicas frozen past their lease")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="keep logs, ledger and database")
    chosen = parser.parse_args()
    if chosen.replicas > 1 and chosen.database == "sqlite":
        parser.error("one bot per SQLite file")
    home = Path(tempfile.mkdtemp(prefix="feishu-ws-crash-"))
    with contextlib.ExitStack() as stack:
        if not chosen.keep:
            stack.callback(shutil.rmtree, home, ignore_errors=True)
        url = f"sqlite+aiosqlite:///{home}/feishu.sqlite3"
        if chosen.database == "postgresql":
            url = stack.enter_context(running_postgres()).create_database()
        plan = Plan(
            kills=chosen.kills,
            events=chosen.events,
            database_url=url,
            home=home,
            replicas=chosen.replicas,
            pauses=chosen.pauses,
            seed=chosen.seed,
        )
        print(f"seed {chosen.seed}, in {home}", flush=True)  # noqa: T201
        since = time.monotonic()
        result = asyncio.run(run(plan))
        print(f"{result}\n{time.monotonic() - since:.0f} s")  # noqa: T201
        return 0 if result.clean else 1


if __name__ == "__main__":
    sys.exit(main())
