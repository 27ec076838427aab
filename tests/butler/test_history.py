"""What is remembered of conversations, on both databases, while others save and forget."""

import asyncio

import pytest

from nonebot_plugin_feishu_ws.butler.history import Histories, History, HistoryChanged
from nonebot_plugin_feishu_ws.storage import Database

HERE = "cli_a", "oc_1", None


@pytest.fixture
async def histories(database_url: str):
    database = Database(database_url)
    await database.start()
    yield Histories(database)
    await database.close()


async def test_what_was_saved_is_loaded(histories: Histories) -> None:
    assert await histories.load(HERE) == History()
    await histories.save(HERE, History(), [{"said": "hi \0 你好"}], "before")
    assert await histories.load(HERE) == History(1, [{"said": "hi \0 你好"}], "before")
    for other in (("cli_b", "oc_1", None), ("cli_a", "oc_2", None), ("cli_a", "oc_1", "omt_1")):
        assert await histories.load(other) == History()


async def test_of_two_who_save_one_is_told(histories: Histories) -> None:
    for _ in range(2):  # where there is nothing yet, and where there is something
        seen = await histories.load(HERE)
        ends = await asyncio.gather(
            *(histories.save(HERE, seen, [*seen.messages, number]) for number in range(4)),
            return_exceptions=True,
        )
        assert [type(end) for end in ends].count(HistoryChanged) == 3
        assert len((await histories.load(HERE)).messages) == len(seen.messages) + 1


async def test_what_was_forgotten_does_not_come_back(histories: Histories) -> None:
    await histories.forget(HERE)
    await histories.save(HERE, History(), [1])
    seen = await histories.load(HERE)
    await histories.forget(HERE)
    with pytest.raises(HistoryChanged):
        await histories.save(HERE, seen, [1, 2])
    assert (await histories.load(HERE)).messages == []
