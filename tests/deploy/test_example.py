"""The example of two replicas: its bot in the image's place, as its compose file mounts it."""

import asyncio
import shutil
import socket
from typing import Any

import pytest
import yaml
from reading import plain

from feishu_sandbox import Sandbox

EXAMPLE = "examples/replicas"
pytestmark = pytest.mark.timeout(180)  # several processes, on machines that may be busy


async def test_two_replicas_answer_once(feishu_sandbox: Sandbox, deploy: Any, request: Any) -> None:
    world, hub = feishu_sandbox.world, feishu_sandbox.hub
    app, alice = world.add_app("Butler"), world.add_user("Alice")
    deployed = deploy(app)
    root = request.config.rootpath
    overlay = yaml.safe_load((root / EXAMPLE / "compose.yaml").read_text(encoding="utf-8"))
    (volume,) = overlay["services"]["bot"]["volumes"]
    source, target, _ = volume.split(":")
    (home,) = deployed.stage.of("WORKDIR")
    shutil.copy(root / "deploy" / source, deployed.place / target.removeprefix(f"{home}/"))

    bots = await asyncio.gather(deployed.start(1), deployed.start(2))
    await hub.wait_connected(app, n=2, timeout=30)
    chats = [world.direct_chat(world.add_user(f"User {n}"), app) for n in range(8)] + [
        world.direct_chat(alice, app)
    ]
    asked = [await world.say(chat.users[0], chat, "where") for chat in chats]
    for message in asked:
        answer = await world.wait_for(
            lambda m, to=message.message_id: m.sender is app and m.parent_id == to, timeout=30
        )
        assert plain(answer) == socket.gethostname()
    assert [await bot.stop() for bot in bots] == [0, 0]
    replies = [message.parent_id for message in world.messages.values() if message.sender is app]
    assert sorted(map(str, replies)) == sorted(message.message_id for message in asked)
