"""NoneBot is initialised and the plugin loaded before any test module is collected.

NoneBot refuses a plugin that was imported before it was loaded, so the load cannot wait for a fixture.
"""

import nonebot
import pytest
from nonebug import NONEBOT_INIT_KWARGS, NONEBOT_START_LIFESPAN

pytest_plugins = ["chromium", "postgres"]


def pytest_configure(config: pytest.Config) -> None:
    options = {"driver": "~none", "log_level": "TRACE", "superusers": {"ou_admin"}}
    config.stash[NONEBOT_INIT_KWARGS] = options
    config.stash[NONEBOT_START_LIFESPAN] = False
    nonebot.init(**options)
    assert nonebot.load_plugin("nonebot_plugin_feishu_ws"), "the plugin did not load, see the log above"
