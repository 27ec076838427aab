from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

NOW = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def make_facts() -> Callable[..., Any]:
    """Facts of an ordinary message: a person mentions the bot in a group. Keywords change them."""
    # Not at the top: pytest may read this file before the plugin is loaded.
    from nonebot_plugin_feishu_ws.filters import Facts

    def make(**changes: Any) -> Facts:
        values: dict[str, Any] = {
            "app_id": "cli_a",
            "received_at": NOW,
            "created_at": NOW,
            "event_id": "ev1",
            "message_id": "om_1",
            "chat_id": "oc_1",
            "chat_type": "group",
            "sender_open_id": "ou_1",
            "sender_user_id": "u1",
            "sender_union_id": "on_1",
            "mentioned": True,
            "text": "hello",
        }
        return Facts(**(values | changes))

    return make
