"""Many apps in one process, connected to `crowd.py`: the least that speaks the protocol, Feishu's own client, the stock
adapter, our gateway, the whole plugin.

Told `{"connect": N}` it connects the apps up to the N-th that are not yet, and answers when it has begun to; asked
anything else it tells how many events it has handled, and what CPU it has used.
"""

import asyncio
import json
import os
import resource
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from feishu_sandbox.longconn.frames_pb2 import Frame

from ..children import say, settings
from ..crowd import answering, app_name
from ..frames import SECRET

Connect = Callable[[int], Awaitable[None]]
"""Connects one more app, or begins to; given its number."""
_AT_ONCE = 10

handled: list[str] = []


async def ours(connect: Connect) -> None:
    """Do what the command says until its end."""
    connected = 0

    async def do(what: dict[str, int]) -> object:
        nonlocal connected
        while connected < (wanted := what.get("connect", 0)):
            some = range(connected, min(connected + _AT_ONCE, wanted))
            await asyncio.gather(*map(connect, some))
            connected = some.stop
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "handled": len(handled),
            "different": len(set(handled)),
            "cpu": used.ru_utime + used.ru_stime,
            "connected": connected,
        }

    say("ready")
    await answering(do)


async def floor(url: str) -> None:
    """aiohttp, protobuf, json: as `floor.py`."""
    tasks: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def serve(ws: aiohttp.ClientWebSocketResponse) -> None:
            async for received in ws:
                frame = Frame.FromString(received.data)
                handled.append(json.loads(frame.payload)["header"]["event_id"])
                frame.payload = b'{"code":200}'
                await ws.send_bytes(frame.SerializeToString())

        async def connect(number: int) -> None:
            async with session.post(f"{url}/callback/ws/endpoint", json={"AppID": app_name(number)}) as there:
                address = (await there.json())["data"]["URL"]
            tasks.add(asyncio.create_task(serve(await session.ws_connect(address))))

        await ours(connect)
        os._exit(0)


async def gateway(url: str) -> None:
    """`nonebot_plugin_feishu_ws.gateway`, without the rest."""
    from .alone import Ack, Credentials, Inbound, LongConnection, spare_what_is_loaded

    spare_what_is_loaded()
    from nonebot_plugin_feishu_ws.gateway import State

    connections: list[LongConnection] = []

    async def handle(inbound: Inbound) -> Ack:
        handled.append(json.loads(inbound.payload)["header"]["event_id"])
        return Ack()

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
    ) as session:

        async def connect(number: int) -> None:
            one = LongConnection(Credentials(app_name(number), SECRET), url, handle, session=session)
            connections.append(one)
            one.start()
            await one.wait_for(State.CONNECTED)

        await ours(connect)
        await asyncio.gather(*(one.stop() for one in connections))


async def lark_oapi(url: str) -> None:
    """`lark_oapi.ws.Client`, which is made for one app in a process: its parts as tasks of one loop."""
    import lark_oapi
    from lark_oapi.ws import client as module

    module.loop = asyncio.get_running_loop()
    handler = (
        lark_oapi.EventDispatcherHandler.builder("", "")
        .register_p2_im_message_receive_v1(lambda event: handled.append(event.header.event_id))
        .build()
    )
    pings: set[asyncio.Task[None]] = set()

    async def connect(number: int) -> None:
        one = lark_oapi.ws.Client(
            *(app_name(number), SECRET),
            event_handler=handler,
            domain=url,
            log_level=lark_oapi.LogLevel.CRITICAL,
        )
        await one._connect()
        pings.add(asyncio.create_task(one._ping_loop()))

    await ours(connect)
    os._exit(0)


def stock(url: str, count: int) -> None:
    """nonebot-adapter-feishu: it connects all its bots when it starts."""
    import nonebot
    from nonebot.adapters.feishu import Adapter, MessageEvent

    from .stock import free_port

    bots = [
        {"app_id": app_name(number), "app_secret": SECRET, "verification_token": "", "protocol": "ws"}
        for number in range(count)
    ]
    nonebot.init(
        driver="~fastapi+~websockets+~httpx",
        log_level="ERROR",
        port=free_port(),
        feishu_bots=bots,
        feishu_api_base=url,
    )
    driver = nonebot.get_driver()
    driver.register_adapter(Adapter)

    @nonebot.on_message().handle()
    async def _(event: MessageEvent) -> None:
        handled.append(event.header.event_id)

    beside(driver, nothing, lambda: os._exit(0))  # it has nothing to keep
    nonebot.run(log_level="warning")


def plugin(url: str, database: str, stored: int) -> None:
    """The whole plugin, with one matcher; its connectors are stored, verified and enabled.

    Args:
        url: of the platform.
        database: URL.
        stored: how many connectors there are when it starts.
    """
    import nonebot
    from nonebot.adapters.feishu import MessageEvent

    nonebot.init(
        driver="~none",
        log_level="ERROR",
        localstore_data_dir=str(Path.cwd()),
        feishu_ws={"url": url, "database_url": database},
    )
    driver = nonebot.get_driver()

    async def fill() -> None:
        await management.start()
        for number in range(stored):
            await insert(number)
        await management.stop()

    driver.on_startup(fill)  # before the plugin's own: as after a restart
    nonebot.load_plugin("nonebot_plugin_feishu_ws")
    from datetime import UTC, datetime

    from pydantic import SecretStr

    from nonebot_plugin_feishu_ws import running
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

    management = running.management

    @nonebot.on_message().handle()
    async def _(event: MessageEvent) -> None:
        handled.append(event.header.event_id)

    async def insert(number: int) -> None:
        spec = ConnectorSpec(
            name=f"bot-{number}", app_id=app_name(number), app_secret=SecretStr(SECRET), enabled=True
        )
        made = await management.store.insert(spec)
        await management.store.change(made.id, lambda now: (now.spec, datetime.now(UTC)))

    beside(driver, insert, lambda: os.kill(os.getpid(), signal.SIGTERM))
    nonebot.run()


def beside(driver: Any, connect: Connect, end: Callable[[], object]) -> None:
    """`ours` beside NoneBot; `end` ends the process."""
    tasks: set[asyncio.Task[None]] = set()

    async def run() -> None:
        await ours(connect)
        end()

    @driver.on_startup
    async def _() -> None:
        tasks.add(asyncio.create_task(run()))


async def nothing(_: int) -> None:
    """Connected already."""


def main() -> None:
    asked: dict[str, Any] = settings()
    url: str = asked["url"]
    match asked["kind"]:
        case "floor":
            asyncio.run(floor(url))
        case "gateway":
            asyncio.run(gateway(url))
        case "lark_oapi":
            asyncio.run(lark_oapi(url))
        case "stock":
            stock(url, asked["count"])
        case "plugin":
            plugin(url, asked["database"], asked.get("stored", 0))
        case unknown:
            raise ValueError(f"no client is called {unknown!r}")


if __name__ == "__main__":
    main()
