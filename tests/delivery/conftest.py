from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Any]:
    """A started database, on each kind in turn."""
    # Not at the top: pytest may read this file before the plugin is loaded.
    from nonebot_plugin_feishu_ws.storage import Database

    database = Database(database_url)
    await database.start()
    yield database
    await database.close()


@pytest.fixture
async def make_lease() -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Workers at work, stopped after the test and their databases closed; with a URL each has connections of its own,
    like a process."""
    from nonebot_plugin_feishu_ws.delivery import Lease
    from nonebot_plugin_feishu_ws.storage import Database

    leases: list[Lease] = []
    databases: list[Database] = []

    async def make(database: Any, label: str = "one", **options: Any) -> Lease:
        if isinstance(database, str):
            database = Database(database)
            await database.start()
        databases.append(database)
        lease = Lease(database, label=label, **({"beat_every": 0.05, "patience": 4} | options))
        leases.append(lease)
        await lease.start()
        return lease

    yield make
    for lease in leases:
        await lease.stop()
    for database in databases:
        await database.close()


@pytest.fixture
async def make_inbox(make_lease: Callable[..., Awaitable[Any]]) -> AsyncIterator[Callable[..., Any]]:
    """Started inboxes, each with a lease of its own unless it is given one, stopped after the test."""
    from nonebot_plugin_feishu_ws.delivery import Inbox

    made: list[Inbox] = []

    async def make(database: Any, lease: Any = None, **options: Any) -> Inbox:
        lease = lease or await make_lease(database, beat_every=60)
        inbox = Inbox(lease._database, lease, **({"retry_first": 0.01, "retry_most": 0.05} | options))
        made.append(inbox)
        inbox.start()
        return inbox

    yield make
    for inbox in made:
        await inbox.stop()


@pytest.fixture(scope="session")
def kill() -> Callable[[Any], Awaitable[None]]:
    """What the others do with a worker that stood still; it has not noticed yet."""
    from sqlmodel import col, delete

    from nonebot_plugin_feishu_ws.storage import WorkerRow

    async def remove(inbox: Any) -> None:
        lease = inbox._lease
        statement = delete(WorkerRow).where(col(WorkerRow.id) == lease.id)
        await lease._database.write(lambda session: session.exec(statement))

    return remove


@pytest.fixture(scope="session")
def message() -> Callable[..., Any]:
    """A message event; keywords change it."""
    from nonebot_plugin_feishu_ws.delivery import Incoming

    def make(number: int = 1, **changes: Any) -> Incoming:
        values: dict[str, Any] = {
            "app_id": "cli_a",
            "event_id": f"ev{number}",
            "event_type": "im.message.receive_v1",
            "payload": b'{"n":%d}' % number,
            "message_id": f"om_{number}",
            "chat_id": "oc_1",
        }
        return Incoming(**(values | changes))

    return make
