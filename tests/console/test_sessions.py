"""Links and sessions on both databases, and in several processes."""

import asyncio

from nonebot_plugin_feishu_ws.console.auth.sessions import Identity, Sessions
from nonebot_plugin_feishu_ws.storage import Database, DatabaseClock, SessionOrigin

ALICE = Identity(SessionOrigin.CHAT, "ou_alice", "cli_1")


async def test_another_process_takes_the_link_and_knows_the_session(database_url: str) -> None:
    databases = [Database(database_url), Database(database_url)]
    await databases[0].start()
    here, there = (Sessions(database, DatabaseClock(database)) for database in databases)
    link = await here.link(ALICE)
    answers = await asyncio.gather(*(one.redeem(link) for one in (here, there) * 3))
    ((cookie, identity),) = [answer for answer in answers if answer is not None]
    assert identity == ALICE
    found = await here.find(cookie)
    assert found is not None
    assert found.identity == ALICE
    await there.tell(found, {"kind": "good", "text": "done"})
    assert (again := await here.find(cookie)) is not None
    assert again.notice == {"kind": "good", "text": "done"}
    await there.end_all(ALICE)
    assert await here.find(cookie) is None
    for database in databases:
        await database.close()
