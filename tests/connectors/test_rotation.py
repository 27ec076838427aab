"""A new key: every secret sealed again, whatever happens on the way, and nothing touched where a key is missing."""

import asyncio
import os
import signal
import sys
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from nonebot_plugin_feishu_ws.connectors import (
    SECRETS,
    ConnectorSpec,
    ConnectorStore,
    Progress,
    SecretsLocked,
    rotate,
    rotation,
)
from nonebot_plugin_feishu_ws.storage import ConnectorRow, Database, SealBroken, UnknownKey, Vault, new_key

OLD, NEW = new_key(), new_key()
COUNT = 5


def spec(number: int) -> ConnectorSpec:
    """The second has every secret, the others the one they must have."""
    more: dict[str, Any] = {}
    if number == 1:
        more = {"verification_token": "t", "encrypt_key": "k", "proxy": "http://user:word@proxy.example"}
    return ConnectorSpec(
        name=f"c{number:03}", app_id=f"cli_{number}", app_secret=SecretStr(f"secret {number}"), **more
    )


async def fill(database: Database, count: int = COUNT) -> None:
    store = ConnectorStore(database, Vault([OLD]))
    for number in range(count):
        await store.insert(spec(number))


@pytest.fixture
async def database(database_url: str) -> Any:
    database = Database(database_url)
    await database.start()
    await fill(database)
    yield database
    await database.close()


async def dump(database: Database) -> list[Any]:
    async with database.session() as session:
        rows = await session.exec(text("SELECT * FROM feishu_ws_connector ORDER BY name"))  # type: ignore[call-overload]
        return [tuple(row) for row in rows]


async def specs(database: Database, *keys: str) -> list[ConnectorSpec]:
    connectors = await ConnectorStore(database, Vault(keys)).all()
    assert all(connector.locked is None for connector in connectors)
    return [connector.spec for connector in connectors]


async def newest(database: Database, vault: Vault) -> list[set[bool]]:
    """For each connector: of its secrets, whether they are sealed with the first key."""
    async with database.session() as session:
        rows = (await session.exec(select(ConnectorRow).order_by(ConnectorRow.name))).all()
    return [
        {vault.is_newest(sealed) for column in SECRETS if (sealed := getattr(row, column)) is not None}
        for row in rows
    ]


async def test_afterwards_the_new_key_opens_everything_alone(database) -> None:
    before = await specs(database, OLD)
    revision = await ConnectorStore(database, Vault([OLD])).revision()
    told: list[Progress] = []
    end = await rotate(database, Vault([NEW, OLD]), told.append)
    assert told == [Progress(done, COUNT) for done in range(COUNT + 1)]
    assert end == told[-1]
    assert await specs(database, NEW) == before
    assert await newest(database, Vault([NEW])) == [{True}] * COUNT
    assert await ConnectorStore(database, Vault([NEW])).revision() == revision, "a running bot sees no change"
    locked = await ConnectorStore(database, Vault([OLD])).all()
    assert {type(connector.locked) for connector in locked} == {UnknownKey}


async def test_what_is_done_is_not_done_again(database) -> None:
    await rotate(database, Vault([NEW, OLD]), lambda _: None)
    before, told = await dump(database), list[Progress]()
    await rotate(database, Vault([NEW]), told.append)
    assert told == [Progress(COUNT, COUNT)]
    assert await dump(database) == before


async def test_nothing_stored_is_nothing_to_do(database_url) -> None:
    database, told = Database(database_url), list[Progress]()
    await database.start()
    assert await rotate(database, Vault([NEW]), told.append) == Progress(0, 0)
    assert told == [Progress(0, 0)]
    await database.close()


async def test_stopped_in_the_middle_it_goes_on_from_there(database) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await rotate(database, Vault([NEW, OLD]), stop)
    assert await newest(database, Vault([NEW])) == [{True}] * 2 + [{False}] * 3
    assert [one.name for one in await specs(database, NEW, OLD)] == [f"c{n:03}" for n in range(COUNT)]
    told: list[Progress] = []
    await rotate(database, Vault([NEW, OLD]), told.append)
    assert [progress.done for progress in told] == [2, 3, 4, 5]
    assert await specs(database, NEW) == [spec(number) for number in range(COUNT)]


