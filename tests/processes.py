"""Bots in processes of their own."""

import asyncio


class BotProcess:
    """A running `bot.py`; its output is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output: list[str] = []
        self._news = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            async with self._news:
                self.output.append(line.decode())
                self._news.notify_all()
        async with self._news:
            self.output.append("")
            self._news.notify_all()

    async def line(self, words: str, timeout: float = 30) -> str:
        """The first line of output that holds `words`; fails when the process ends without it."""

        def found() -> str | None:
            return next((line for line in self.output if words in line), None)

        async with asyncio.timeout(timeout), self._news:
            await self._news.wait_for(lambda: found() is not None or self.output[-1:] == [""])
        line = found()
        assert line is not None, f"{words!r} never came:\n" + "".join(self.output)
        return line

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        code = await asyncio.wait_for(self.process.wait(), 15)
        await self._reader
        return code

    async def kill(self) -> None:
        """SIGKILL: no goodbye."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        await self._reader
