from collections.abc import AsyncIterator
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
