"""Every line of the log says which event it is about, in fields of its own, and still no secret."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import nonebot
import pytest
from nonebot.log import logger

from feishu_sandbox import Sandbox
from nonebot_plugin_feishu_ws.telemetry import trace_id_of

CANARY = "canary-4711"


@pytest.fixture
def lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The records of a JSON sink, set up as docs/operations.md has it."""
    written: list[str] = []
    sink = logger.add(written.append, serialize=True, level="DEBUG", diagnose=False)
    yield lambda: [json.loads(line)["record"] for line in written]
    logger.remove(sink)


@pytest.fixture
def chatty() -> Iterator[None]:
    """A plugin of somebody else's, which logs on its own."""
    matcher = nonebot.on_message(priority=0, block=False)

    @matcher.handle()
    async def note() -> None:
        logger.info("somebody else's line")

    yield
    matcher.destroy()


@pytest.mark.usefixtures("pong", "chatty")
async def test_lines_about_an_event(
    bot: Any, feishu_sandbox: Sandbox, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    app = await bot.add("butler", allow_group_mention=False)
    await bot.connected(app)
    await bot.answers(app)
    world = feishu_sandbox.world
    user = world.add_user("Bob")
    asked = await world.say(user, world.add_group("All", [user, app]), "ping")
    await feishu_sandbox.hub.wait_ack(feishu_sandbox.hub.deliveries[-1].event_id, 1, timeout=15)
    await bot.runtime.drained()
    assert asked
    filtered = feishu_sandbox.hub.deliveries[-1].event_id
    (line,) = [one for one in lines() if "is filtered: group_not_allowed" in one["message"]]
    about = {"connector": "butler", "event_id": filtered, "trace_id": trace_id_of(app.app_id, filtered)}
    assert about.items() <= line["extra"].items()
    theirs = [one for one in lines() if one["message"] == "somebody else's line"]
    assert theirs
    assert all(one["extra"].keys() >= about.keys() for one in theirs)
    connected = [one for one in lines() if one["message"].endswith(": connected")]
    assert connected
    assert all(one["extra"]["connector"] == "butler" for one in connected)
    assert not any("event_id" in one["extra"] for one in connected)


async def test_no_secret_is_in_them(
    bot: Any, feishu_sandbox: Sandbox, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    app = await bot.add("butler", verification_token=CANARY)
    await bot.connected(app)
    world = feishu_sandbox.world
    user = world.add_user("Bob")
    await world.say(user, world.direct_chat(user, app), "ping")
    await feishu_sandbox.hub.wait_ack(feishu_sandbox.hub.deliveries[-1].event_id, 1, timeout=15)
    text = json.dumps(lines())
    assert lines()
    assert not [one for one in (CANARY, app.app_secret) if one in text]
