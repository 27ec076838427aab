"""Replicas of a bot on one database. The plugin is imported inside the fixtures: pytest reads this file before it is
loaded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from pydantic import SecretStr

from feishu_sandbox import Sandbox

if TYPE_CHECKING:
    from replicas import Replica, World


@pytest.fixture
async def world(feishu_sandbox: Sandbox) -> World:
    """Alice asks, Bob and Carol approve; the connector names nobody, and Bob is a superuser."""
    from replicas import World

    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

    world = feishu_sandbox.world
    app = world.add_app("Butler")
    people = [world.add_user(name) for name in ("Alice", "Bob", "Carol")]
    chat = world.add_group("Everyone", [*people, app])
    spec = ConnectorSpec(name="butler", app_id=app.app_id, app_secret=SecretStr(app.app_secret))
    made = World(feishu_sandbox, app, people, chat, spec)
    made.superusers.add(made.id_of(1))
    return made


Start = Callable[..., Awaitable["Replica"]]


@pytest.fixture
async def start(world: World) -> AsyncIterator[Start]:
    """Starts replicas on a database by its URL. Each has the tool `deploy`, whose effects are in the ledger."""
    from replicas import Replica

    from nonebot_plugin_feishu_ws.storage import Database

    made: list[Replica] = []
    async with aiohttp.ClientSession() as session:

        async def start(url: str, *, working: bool = True, **options: Any) -> Replica:
            database = Database(url)
            await database.start()
            replica = Replica(world, database, session, **options)

            @replica.tools.tool("deploy", requires_approval=True)
            async def deploy(service: str = "web", replicas: int = 1) -> str:
                """Roll a service out."""
                world.ledger.append((service, replicas))
                return f"{service} runs"

            await replica.start(working=working)
            made.append(replica)
            return replica

        yield start
        for replica in made:
            await replica.stop()


@pytest.fixture
async def one(start: Start, database_url: str) -> Replica:
    """One replica, on each kind of database in turn."""
    return await start(database_url)
