"""A backup that is taken while the bot writes is one that a bot can start with."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from feishu_sandbox import App, Sandbox
from nonebot_plugin_feishu_ws.storage import Database, EventRow

pytestmark = pytest.mark.usefixtures("pong")


def vacuumed(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def backed_up(source: Path, target: Path) -> None:
    """What `.backup` does."""
    with closing(sqlite3.connect(source)) as connection, closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)


class Crowd:
    """People who write to a bot all the time."""

    def __init__(self, sandbox: Sandbox, app: App) -> None:
        self._sandbox = sandbox
        user = sandbox.world.add_user("Alice")
        self._user, self._chat = user, sandbox.world.direct_chat(user, app)
        self.acked: list[str] = []
        self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        while True:
            await self._sandbox.world.say(self._user, self._chat, "say nothing")
            event_id = self._sandbox.hub.deliveries[-1].event_id
            assert (await self._sandbox.hub.wait_ack(event_id, 1, timeout=20)).code == 200
            self.acked.append(event_id)

    async def wrote(self, count: int) -> list[str]:
        """What was acknowledged by now, once it is so many."""
        async with asyncio.timeout(20):
            while len(self.acked) < count:  # noqa: ASYNC110
                await asyncio.sleep(0)
        return list(self.acked)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def events_in(url: str) -> set[str]:
    database = Database(url)
    await database.start()
    async with database.session() as session:
        found = set((await session.exec(select(EventRow.event_id))).all())
    await database.close()
    return found


@pytest.mark.parametrize("method", [vacuumed, backed_up])
async def test_of_sqlite(
    launch: Any, feishu_sandbox: Sandbox, tmp_path: Path, method: Callable[[Path, Path], None]
) -> None:
    source, target = tmp_path / "feishu.sqlite3", tmp_path / "restored" / "feishu.sqlite3"
    target.parent.mkdir()
    bot = await launch(feishu_sandbox, f"sqlite+aiosqlite:///{source}")
    app = await bot.add("butler")
    await bot.connected(app)
    crowd = Crowd(feishu_sandbox, app)
    before = await crowd.wrote(20)
    await asyncio.to_thread(method, source, target)
    await crowd.wrote(len(crowd.acked) + 5)
    await crowd.stop()
    await bot.stop()

    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    target.with_suffix(".key").write_bytes(source.with_suffix(".key").read_bytes())
    target.with_suffix(".key").chmod(0o600)
    assert set(before) <= await events_in(f"sqlite+aiosqlite:///{target}")
    restored = await launch(feishu_sandbox, f"sqlite+aiosqlite:///{target}")
    await restored.connected(app)
    await restored.answers(app)


async def test_of_postgresql(launch: Any, feishu_sandbox: Sandbox, postgres: Any, tmp_path: Path) -> None:
    url, restored_url = postgres.create_database(), postgres.create_database()
    bot = await launch(feishu_sandbox, url)
    app = await bot.add("butler")
    await bot.connected(app)
    crowd = Crowd(feishu_sandbox, app)
    before = await crowd.wrote(20)

    def program(name: str, database_url: str, *arguments: str) -> None:
        database = database_url.rpartition("/")[2]
        where = ["-h", "127.0.0.1", "-p", str(postgres.port), "-U", "postgres", "-d", database]
        subprocess.run(
            [postgres._binaries / name, *where, *arguments], check=True, env={"PATH": os.environ["PATH"]}
        )

    dump = str(tmp_path / "copy.dump")
    await asyncio.to_thread(program, "pg_dump", url, "--format=custom", f"--file={dump}")
    await crowd.wrote(len(crowd.acked) + 5)
    await crowd.stop()
    await bot.stop()

    await asyncio.to_thread(program, "pg_restore", restored_url, "--exit-on-error", dump)
    assert set(before) <= await events_in(restored_url)
    restored = await launch(feishu_sandbox, restored_url)
    await restored.connected(app)
    await restored.answers(app)
