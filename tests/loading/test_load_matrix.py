"""The plugin loads wherever NoneBot runs. Each case is a process of its own, as a user's bot is."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

STORE = Path(__file__).parents[2] / "scripts" / "store_test.py"
# What every case prints, as one JSON line, once the plugin is loaded.
REPORT = """
import json, sys
plugin = nonebot.load_plugin("nonebot_plugin_feishu_ws")
adapter = nonebot.get_adapters().get("Feishu")
print(json.dumps({
    "loaded": plugin is not None,
    "adapter": type(adapter).__module__ if adapter else None,
    "lark_oapi": sorted(name for name in sys.modules if name.split(".")[0] == "lark_oapi"),
    "meta": plugin and {
        "name": plugin.metadata.name, "type": plugin.metadata.type, "homepage": plugin.metadata.homepage,
        "config": plugin.metadata.config is not None, "adapters": sorted(plugin.metadata.supported_adapters or []),
    },
}))
"""


def run(tmp_path: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in an empty project, with nothing of ours in the environment."""
    file = tmp_path / "bot.py"
    file.write_text(textwrap.dedent(script), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:nonebot_plugin_feishu_ws", str(file)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def report(result: subprocess.CompletedProcess[str]) -> dict[str, object]:
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    assert lines, result.stdout + result.stderr
    return json.loads(lines[-1])


FULL = "~fastapi+~httpx+~websockets"
STOCK = """
from nonebot.adapters.feishu import Adapter
nonebot.get_driver().register_adapter(Adapter)
"""


@pytest.mark.parametrize(
    ("driver", "stock_first"),
    # The stock adapter itself needs an ASGI server and an HTTP client.
    [("~fastapi", False), ("~none", False), (FULL, False), (FULL, True)],
)
def test_loads_under_every_driver(tmp_path: Path, driver: str, stock_first: bool) -> None:
    """Alone it brings its own adapter; beside the stock one it lives on that."""
    script = "import nonebot\nnonebot.init()\n" + (STOCK if stock_first else "") + REPORT
    found = report(run(tmp_path, script, DRIVER=driver))

    assert found["loaded"]
    expected = "nonebot.adapters.feishu" if stock_first else "nonebot_plugin_feishu_ws"
    assert str(found["adapter"]).startswith(expected)
    assert found["lark_oapi"] == []
    assert found["meta"] == {
        "name": "飞书长连接",
        "type": "application",
        "homepage": "https://github.com/nonebot-plugin-feishu-ws/nonebot-plugin-feishu-ws",
        "config": True,
        "adapters": ["~feishu"],
    }


def test_as_the_plugin_store_tries_it(tmp_path: Path) -> None:
    """Under a driver that has every mixin, but no app; with no setting."""
    found = report(run(tmp_path, STORE.read_text(encoding="utf-8")))
    assert found["name"] == "飞书长连接"
    assert found["lark_oapi"] is False


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"FEISHU_WS__URI": "feishu"},
            ["FEISHU_WS__URI", "there is no such setting", "DATABASE_URL", "SANDBOX"],
        ),
        ({"FEISHU_WS__URL": "http://open.feishu.cn"}, ["FEISHU_WS__URL", "feishu"]),
        ({"FEISHU_WS__BUTLER": "robot"}, ["FEISHU_WS__BUTLER", "'commands'", "'off'"]),
        ({"FEISHU_WS__CONNECTORS": "{}"}, ["FEISHU_WS__CONNECTORS", "use a JSON list"]),
        (
            {"FEISHU_WS_CONNECTORS": "[]"},
            ["no setting FEISHU_WS_CONNECTORS", "did you mean FEISHU_WS__CONNECTORS?"],
        ),
        ({"FEISHU_WS__CONNECTORS": "{oops"}, ["FEISHU_WS__CONNECTORS", "JSON list"]),
        (
            {"FEISHU_WS__CONNECTORS": '[{"name": "A b", "app_id": "cli_a", "app_secret": "canary"}]'},
            ["FEISHU_WS__CONNECTORS[0].name", "a-z, 0-9 and -"],
        ),
        (
            {
                "FEISHU_WS__CONNECTORS": '[{"name": "a", "app_id": "cli_a", "app_secret": "canary", "alow_dm": true}]'
            },
            ["FEISHU_WS__CONNECTORS[0].alow_dm", "allow_dm"],
        ),
        (
            {
                "FEISHU_WS__CONNECTORS": '[{"name": "a", "app_id": "cli_a", "app_secret": "canary"},'
                ' {"name": "a", "app_id": "cli_b", "app_secret": "canary"}]'
            },
            ["FEISHU_WS__CONNECTORS", "name must be unique"],
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_named(tmp_path: Path, environment: dict[str, str], said: list[str]) -> None:
    """A typo stops the plugin with a message that names the setting and what is valid, and shows no value."""
    result = run(tmp_path, "import nonebot\nnonebot.init()\n" + REPORT, DRIVER="~none", **environment)
    assert report(result)["loaded"] is False
    for words in said:
        assert words in result.stdout
    assert "canary" not in result.stdout + result.stderr


def test_flat_names_work_too(tmp_path: Path) -> None:
    """`FEISHU_WS_URL` stands for `FEISHU_WS__URL`; the scoped name wins."""
    script = """
        import nonebot
        nonebot.init()
        nonebot.load_plugin("nonebot_plugin_feishu_ws")
        from nonebot_plugin_feishu_ws.config import load_settings
        settings = load_settings()
        print(settings.url, settings.enabled)
    """
    flat = run(tmp_path, script, DRIVER="~none", FEISHU_WS_URL="lark", FEISHU_WS_ENABLED="false")
    assert "https://open.larksuite.com False" in flat.stdout
    both = run(
        tmp_path, script, DRIVER="~none", FEISHU_WS_URL="lark", FEISHU_WS__URL="wss://open.feishu.cn/x"
    )
    assert "https://open.feishu.cn True" in both.stdout


def test_the_collector_is_spared_what_is_loaded(tmp_path: Path) -> None:
    """By a bot that runs; not by what only loads the plugin, such as a shell."""
    script = """
    import gc, nonebot
    nonebot.init()
    before = gc.get_freeze_count()  # Python 3.12 freezes some hundred of its own
    nonebot.load_plugin("nonebot_plugin_feishu_ws")
    print("loaded", gc.get_freeze_count() - before)
    driver = nonebot.get_driver()

    @nonebot.get_adapter("Feishu").on_ready
    async def end():
        print("ran", gc.get_freeze_count())
        driver.exit()

    nonebot.run()
    """
    said = run(tmp_path, script, DRIVER="~none", FEISHU_WS__ENABLED="false").stdout.split()
    counts = {word: int(said[said.index(word) + 1]) for word in ("loaded", "ran")}
    assert counts["loaded"] == 0
    assert counts["ran"] > 50_000
