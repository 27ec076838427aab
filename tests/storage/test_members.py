"""`IN`, for as many values as there are connectors."""

import pytest
from sqlmodel import col, select

from nonebot_plugin_feishu_ws.storage import Database, StatusRow, one_of, utc_now

STRANGE = ["cli_ä", "cli_'quoted'", 'cli_"double"', "cli_\\", "cli_%s :name"]


@pytest.fixture
async def database(database_url):
    database = Database(database_url)
    await database.start()
    yield database
    await database.close()


async def store(database, app_ids):
    async def work(session):
        session.add_all([StatusRow(app_id=app_id, updated_at=utc_now()) for app_id in app_ids])

    await database.write(work)


@pytest.mark.parametrize(
    "asked",
    [[], ["cli_1"], STRANGE, ["cli_1", "cli_nowhere", "cli_1"], [f"cli_{number}" for number in range(5000)]],
    ids=["none", "one", "strange", "unknown and twice", "many"],
)
async def test_as_many_as_asked_for(database, asked):
    there = [*STRANGE, *(f"cli_{number}" for number in range(100))]
    await store(database, there)
    async with database.session() as session:
        found = await session.exec(
            select(StatusRow.app_id).where(one_of(col(StatusRow.app_id), asked), ~col(StatusRow.held))
        )
        assert sorted(found.all()) == sorted(set(asked) & set(there))


async def test_one_statement_for_any_number(database):
    statements = {
        str(
            select(StatusRow.app_id)
            .where(one_of(col(StatusRow.app_id), asked))
            .compile(database._engine.sync_engine)
        )
        for asked in ([], ["cli_1"], ["cli_1"] * 100)
    }
    assert len(statements) == 1
