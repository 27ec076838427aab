"""Feishu (Lark) bots over one outbound WebSocket.

Public surface, after `require("nonebot_plugin_feishu_ws")`: `butler.tool` and `butler.Brain`, `addressed()`, the filter
chains `admission` and `addressing`, `cards` and their clicks (`on_card_action()`, `CardAction()`, `FormValues()`),
`CurrentConnector()`, `FeishuClient()`, `LarkClient()`, and the typed events in `nonebot_plugin_feishu_ws.adapter`.
"""

import logging

import nonebot
from nonebot import require
from nonebot.log import LoguruHandler
from nonebot.plugin import PluginMetadata

require("nonebot_plugin_localstore")

import nonebot_plugin_localstore as localstore

from . import butler, cards, commands, console
from .adapter import (
    CardActionEvent,
    ConnectorInfo,
    CurrentConnector,
    FeishuClient,
    LarkClient,
    ensure_adapter,
)
from .cards import CardAction, FormValues, on_card_action
from .config import Config, load_settings
from .filters import Facts, Filter, Outcome, Policy, Reason, Verdict
from .runtime import LastResort, Runtime, spare_unread_lines, spare_what_is_loaded
from .screening import addressed, addressing, admission, speech

__plugin_meta__ = PluginMetadata(
    name="飞书长连接",
    description="飞书 / Lark 机器人：只需一条向外的 WebSocket，不需要公网域名",
    usage=(
        "1. 在飞书开发者后台创建企业自建应用，事件与回调都选择“使用长连接接收”。\n"
        '2. FEISHU_WS__CONNECTORS=\'[{"name": "butler", "app_id": "cli_…", "app_secret": "…"}]\'\n'
        "3. 启动后给机器人发送 help。没有飞书账号也可以试用：FEISHU_WS__SANDBOX=true"
    ),
    type="application",
    homepage="https://github.com/nonebot-plugin-feishu-ws/nonebot-plugin-feishu-ws",
    config=Config,
    supported_adapters={"~feishu"},
)

__all__ = [
    "CardAction",
    "CardActionEvent",
    "ConnectorInfo",
    "CurrentConnector",
    "Facts",
    "FeishuClient",
    "Filter",
    "FormValues",
    "LarkClient",
    "Outcome",
    "Policy",
    "Reason",
    "Verdict",
    "addressed",
    "addressing",
    "admission",
    "butler",
    "cards",
    "on_card_action",
    "speech",
]


def _load() -> Runtime:
    # Settings first: a plugin that fails half-way leaves its hooks and matchers behind.
    settings = load_settings()
    # The rooms that know nothing of NoneBot log with the standard library.
    log = logging.getLogger(__name__)
    log.handlers = [LoguruHandler()]
    log.setLevel(logging.DEBUG)
    log.propagate = False
    driver = nonebot.get_driver()
    adapter = ensure_adapter(driver)
    runtime = Runtime(settings, adapter, localstore.get_plugin_data_dir())
    runtime.listen()
    last_resort = LastResort()
    driver.on_startup(last_resort.arm)
    driver.on_shutdown(last_resort.disarm)  # NoneBot begins with the last
    driver.on_startup(runtime.prepare)
    driver.on_startup(console.install(runtime, settings, driver))
    adapter.on_ready(spare_unread_lines)
    adapter.on_ready(spare_what_is_loaded)
    adapter.on_ready(runtime.open)
    driver.on_shutdown(runtime.close)
    driver.on_shutdown(commands.install(runtime.management, settings))
    return runtime


running = _load()
"""The runtime NoneBot starts and stops."""
