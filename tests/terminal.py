"""A terminal for a program under test: what it shows is read, and keys are typed."""

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import termios
from collections.abc import Mapping
from pathlib import Path


class Terminal:
    """A program on a pseudo-terminal of its own, which controls it: `/dev/tty` works too."""

    def __init__(self, master: int, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.text = ""
        self._ended = False
        self._master = master
        self._news = asyncio.Condition()
        self._bytes: asyncio.Queue[bytes] = asyncio.Queue()
        asyncio.get_running_loop().add_reader(master, self._readable)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, *command: str, cwd: Path, env: Mapping[str, str]) -> "Terminal":
        """Start a command."""
        master, slave = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=cwd,
                env=env,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                start_new_session=True,
                preexec_fn=_own_terminal,
            )
        finally:
            os.close(slave)
        return cls(master, process)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux: every other end is closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        self._bytes.put_nowait(data)

    async def _read(self) -> None:
        while data := await self._bytes.get():
            async with self._news:
                self.text += data.decode(errors="replace")
                self._news.notify_all()
        async with self._news:
            self._ended = True
            self._news.notify_all()

    async def shows(self, words: str, timeout: float = 20) -> None:
        """Wait until it shows `words`; fails when the program ends without."""
        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(lambda: words in self.text or self._ended)
        assert words in self.text, self.text

    def type(self, keys: str) -> None:
        """Type, as on a keyboard."""
        os.write(self._master, keys.encode())

    def shows_what_is_typed(self) -> bool:
        """Whether it echoes."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    async def ended(self, timeout: float = 20) -> int:
        """Wait for its end; the exit code."""
        async with asyncio.timeout(timeout):
            await self._reader
            return await self.process.wait()

    async def close(self) -> None:
        """Kill it if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        asyncio.get_running_loop().remove_reader(self._master)
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        os.close(self._master)


def _own_terminal() -> None:
    """In the child. Ctrl-C works there even where the tests run in the background, which ignore it for all below."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
