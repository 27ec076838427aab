"""Two processes with the same connectors on one PostgreSQL: what each holds, and what people ask of both."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from feishu_sandbox import App, ClientConfig, Rules, Sandbox
from nonebot_plugin_feishu_ws.commands import Desk, perform
from nonebot_plugin_feishu_ws.storage import new_key
from nonebot_plugin_feishu_ws.texts.connectors import ConnectorTexts

BOT = """
import nonebot
nonebot.init()
nonebot.load_plugin("nonebot_plugin_feishu_ws")
from nonebot_plugin_feishu_ws import running
running._lease._beat_every = 0.3  # a dead process is noticed after five times that
nonebot.run()
"""
SOON = 3
"""Seconds: what takes one, on a busy machine."""


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    return Rules(client_config=ClientConfig(reconnect_nonce=0, reconnect_interval=1))


class Office:
    """Processes, and a shell beside them."""

    def __init__(self, shell: Any, sandbox: Sandbox, app: App, root: Any, start: Any) -> None:
        self.shell = shell
        self.hub = sandbox.hub
        self.app = app
        self.root = root
        self.start: Callable[[], Awaitable[asyncio.subprocess.Process]] = start

    async def both(self) -> list[asyncio.subprocess.Process]:
        """Two processes, each with one connection of the app."""
        processes = [await self.start(), await self.start()]
        await self.online(2, within=60)
        return processes

    async def online(self, count: int, within: float = SOON, app: App | None = None) -> None:
        app = app or self.app
        await self.hub.bell.until(lambda: len(self.hub.online(app)) == count, within, f"{count} connections")

    async def report(self, processes: int, within: float = 15) -> Any:
        """What the database says, once so many processes are connected."""
        async with asyncio.timeout(within):
            while True:
                report = (await self.shell.statuses.all()).get(self.app.app_id)
                parts = report.parts if report else ()
                if len(parts) == processes and all(part.connections == 1 for part in parts):
                    return report

    async def says(self, line: str) -> Any:
        return await perform(Desk(self.shell, self.root, ConnectorTexts("en_US"), "nb feishu-ws"), line)


@pytest.fixture
async def office(
    manage: Any, people: Any, feishu_sandbox: Sandbox, postgres: Any, tmp_path: Path, fields_of: Any
) -> AsyncIterator[Office]:
    url, key = postgres.create_database(), new_key()
    running: list[asyncio.subprocess.Process] = []

    async def start() -> asyncio.subprocess.Process:
        home = tmp_path / str(len(running))
        home.mkdir()
        settings = {"URL": feishu_sandbox.url, "DATABASE_URL": url, "SECRET_KEY": key, "BUTLER": "off"}
        with (home / "output.txt").open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", BOT),
                cwd=home,
                env={
                    **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
                    "HOME": str(home),
                    "DRIVER": "~none",
                    **{f"FEISHU_WS__{name}": value for name, value in settings.items()},
                },
                stdout=output,
                stderr=output,
            )
        running.append(process)
        return process

    shell = await manage(url, secret_key=SecretStr(key))
    app = feishu_sandbox.world.add_app("Butler")
    await shell.service.create(people.root, fields_of(app))
    await shell.service.verify(people.root, "butler")
    await shell.service.set_enabled(people.root, "butler", True)
    yield Office(shell, feishu_sandbox, app, people.root, start)
    for process in running:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_each_process_is_shown_until_it_dies(office: Office) -> None:
    killed, other = await office.both()
    await office.report(2)
    shown = await office.says("status butler")
    assert "🟢 connected 2/2" in shown.text
    for process in (killed, other):
        assert f":{process.pid}" in shown.text
    assert [row[0].startswith("↳") for row in shown.table.rows] == [False, True, True]
    (brief,) = shown.data
    assert (brief["connections"], [part["connections"] for part in brief["processes"]]) == (2, [1, 1])
    assert len((await office.says("status")).table.rows) == 1
    killed.kill()
    await killed.wait()
    left = await office.report(1)
    assert left.parts[0].label.endswith(f":{other.pid}")
    assert (left.state, left.connections) == ("connected", 1)
    other.terminate()
    assert await asyncio.wait_for(other.wait(), 15) == 0
    assert (await office.shell.statuses.all())[office.app.app_id].parts == (), (
        "taken back, not only left to die"
    )


async def test_what_people_ask_counts_in_both_and_survives_the_restart_of_one(
    office: Office, feishu_sandbox: Sandbox, fields_of: Any
) -> None:
    """faults.md 27: no LISTEN could be lost, there is none; every process looks for itself, twice a second."""
    one, two = await office.both()
    service, root, hub = office.shell.service, office.root, office.hub
    other = feishu_sandbox.world.add_app("Other")
    await service.create(root, fields_of(other, "other"))
    await service.verify(root, "other")
    await service.set_enabled(root, "other", True)
    await office.online(2, app=other)
    await service.set_connected(root, "butler", False)
    await office.online(0)
    one.terminate()
    await one.wait()
    await office.start()
    await hub.wait_opened(other, 3, timeout=60)
    assert len(hub.opened(office.app)) == 2, "still held"
    await service.set_connected(root, "butler", True)
    await office.online(2)
    await service.set_enabled(root, "butler", False)
    await office.online(0)
    await service.set_enabled(root, "butler", True)
    await office.online(2)
    await service.update(root, "butler", {"name": "renamed"})
    await hub.wait_opened(office.app, 8)
    two.kill()
    await two.wait()