@pytest.mark.parametrize("keys", [[NEW], [NEW, new_key()]])
async def test_without_the_old_key_nothing_is_changed(database, keys) -> None:
    before = await dump(database)
    with pytest.raises(SecretsLocked) as caught:
        await rotate(database, Vault(keys), pytest.fail)
    assert caught.value.name == "c000"
    assert isinstance(caught.value.error, UnknownKey)
    assert await dump(database) == before


async def test_one_secret_that_does_not_open_stops_all_before_anything_is_changed(database) -> None:
    async def swapped(session: AsyncSession) -> None:
        rows = (await session.exec(select(ConnectorRow).order_by(ConnectorRow.name))).all()
        rows[-1].app_secret = rows[0].app_secret

    await database.write(swapped)
    before = await dump(database)
    with pytest.raises(SecretsLocked) as caught:
        await rotate(database, Vault([NEW, OLD]), pytest.fail)
    assert caught.value.name == "c004"
    assert isinstance(caught.value.error, SealBroken)
    assert await dump(database) == before


async def test_others_may_change_and_remove_meanwhile(database, monkeypatch) -> None:
    store = ConnectorStore(database, Vault([NEW, OLD]))
    ids = {connector.spec.name: connector.id for connector in await store.all()}
    seal_again = rotation._seal_again

    async def late(*arguments: Any) -> None:
        monkeypatch.undo()
        await store.delete(ids["c002"])
        await store.change(ids["c003"], lambda now: (now.spec.model_copy(update={"allow_dm": False}), None))
        await seal_again(*arguments)

    monkeypatch.setattr(rotation, "_seal_again", late)
    await rotate(database, Vault([NEW, OLD]), lambda _: None)
    after = await specs(database, NEW)
    assert [one.name for one in after] == ["c000", "c001", "c003", "c004"]
    assert not after[2].allow_dm


CHILD = """
import asyncio, sys
import nonebot
nonebot.init(driver="~none", log_level="ERROR", localstore_data_dir=sys.argv[1],
             feishu_ws={"database_url": sys.argv[2], "secret_key": sys.argv[3]})
nonebot.load_plugin("nonebot_plugin_feishu_ws")
from nonebot_plugin_feishu_ws import running

def tell(progress):
    print("done", progress.done, flush=True)
    sys.stdin.readline()

async def main():
    await running.management.start()
    await running.management.rotate_key(tell)
    await running.management.stop()

asyncio.run(main())
"""


async def test_killed_again_and_again_it_comes_to_its_end_and_loses_nothing(database_url, tmp_path) -> None:
    count = 40
    database = Database(database_url)
    await database.start()
    await fill(database, count)
    vault, seen = Vault([NEW, OLD]), [0]
    for stop_at in (5, 20, count + 1):
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CHILD, str(tmp_path), database_url, f"{NEW},{OLD}"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None
        assert child.stdin is not None
        async with asyncio.timeout(30):
            while line := (await child.stdout.readline()).decode():
                if line.startswith("done "):
                    child.stdin.write(b"go on\n")
                    if int(line.removeprefix("done ")) == stop_at:  # somewhere in the next transaction
                        os.kill(child.pid, signal.SIGKILL)
            code = await child.wait()
        states = await newest(database, vault)
        assert all(len(state) == 1 for state in states), "the secrets of one connector stay together"
        seen.append(sum(state == {True} for state in states))
        assert await specs(database, NEW, OLD) == [spec(number) for number in range(count)]
    assert code == 0
    assert seen[1] in (5, 6)
    assert seen[2] in (20, 21)
    assert seen[3] == count
    assert await specs(database, NEW) == [spec(number) for number in range(count)]
    await database.close()
