"""Processes are counted by the system, and what goes wrong in them is told."""

import os
import sys
from pathlib import Path

import pytest

from benchmarks.children import ChildError, started

ECHO = "import sys\nfor line in sys.stdin: print('noise'); print(line, end='', flush=True)"
BURN = """
import sys, time
sys.stdin.readline()
while time.process_time() < 0.3: pass
print(time.process_time(), flush=True)
sys.stdin.readline()
"""


async def test_a_child_answers_line_by_line(tmp_path: Path) -> None:
    async with started(sys.executable, "-c", ECHO, directory=tmp_path) as child:
        assert await child.ask({"a": 1}) == {"a": 1}
        assert await child.ask([2]) == [2]
        assert child.rss > 2**20
        await child.end()


async def test_cpu_is_the_childs_own_account(tmp_path: Path) -> None:
    async with started(sys.executable, "-c", BURN, directory=tmp_path) as child:
        await child.quiet()
        before = child.cpu
        used = await child.ask("go")
        assert used == pytest.approx(child.cpu, abs=0.02)
        assert child.cpu - before > 0.1
        assert before < 0.3


async def test_a_child_runs_where_it_is_put(tmp_path: Path) -> None:
    tell = "import os; print(sorted(os.sched_getaffinity(0)))"
    async with started(sys.executable, "-c", tell, directory=tmp_path, core=0) as child:
        assert await child.hear() == [0]
    async with started(sys.executable, "-c", tell, directory=tmp_path) as child:
        assert await child.hear() == sorted(os.sched_getaffinity(0))


@pytest.mark.parametrize("end", ["sys.exit(3)", "raise ValueError('broken')"])
async def test_a_child_that_dies_is_an_error_with_its_last_words(tmp_path: Path, end: str) -> None:
    code = f"import sys; print('last words', file=sys.stderr); {end}"
    async with started(sys.executable, "-c", code, directory=tmp_path) as child:
        with pytest.raises(ChildError, match="last words"):
            await child.hear()
        with pytest.raises(ChildError, match="ended with"):
            await child.end()


async def test_a_child_that_never_rests_is_an_error(tmp_path: Path) -> None:
    async with started(sys.executable, "-c", "while True: pass", directory=tmp_path) as child:
        with pytest.raises(ChildError, match="rest"):
            await child.quiet(within=0.5)
