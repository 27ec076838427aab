"""A bot as its users run it: `bot.py` in a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from processes import BotProcess

ROOT = Path(__file__).parents[2]


StartBot = Callable[..., Awaitable[BotProcess]]


@pytest.fixture
async def start_bot(tmp_path: Path) -> AsyncIterator[StartBot]:
    """Starts `bot.py` in an empty directory with the settings given as keyword arguments."""
    running: list[BotProcess] = []

    async def start(script: Path = ROOT / "bot.py", **settings: str) -> BotProcess:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error::ResourceWarning",
            str(script),
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "DRIVER": "~none",
                "LOG_LEVEL": "DEBUG",
                **settings,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=1 << 20,
        )
        bot = BotProcess(process)
        running.append(bot)
        return bot

    yield start
    for bot in running:
        await bot.kill()
