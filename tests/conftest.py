"""NoneBot is initialised and the plugin loaded before any test module is collected.

NoneBot refuses a plugin that was imported before it was loaded, so the load cannot wait for a fixture.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nonebot
import pytest
from nonebug import NONEBOT_INIT_KWARGS, NONEBOT_START_LIFESPAN

pytest_plugins = ["chromium", "managed", "postgres"]
if os.environ.get("TEST_LOOP") == "uvloop":
    pytest_plugins.append("on_uvloop")


def pytest_configure(config: pytest.Config) -> None:
    data = Path(tempfile.mkdtemp(prefix="feishu-ws-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(data, ignore_errors=True))
    options = {
        "driver": "~none",
        "log_level": "TRACE",
        "superusers": {"ou_admin"},
        "localstore_data_dir": str(data),
        "feishu_ws": {"locale": "en_US"},
    }
    config.stash[NONEBOT_INIT_KWARGS] = options
    config.stash[NONEBOT_START_LIFESPAN] = False
    nonebot.init(**options)
    assert nonebot.load_plugin("nonebot_plugin_feishu_ws"), "the plugin did not load, see the log above"


@pytest.fixture
def superusers() -> Iterator[set[str]]:
    """NoneBot's, put back afterwards."""
    known = nonebot.get_driver().config.superusers
    before = set(known)
    yield known
    known.clear()
    known.update(before)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what it needs was to be installed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
