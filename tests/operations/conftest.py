"""A bot as it is watched: started with settings, served by an HTTP server of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest
import uvicorn
from nonebot.config import Config, Env
from nonebot.drivers.fastapi import Driver
from prometheus_client.parser import text_string_to_metric_families

Serve = Callable[..., AbstractAsyncContextManager[str]]


@contextlib.asynccontextmanager
async def served(runtime: Any, settings: Any, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """The base URL of a driver with the probes of a runtime; `host` is what it is told that it listens on."""
    from nonebot_plugin_feishu_ws.console import install

    driver = Driver(Env(environment="test"), Config.model_validate({"driver": "~fastapi", "host": host}))
    await install(runtime, settings, driver)()
    server = uvicorn.Server(uvicorn.Config(driver.asgi, port=0, log_config=None, lifespan="off", ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture(scope="session")
def serve() -> Serve:
    return served


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Read(dict[tuple[str, tuple[tuple[str, str], ...]], float]):
    """Samples of a scrape by name and labels."""

    def of(self, name: str, **labels: str) -> float | None:
        """One; None: there is none."""
        return self.get((name, tuple(sorted(labels.items()))))

    def total(self, name: str, **labels: str) -> float:
        """All with these labels, and whatever others, together."""
        return sum(
            value for (one, has), value in self.items() if one == name and labels.items() <= dict(has).items()
        )


@pytest.fixture(scope="session")
def scrape() -> Callable[[Any], Read]:
    """Reads the metrics of a runtime as Prometheus does."""

    def read(runtime: Any) -> Read:
        families = text_string_to_metric_families(runtime.vitals.metrics()().decode())
        return Read(
            {
                (s.name, tuple(sorted(s.labels.items()))): s.value
                for family in families
                for s in family.samples
            }
        )

    return read
