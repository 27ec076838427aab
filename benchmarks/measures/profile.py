"""Where the time goes: flame graphs of the hot paths under load, by py-spy."""

import asyncio
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from .. import contenders as who
from ..databases import databases
from ..report import Options, Outcome, Picture
from ..trial import trial

NAME = "profile"

_CONTENDERS = (who.GATEWAY, who.INBOX, who.FILTERED, who.PLUGIN)
_SECONDS, _RATE = 6, 250  # how long, and how many looks a second
_LARGEST = 300_000  # characters of a picture
_WARM_UP = 1000


async def measure(options: Options) -> Outcome:
    """Each once; a profiler slows what it looks at, so nothing is measured here."""
    outcome = Outcome(rounds=1)
    spy = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
    if spy is None:
        outcome.wrong.append("py-spy is not installed")
        return outcome
    seconds = 1 if options.quick else _SECONDS
    with databases(postgresql=False) as made:
        for one in _CONTENDERS:
            path = f"profiles/{one.name}.svg"
            picture = options.place(path)
            async with trial(one, made, warm_up=options.size(_WARM_UP)) as running:
                _, said = await asyncio.gather(
                    running.run(seconds=seconds + 1, window=256),
                    record(spy, running.pids[0], seconds, picture),
                )
                wrong = (*running.wrong, *finished(picture, one.title, said))
                outcome.wrong += [f"{one.name}: {line}" for line in wrong]
            outcome.blocks.append(Picture(f"{NAME}-{one.name}", path, one.title))
    return outcome


async def record(spy: str, pid: int, seconds: int, picture: Path) -> str:
    """Look at a process.

    Returns:
        What the profiler had to say.
    """
    process = await asyncio.create_subprocess_exec(
        *(spy, "record", "--pid", str(pid), "--duration", str(seconds), "--rate", str(_RATE)),
        # Of what holds the interpreter's lock: py-spy takes threads that wait for busy ones on some machines. Not
        # stopped for each look: it would stop at system calls more often than anywhere else.
        *("--gil", "--nonblocking", "--format", "flamegraph", "--function", "--output", str(picture)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode(errors="replace")


def finished(picture: Path, title: str, said: str) -> Sequence[str]:
    """Give a picture its title.

    Returns:
        What is wrong with it.
    """
    if not picture.exists():
        return [f"no profile: {said[-500:]}"]
    text = picture.read_text(encoding="utf-8")
    picture.write_text(re.sub(r'(id="title"[^>]*>)[^<]*', rf"\g<1>{title}", text, count=1), encoding="utf-8")
    return [f"its profile has {len(text):,} characters"] if len(text) > _LARGEST else []
