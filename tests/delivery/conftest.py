from collections.abc import AsyncIterator, Callable
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
async def make_inbox() -> AsyncIterator[Callable[..., Any]]:
    """Started inboxes, stopped after the test."""
    from nonebot_plugin_feishu_ws.delivery import Inbox

    made: list[Inbox] = []

    def make(database: Any, **options: Any) -> Inbox:
        inbox = Inbox(database, **({"retry_first": 0.01, "retry_most": 0.05} | options))
        made.append(inbox)
        inbox.start()
        return inbox

    yield make
    for inbox in made:
        await inbox.stop()


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
