"""Servers that are connected to, and stopped behind each test."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import mcp_office
import pytest
from mcp_office import made, served

Connect = Callable[..., Awaitable[Any]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Starts a `Server`; returns once it has tried to connect."""
    from nonebot_plugin_feishu_ws.butler.mcp import Server

    started: list[Server] = []

    async def start(settings: Any, **more: Any) -> Server:
        server = Server("office", settings, **{"wait_first": 0.05, "calm": 0.0, **more})
        started.append(server)
        server.start()
        await server.ready()
        return server

    yield start
    await asyncio.gather(*(server.stop() for server in started))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """What tools have done, line by line."""
    (tmp_path / "ledger").touch()
    return tmp_path / "ledger"


@pytest.fixture
def program(ledger: Path) -> dict[str, Any]:
    """Settings of the server as a program."""
    return {"command": sys.executable, "args": [mcp_office.__file__], "env": {"LEDGER": str(ledger)}}


@pytest.fixture(params=["http", "program"])
async def office(
    request: pytest.FixtureRequest, connect: Connect, ledger: Path, program: dict[str, Any]
) -> AsyncIterator[Any]:
    """The server, connected in one way and the other."""
    from nonebot_plugin_feishu_ws.mcp_servers import McpServer

    if request.param == "program":
        yield await connect(McpServer(**program))
        return
    async with served(made(ledger)) as url:
        server = await connect(McpServer(url=url))
        yield server
        await server.stop()
