"""The adapter our bots live on, in fresh processes: NoneBot's registry cannot be reset."""

import asyncio
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

PRELUDE = """
import asyncio, json, nonebot
nonebot.init(**OPTIONS)
from nonebot.adapters.feishu import Adapter as Stock

def ours():
    assert nonebot.load_plugin("nonebot_plugin_feishu_ws")
    from nonebot_plugin_feishu_ws import adapter
    return adapter

driver = nonebot.get_driver()
"""

FAKE_DRIVER = """
from nonebot.drivers import ASGIMixin, HTTPClientMixin, WebSocketClientMixin
from nonebot.drivers.none import Driver as NoneDriver


class Driver(NoneDriver, ASGIMixin, HTTPClientMixin, WebSocketClientMixin):
    type = "fake"
    server_app = None

    @property
    def asgi(self):
        raise NotImplementedError

    def setup_http_server(self, setup): ...
    def setup_websocket_server(self, setup): ...
    async def request(self, setup): raise NotImplementedError
    async def stream_request(self, setup, *, chunk_size=1024): raise NotImplementedError
    async def websocket(self, setup): raise NotImplementedError
    def get_session(self, *args, **kwargs): raise NotImplementedError
"""


async def run(tmp_path: Path, script: str, driver: str = "~none", **options: Any) -> tuple[Any, str]:
    """Run a script; what it printed last, as JSON, and its log."""
    (tmp_path / "fakedriver.py").write_text(FAKE_DRIVER)
    options = {"driver": driver, **options}
    file = tmp_path / "script.py"
    file.write_text(f"OPTIONS = {options!r}\n" + PRELUDE + textwrap.dedent(script))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(file),
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await asyncio.wait_for(process.communicate(), 40))[0].decode()
    assert process.returncode == 0, output
    return json.loads(output.splitlines()[-1]), output


@pytest.mark.parametrize("driver", ["~none", "~fastapi", "~fastapi+~httpx+~websockets", "fakedriver:Driver"])
async def test_ours_is_registered_under_any_driver(driver: str, tmp_path: Path) -> None:
    result, log = await run(
        tmp_path,
        """
        adapter = ours()
        first, second = adapter.ensure_adapter(driver), adapter.ensure_adapter(driver)
        driver.register_adapter(Stock)
        registered = nonebot.get_adapters()["Feishu"]
        print(json.dumps([type(first) is adapter.Adapter, first is second is registered, first.get_name()]))
        """,
        driver,
    )
    assert result == [True, True, "Feishu"]
    assert "FEISHU_BOTS" not in log


async def test_ours_says_that_it_does_not_serve_the_stock_bots(tmp_path: Path) -> None:
    bots = [{"app_id": "cli_1", "app_secret": "s-canary", "verification_token": "v"}]
    result, log = await run(
        tmp_path, "ours().ensure_adapter(driver)\nprint(1)", "~fastapi+~httpx+~websockets", feishu_bots=bots
    )
    assert result == 1
    [warning] = [line for line in log.splitlines() if "FEISHU_BOTS" in line]
    assert "WARNING" in warning
    assert "bot.py" in warning
    assert "s-canary" not in log


async def test_an_impostor_is_refused(tmp_path: Path) -> None:
    result, _ = await run(
        tmp_path,
        """
        from nonebot.adapters import Adapter as Base
        class Impostor(Base):
            get_name = classmethod(lambda cls: "Feishu")
            async def _call_api(self, bot, api, **data): ...
        driver.register_adapter(Impostor)
        try:
            from nonebot_plugin_feishu_ws.adapter import ensure_adapter  # the plugin itself may come first
            ensure_adapter(driver)
        except RuntimeError as error:
            print(json.dumps(str(error)))
        """,
    )
    assert "Impostor" in result


async def test_a_stock_adapter_hosts_bots_of_both_kinds(tmp_path: Path, platform: Any) -> None:
    """The driver starts: the stock bot comes from FEISHU_BOTS as it always does."""
    platform.answer(
        "bot/v3/info",
        {
            "code": 0,
            "msg": "ok",
            "bot": {
                "activate_status": 2,
                "app_name": "stock",
                "avatar_url": "https://x.cn/a.png",
                "ip_white_list": [],
                "open_id": "ou_stock",
            },
        },
    )
    platform.refuse("im/v1/messages/om_gone", 230011)
    bots = [{"app_id": "cli_stock", "app_secret": "s", "verification_token": "v", "api_base": platform.url}]
    result, log = await run(
        tmp_path,
        f"""
        import aiohttp
        driver.register_adapter(Stock)
        adapter = ours()
        host = adapter.ensure_adapter(driver)
        assert adapter.ensure_adapter(driver) is host
        from nonebot_plugin_feishu_ws.openapi import BotInfo, FeishuClient

        async def main():
            await host.startup()
            stock = nonebot.get_bot("cli_stock")
            async with aiohttp.ClientSession() as session:
                client = FeishuClient("cli_ours", "s", base_url={platform.url!r}, session=session)
                bot = adapter.Bot(
                    host, "cli_ours", client=client, identity=BotInfo(open_id="ou_ours"), connector="ours"
                )
                host.bot_connect(bot)
                seen = []
                @nonebot.adapters.Bot.on_calling_api
                async def _(bot, api, data): seen.append(bot.self_id)
                await stock.get_msg("om_stock")
                await bot.get_msg("om_ours")
                try:
                    await bot.get_msg("om_gone")
                except adapter.ActionFailed as error:
                    code = error.code
                host.bot_disconnect(bot)
            once = type(host._call_api._stock_call).__name__
            print(json.dumps([type(host) is Stock, once, seen, code, sorted(nonebot.get_bots())]))

        asyncio.run(main())
        """,
        "~fastapi+~httpx+~websockets",
        feishu_bots=bots,
    )
    assert result == [True, "method", ["cli_stock", "cli_ours", "cli_ours"], 230011, ["cli_stock"]]
    assert platform.paths == [
        "GET bot/v3/info",
        "GET im/v1/messages/om_stock",
        "GET im/v1/messages/om_ours",
        "GET im/v1/messages/om_gone",
    ]
    assert "stay offline" not in log
