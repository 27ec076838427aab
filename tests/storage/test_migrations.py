"""The schema: from nothing, at once from several processes, ahead of us, and equal to the models."""

import asyncio
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from nonebot_plugin_feishu_ws.storage import Database, MigrationError
from nonebot_plugin_feishu_ws.storage.migrate import NEWEST, VERSION_TABLE
from nonebot_plugin_feishu_ws.storage.upgrade import alembic_config

ROOT = Path(__file__).parents[2]
TABLES = {
    "feishu_ws_approval",
    "feishu_ws_approvalcard",
    "feishu_ws_connector",
    "feishu_ws_conversation",
    "feishu_ws_event",
    "feishu_ws_link",
    "feishu_ws_log",
    "feishu_ws_merged",
    "feishu_ws_nonce",
    "feishu_ws_outbox",
    "feishu_ws_run",
    "feishu_ws_session",
    "feishu_ws_signin",
    "feishu_ws_spending",
    "feishu_ws_status",
    "feishu_ws_turn",
    "feishu_ws_worker",
    VERSION_TABLE,
}


async def in_transaction(database: Database, work: Any) -> Any:
    return await database.write(lambda session: _run(session, work))


async def _run(session: Any, work: Any) -> Any:
    return await (await session.connection()).run_sync(work)


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


async def test_models_and_migrations_agree(database: Database) -> None:
    """If this fails: a table was changed without a migration (or the other way round)."""

    def check(connection: Connection) -> None:
        command.check(alembic_config(connection))

    await in_transaction(database, check)


async def test_the_newest_is_alembics(database: Database) -> None:
    """A start compares with the constant, without alembic: one that was left behind would upgrade nothing."""

    def heads(connection: Connection) -> list[str]:
        return ScriptDirectory.from_config(alembic_config(connection)).get_heads()

    assert await in_transaction(database, heads) == [NEWEST]
    assert await database.revisions() == (NEWEST, NEWEST)


async def test_the_check_notices_a_difference(database: Database) -> None:
    def check(connection: Connection) -> None:
        connection.execute(text("ALTER TABLE feishu_ws_log ADD COLUMN surprise TEXT"))
        command.check(alembic_config(connection))

    with pytest.raises(Exception, match="New upgrade operations detected"):
        await in_transaction(database, check)


async def test_only_our_tables_and_our_own_version_table(database: Database) -> None:
    assert await in_transaction(database, tables) - {"sqlite_sequence"} == TABLES


async def test_tables_of_others_are_left_alone(database: Database) -> None:
    def share(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
        command.check(alembic_config(connection))

    await in_transaction(database, share)
    await database.start()
    assert "alembic_version" in await in_transaction(database, tables)


async def test_starting_again_changes_nothing(database: Database) -> None:
    before = await in_transaction(database, tables)
    await database.start()
    assert await in_transaction(database, tables) == before


async def test_several_start_at_once_in_one_process(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(4)]
    await asyncio.gather(*(database.start() for database in databases))
    assert await in_transaction(databases[0], tables) >= TABLES
    for database in databases:
        await database.close()


async def test_several_processes_start_at_once(database_url: str) -> None:
    script = textwrap.dedent(
        """
        import asyncio, sys, nonebot
        nonebot.init(driver="~none", log_level="ERROR")
        nonebot.load_plugin("nonebot_plugin_feishu_ws")
        from nonebot_plugin_feishu_ws.storage import Database
        async def main():
            database = Database(sys.argv[1])
            print("ready", flush=True)
            sys.stdin.readline()
            await database.start()
            await database.close()
        asyncio.run(main())
        """
    )
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            database_url,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        while (line := await process.stdout.readline()) != b"ready\n":  # after NoneBot's own lines
            assert line, "the process ended"
    results = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0, 0], results
    database = Database(database_url)
    assert await in_transaction(database, tables) >= TABLES
    await database.close()


async def test_a_database_ahead_of_us_is_used_as_it_is(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def go_ahead(connection: Connection) -> None:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = 'tomorrow'"))

    await in_transaction(database, go_ahead)
    await database.start()
    assert "tomorrow" in caplog.text


async def test_a_migration_that_fails_changes_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first table is made, then the second fails: the first must be gone again."""
    create = Operations.create_table

    def fail_at_events(self: Operations, name: str, *args: Any, **kw: Any) -> Any:
        if name == "feishu_ws_event":
            raise RuntimeError("boom")
        return create(self, name, *args, **kw)

    database = Database(database_url)
    with monkeypatch.context() as patch:
        patch.setattr("alembic.op.create_table", lambda *a, **k: fail_at_events(_proxy(), *a, **k))
        with pytest.raises(MigrationError, match="boom"):
            await database.start()
    assert await in_transaction(database, tables) <= {"sqlite_sequence"}
    await database.start()
    assert await in_transaction(database, tables) >= TABLES
    await database.close()


def _proxy() -> Operations:
    import alembic.op

    return alembic.op._proxy  # type: ignore[attr-defined]


async def test_the_odd_characters_of_a_path_do_not_matter(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/a dir/100%%/{{x}}/飞书.sqlite3")
    await database.start()
    assert database.path is not None
    assert database.path.exists()
    await database.close()


def test_alembic_finds_the_scripts_in_a_directory_with_a_percent_sign() -> None:
    config = Config()
    config.set_main_option("script_location", "/a/100%/b".replace("%", "%%"))
    assert config.get_main_option("script_location") == "/a/100%/b"
