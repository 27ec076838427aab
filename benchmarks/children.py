"""Processes of their own: started, pinned, talked to in lines of JSON, their CPU counted by the operating system.

A child writes one line of JSON to its standard output for each it reads from its standard input (other lines it may
print are passed over), and ends when its input does.
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
_LINE = 1 << 26  # bytes: a list of latencies is a line
_STILL = 0.002  # seconds of CPU in _LOOK: a process at rest needs less
_LOOK = 0.1


class ChildError(Exception):
    """A child ended, or did not answer."""


class Child:
    """One process. Made by `started`."""

    def __init__(self, process: asyncio.subprocess.Process, errors: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._errors = errors

    @property
    def cpu(self) -> float:
        """Seconds of CPU, user and system, of all its threads so far."""
        if sys.platform == "linux":  # clock_getcpuclockid(3): in nanoseconds, where psutil has ticks of 10 ms
            return time.clock_gettime((~self.pid << 3) | 2)
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system

    @property
    def rss(self) -> int:
        """Bytes of memory it has resident."""
        return psutil.Process(self.pid).memory_info().rss

    @property
    def errors(self) -> str:
        """The end of what it wrote to its standard error."""
        return self._errors.read_text(errors="replace")[-2000:]

    async def hear(self, within: float = 60.0) -> Any:
        """The next line of JSON.

        Raises:
            ChildError: none came; with the end of what it wrote to its standard error.
        """
        assert self._process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while line := await self._process.stdout.readline():
                    with suppress(ValueError):
                        return json.loads(line)
        raise ChildError(f"said nothing for {within:.0f} s, or ended:\n{self.errors}")

    async def ask(self, what: object, within: float = 60.0) -> Any:
        """Write a line, and hear one."""
        self.tell(what)
        return await self.hear(within)

    def tell(self, what: object) -> None:
        """Write a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    async def gone(self) -> ChildError:
        """Wait until it ends, which it should not yet."""
        code = await self._process.wait()
        return ChildError(f"ended with {code}:\n{self.errors}")

    async def quiet(self, within: float = 30.0) -> None:
        """Wait until it does nothing more.

        Raises:
            ChildError: it does not come to rest.
        """
        try:
            async with asyncio.timeout(within):
                calm = 0
                while calm < 2:
                    before = self.cpu
                    await asyncio.sleep(_LOOK)
                    calm = calm + 1 if self.cpu - before < _STILL else 0
        except TimeoutError:
            raise ChildError(f"did not come to rest in {within:.0f} s") from None

    async def end(self, within: float = 30.0) -> None:
        """Close its input, and wait until it has ended.

        Raises:
            ChildError: it did not, or not well.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(within):
                code = await self._process.wait()
        except TimeoutError:
            raise ChildError(f"did not end in {within:.0f} s") from None
        if code:
            raise ChildError(f"ended with {code}:\n{self.errors}")


@asynccontextmanager
async def started(
    *command: str, directory: Path, core: int | None = None, **environment: str
) -> AsyncGenerator[Child]:
    """A process, killed at the end if it is still there.

    Args:
        command: program and arguments.
        directory: where it runs, and where its standard error is kept.
        core: the only one it runs on; None: as the system likes.
        environment: variables besides our own.
    """

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})

    errors = directory / f"stderr-{time.monotonic_ns()}"
    with errors.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            cwd=directory,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
                **environment,
            },
            limit=_LINE,
            preexec_fn=pin if hasattr(os, "sched_setaffinity") else None,
        )
    try:
        yield Child(process, errors)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def heeding(clients: Sequence[Child], asking: Coroutine[Any, Any, Any]) -> Any:
    """What is answered; unless a client ends before that, which would be waited for in vain.

    Raises:
        ChildError: One has ended.
    """
    answer = asyncio.create_task(asking)
    ends = [asyncio.create_task(client.gone()) for client in clients]
    try:
        await asyncio.wait((answer, *ends), return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            if end.done() and not answer.done():
                raise end.result()
        return answer.result()
    finally:
        for task in (answer, *ends):
            task.cancel()


def python(module: str, settings: object = None) -> tuple[str, ...]:
    """The command for a module of ours: `python("benchmarks.clients.floor", {"url": …})`."""
    return (sys.executable, "-m", module, *(() if settings is None else (json.dumps(settings),)))


# --- in the child ---------------------------------------------------------------------------------------------------


def settings() -> Any:
    """In a child: what it was started with."""
    return json.loads(sys.argv[1])


def say(what: object) -> None:
    """In a child: write a line."""
    print(json.dumps(what), flush=True)


def answer(how: Callable[[Any], object], at_end: Callable[[], object]) -> None:
    """In a child: answer every line in a thread, which sleeps in between; its input's end is `at_end`."""

    def listen() -> None:
        for line in sys.stdin:
            say(how(json.loads(line)))
        at_end()

    threading.Thread(target=listen, daemon=True).start()
