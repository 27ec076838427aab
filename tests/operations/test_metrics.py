"""What metrics tell is what happened."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from feishu_sandbox import Sandbox

CANARY = "canary-4711"
MESSAGE = "im.message.receive_v1"
pytestmark = pytest.mark.usefixtures("pong")


async def test_events_messages_and_calls(bot: Any, scrape: Callable[[Any], Any]) -> None:
    before = scrape(bot.runtime)
    assert before.of("feishu_ws_ready") == 1
    assert before.of("feishu_ws_database_up") == 1
    assert before.total("feishu_ws_events_total") == 0
    assert before.total("feishu_ws_build_info") == 1
    assert before.of("process_open_fds")

    app = await bot.add("butler")
    await bot.connected(app)
    for _ in range(3):
        await bot.answers(app)
    await bot.runtime.drained()
    seen = scrape(bot.runtime)
    assert seen.of("feishu_ws_connector_state", connector="butler", state="connected") == 1
    assert seen.total("feishu_ws_connector_state", connector="butler") == 1
    assert seen.of("feishu_ws_connections_open", connector="butler") == 1
    assert seen.of("feishu_ws_events_total", type=MESSAGE, outcome="accepted") == 3
    assert seen.of("feishu_ws_events_total", type=MESSAGE, outcome="done") == 3
    assert seen.of("feishu_ws_ack_seconds_count", kind="event") == 3
    assert seen.of("feishu_ws_ack_seconds_bucket", kind="event", le="+Inf") == 3
    assert seen.of("feishu_ws_ack_seconds_sum", kind="event") > 0
    assert seen.of("feishu_ws_events_in_hand") == 0
    assert seen.of("feishu_ws_api_calls_total", api="POST im/v1/messages/:id/reply", code="0") == 3
    assert seen.of("feishu_ws_api_calls_total", api="GET bot/v3/info", code="0") >= 1


async def test_what_is_filtered_and_what_comes_twice(
    bot: Any, feishu_sandbox: Sandbox, scrape: Callable[[Any], Any]
) -> None:
    app = await bot.add("butler", allow_dm=False)
    await bot.connected(app)
    world = feishu_sandbox.world
    user = world.add_user("Alice")
    group = world.add_group("All", [user, app])
    await world.say(user, world.direct_chat(user, app), "ping")
    event = feishu_sandbox.hub.deliveries[-1]
    await feishu_sandbox.hub.wait_delivery(event.event_id, "acked", timeout=15)
    asked = await world.say(user, group, "ping")
    await world.wait_for(lambda m: m.parent_id == asked.message_id, timeout=15)
    await bot.runtime.drained()
    seen = scrape(bot.runtime)
    assert seen.of("feishu_ws_events_total", type=MESSAGE, outcome="accepted") == 2
    assert seen.of("feishu_ws_events_total", type=MESSAGE, outcome="filtered") == 1
    assert seen.of("feishu_ws_events_total", type=MESSAGE, outcome="done") == 1
    assert seen.of("feishu_ws_events_filtered_total", reason="dm_not_allowed") == 1


async def test_nothing_personal_is_told(
    bot: Any, feishu_sandbox: Sandbox, scrape: Callable[[Any], Any]
) -> None:
    """Neither ids of people, chats, messages and apps, nor what was said, nor a secret."""
    app = await bot.add("butler")
    await bot.connected(app)
    await bot.answers(app)
    world = feishu_sandbox.world
    user = world.add_user(CANARY)
    asked = await world.say(user, world.direct_chat(user, app), f"ping {CANARY}")
    await feishu_sandbox.hub.wait_ack(feishu_sandbox.hub.deliveries[-1].event_id, 1, timeout=15)
    await bot.runtime.drained()
    text = bot.runtime.vitals.metrics()().decode()
    ids = [user.open_id(app), asked.message_id, asked.chat.chat_id, app.app_id, app.app_secret]
    assert not [one for one in (CANARY, "ou_", "oc_", "om_", *ids) if one in text]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "im/v1/messages/om_1a2b", "GET im/v1/messages/:id"),
        ("POST", "im/v1/messages", "POST im/v1/messages"),
        ("POST", "im/v1/messages/om_1/reply", "POST im/v1/messages/:id/reply"),
        ("GET", "contact/v3/users/zhangsan", "GET contact/v3/users/:id"),
        ("GET", "bot/v3/info", "GET bot/v3/info"),
        ("GET", "im/v1/OC_SHOUTED", "GET im/v1/:id"),
    ],
)
def test_names_of_apis_have_no_ids(method: str, path: str, name: str) -> None:
    from nonebot_plugin_feishu_ws.delivery.pacing import name_of
    from nonebot_plugin_feishu_ws.openapi import ApiCall

    assert name_of(ApiCall("cli_a", method, f"/open-apis/{path}")) == name


async def test_refusals_of_feishu_are_counted_by_code(bot: Any, scrape: Callable[[Any], Any]) -> None:
    app = await bot.add("butler")
    await bot.connected(app)
    client = bot.links["butler"].client
    with pytest.raises(Exception, match="code"):
        await client.reply_message("om_nobody_knows", "text", json.dumps({"text": "x"}))
    seen = scrape(bot.runtime)
    api = "POST im/v1/messages/:id/reply"
    failed = {
        labels for name, labels in seen if name == "feishu_ws_api_calls_total" and ("api", api) in labels
    }
    assert failed
    assert (("api", api), ("code", "0")) not in failed
