"""The stock adapter's bot and one of our connectors in one process, on one adapter; both receive, both answer."""

import json
import socket
from pathlib import Path

import pytest

from feishu_sandbox import Sandbox

SCRIPT = """
import nonebot
from nonebot.adapters.feishu import Adapter

nonebot.init()
nonebot.get_driver().register_adapter(Adapter)
nonebot.load_plugin("nonebot_plugin_feishu_ws")

from nonebot import on_message
from nonebot.adapters import Bot, Event

echo = on_message(priority=1, block=True)

@echo.handle()
async def answer(bot: Bot, event: Event) -> None:
    await echo.send(f"{type(bot).__module__.split('.')[0]} heard {event.get_plaintext()}")

nonebot.run()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("transport", ["ws", "webhook"])
async def test_a_stock_bot_and_a_connector(
    feishu_sandbox: Sandbox, start_bot, tmp_path: Path, transport: str
) -> None:
    world = feishu_sandbox.world
    alice, stock, ours = world.add_user("Alice"), world.add_app("Stock"), world.add_app("Ours")
    script = tmp_path / "side_by_side.py"
    script.write_text(SCRIPT)
    port = free_port()
    bot = await start_bot(
        script,
        DRIVER="~fastapi+~httpx+~websockets",
        HOST="127.0.0.1",
        PORT=str(port),
        FEISHU_API_BASE=feishu_sandbox.url,
        FEISHU_BOTS=json.dumps(
            [
                {
                    "app_id": stock.app_id,
                    "app_secret": stock.app_secret,
                    "verification_token": stock.verification_token,
                    "protocol": "ws" if transport == "ws" else "http",
                }
            ]
        ),
        FEISHU_WS__URL=feishu_sandbox.url,
        FEISHU_WS__CONNECTORS=json.dumps(
            [
                {
                    "name": "ours",
                    "app_id": ours.app_id,
                    "app_secret": ours.app_secret,
                    "verification_token": ours.verification_token,
                    "transport": transport,
                }
            ]
        ),
    )
    for app, module in ((stock, "nonebot"), (ours, "nonebot_plugin_feishu_ws")):
        if transport == "ws":
            await feishu_sandbox.hub.wait_connected(app, timeout=20)
        else:
            await bot.line("Uvicorn running")
            app.request_url = f"http://127.0.0.1:{port}/feishu/{app.app_id}"
        await world.say(alice, world.direct_chat(alice, app), f"hello {app.name}")
        said = await world.wait_for(lambda message, app=app: message.sender is app, timeout=15)
        assert said.text == f"{module} heard hello {app.name}"
    await bot.stop()  # uvicorn ends by the signal it got, not with a code
    output = "".join(bot.output)
    assert "Application shutdown complete" in output
    assert "Traceback" not in output
