"""Looking after the database and its key."""

import asyncio

import pytest

pytestmark = pytest.mark.timeout(180)  # several processes each, on machines that may be busy


async def test_its_revision(project) -> None:
    before = await project.done("db", "current", "--json")
    assert before.json["current"] is None
    assert not list(project.path.rglob("*.sqlite3"))  # looking makes nothing
    newest = before.json["newest"]
    upgraded = await project.done("db", "upgrade")
    assert upgraded.out == f"The database was upgraded from nothing to {newest}.\n"
    after = await project.done("db", "current")
    assert after.out == f"The database is at {newest}, the newest.\n"


async def test_one_that_is_away(project) -> None:
    away = {"FEISHU_WS__DATABASE_URL": "postgresql+asyncpg://bot:password-canary@127.0.0.1:1/bot"}
    project.secrets.append("password-canary")
    for result in await asyncio.gather(
        *(project.says(*words, "--json", **away) for words in (["list"], ["db", "current"], ["rotate-key"]))
    ):
        assert result.code == 1
        assert result.json["error"] == "DatabaseUnavailable"


async def test_a_new_key(project) -> None:
    from nonebot_plugin_feishu_ws.storage import new_key

    await project.added("butler")
    key, foreign = new_key(), new_key()
    project.secrets += [key, foreign]
    rotated = await project.done("rotate-key", "--json", FEISHU_WS__SECRET_KEY=key)
    assert rotated.json == {"done": 1, "total": 1}

    (key_file,) = project.path.rglob("*.key")
    key_file.unlink()  # the old key
    locked, verified = await asyncio.gather(
        project.says("rotate-key", "--json", FEISHU_WS__SECRET_KEY=foreign),
        project.done("verify", "butler", FEISHU_WS__SECRET_KEY=key),
    )
    assert locked.code == 1
    assert locked.json["error"] == "SecretsLocked"
    assert "its bot is" in verified.out
