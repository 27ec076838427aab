"""A bot as its users run it: `bot.py` in a process of its own."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from model_server import ModelServer, serving
from playwright.async_api import Browser
from processes import BotProcess
from windows import Open, Stage

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


@pytest.fixture
async def stage(chromium: Browser, start_bot: Any) -> AsyncIterator[Open]:
    """Starts the bot as a newcomer does."""
    bots: list[Any] = []
    stages: list[Stage] = []

    async def start(locale: str, **settings: str) -> Stage:
        bot = await start_bot(
            FEISHU_WS__SANDBOX="true",
            FEISHU_WS__LOCALE=locale.replace("-", "_"),
            LOG_LEVEL="INFO",
            **settings,
        )
        bots.append(bot)
        line = await bot.line("The local Feishu is at")
        address = next(word for word in line.split() if word.startswith("http://"))
        stages.append(Stage(chromium, address, locale, []))
        return stages[-1]

    yield start
    for context in chromium.contexts:
        await context.close()
    assert [await bot.stop() for bot in bots] == [0] * len(bots)
    assert [one.problems for one in stages if one.problems] == []


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """A model's server."""
    async with serving() as server:
        yield server
