"""faults.md 9, 16, 18, 29, 31: bots that are killed at every boundary, and frozen past their lease.

The long run is `python tests/crash/harness.py --kills 500 --events 20000 --database postgresql --replicas 2`.
"""

from pathlib import Path
from typing import Any

import pytest
from crash.run import Plan, run

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(240),
]  # processes that start again and again, on machines that may be busy


async def test_one_bot_on_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    result = await run(Plan(kills=12, events=300, database_url=sqlite_url, home=tmp_path / "crash", seed=1))
    assert result.clean, str(result)
    assert (result.sent, result.kills) == (300, 12), str(result)


async def test_two_replicas_on_postgresql(postgres: Any, tmp_path: Path) -> None:
    url = postgres.create_database()
    result = await run(
        Plan(kills=8, events=200, database_url=url, home=tmp_path / "crash", replicas=2, pauses=1, seed=2)
    )
    assert result.clean, str(result)
    assert (result.sent, result.kills) == (200, 8), str(result)
