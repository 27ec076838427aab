"""What a bot serves over HTTP with the FastAPI driver, served in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nonebot
import uvicorn
from nonebot.config import Config, Env
from nonebot.drivers.fastapi import Driver
from pydantic import SecretStr

from feishu_sandbox import Sandbox


@dataclass(frozen=True)
class Served:
    """Attributes:
    url: Its beginning.
    runtime: The bot.
    app: FastAPI's.
    """

    url: str
    runtime: Any
    app: Any


@contextlib.asynccontextmanager
async def serving(settings: dict[str, Any], data: Path, sandbox: Sandbox) -> AsyncIterator[Served]:
    """A bot on SQLite in `data`, whose platform is the sandbox."""
    from nonebot_plugin_feishu_ws.adapter import ensure_adapter
    from nonebot_plugin_feishu_ws.config import Settings
    from nonebot_plugin_feishu_ws.console import install
    from nonebot_plugin_feishu_ws.runtime import Runtime

    usual = {"database_url": SecretStr(f"sqlite+aiosqlite:///{data}/bot.sqlite3"), "url": sandbox.url}
    made = Settings.model_validate({**usual, "butler": "off", **settings})
    runtime = Runtime(made, ensure_adapter(nonebot.get_driver()), data)
    driver = Driver(Env(environment="test"), Config.model_validate({"driver": "~fastapi"}))
    await install(runtime, made, driver)()
    server = uvicorn.Server(uvicorn.Config(driver.asgi, port=0, log_config=None, lifespan="off", ws="none"))
    await runtime.prepare()
    serves = asyncio.create_task(server.serve())
    try:
        await runtime.open()
        while not server.started:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield Served(url, runtime, driver.server_app)
    finally:
        server.should_exit = True
        await serves
        await runtime.close()
