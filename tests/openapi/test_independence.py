"""The room stands alone: importing it brings neither the official SDK nor NoneBot."""

import subprocess
import sys
from pathlib import Path

import nonebot_plugin_feishu_ws
from nonebot_plugin_feishu_ws import openapi

ALONE = """
import sys, types
package = types.ModuleType("nonebot_plugin_feishu_ws")
package.__path__ = [{folder!r}]
sys.modules["nonebot_plugin_feishu_ws"] = package
import nonebot_plugin_feishu_ws.openapi
strangers = {{"lark_oapi", "lark_channel", "nonebot", "httpx", "requests", "sqlalchemy"}} & set(sys.modules)
ours = {{name for name in sys.modules if name.startswith("nonebot_plugin_feishu_ws.")}}
assert not strangers, strangers
assert all(name.startswith("nonebot_plugin_feishu_ws.openapi") for name in ours), ours
"""


def test_importing_it_brings_no_strangers():
    folder = str(Path(nonebot_plugin_feishu_ws.__file__).parent)
    result = subprocess.run(
        [sys.executable, "-c", ALONE.format(folder=folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert result.returncode == 0, result.stderr


def test_the_public_names_are_there():
    assert sorted(openapi.__all__) == openapi.__all__
    assert all(hasattr(openapi, name) for name in openapi.__all__)
