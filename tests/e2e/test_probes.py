"""Health and metrics of a bot as its users run it: NoneBot's own server, a process of its own."""

import asyncio
import json
import socket
from typing import Any

import aiohttp

from feishu_sandbox import Sandbox


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_of_a_bot_on_fastapi(start_bot: Any, feishu_sandbox: Sandbox) -> None:
    app = feishu_sandbox.world.add_app("Butler")
    connector = {"name": "butler", "app_id": app.app_id, "app_secret": app.app_secret}
    port = free_port()
    bot = await start_bot(
        DRIVER="~fastapi",
        PORT=str(port),
        FEISHU_WS__URL=feishu_sandbox.url,
        FEISHU_WS__CONNECTORS=json.dumps([connector]),
        FEISHU_WS__CONSOLE="false",
    )
    await feishu_sandbox.hub.wait_connected(app, timeout=30)
    await bot.line("Application startup complete")
    base = f"http://127.0.0.1:{port}/feishu"
    async with aiohttp.ClientSession() as http, asyncio.timeout(20):
        while True:
            async with http.get(f"{base}/healthz") as answer:
                if (await answer.json())["status"] == "ready":
                    break
        async with http.get(f"{base}/metrics") as answer:
            assert answer.status == 200
            assert (
                'feishu_ws_connector_state{connector="butler",state="connected"} 1.0' in await answer.text()
            )
        async with http.get(f"{base}/metrics", headers={"X-Forwarded-For": "10.0.0.1"}) as answer:
            assert answer.status == 403
    await bot.stop()
