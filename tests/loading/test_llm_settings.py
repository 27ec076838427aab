"""The model's settings at start: what is missing or does not fit is named, and what is not wanted is not imported."""

from pathlib import Path

import pytest
from loading_process import run_script

SCRIPT = """
import sys
{before}
import nonebot
nonebot.init()
plugin = nonebot.load_plugin("nonebot_plugin_feishu_ws")
print("loaded", plugin is not None)
print("imported", [name for name in ("pydantic_ai", "openai", "httpx2", "mcp", "jsonschema") if name in sys.modules])
"""
MISSING = "sys.modules['pydantic_ai'] = None"  # import then raises ModuleNotFoundError
KEY = "canary-0123"


def start(tmp_path: Path, before: str = "", **environment: str) -> str:
    done = run_script(SCRIPT.format(before=before), tmp_path, **{"DRIVER": "~none", **environment})
    return done.stdout + done.stderr


def test_commands_import_no_model(tmp_path: Path) -> None:
    said = start(tmp_path, FEISHU_WS__BUTLER="commands")
    assert "loaded True" in said
    assert "imported []" in said


def test_a_model_on_a_server(tmp_path: Path) -> None:
    said = start(
        tmp_path,
        FEISHU_WS__BUTLER="llm",
        FEISHU_WS__BUTLER_BASE_URL="http://127.0.0.1:9/v1",
        FEISHU_WS__BUTLER_API_TOKEN=KEY,
        FEISHU_WS__BUTLER_MODEL="any",
        LOG_LEVEL="TRACE",
    )
    assert "loaded True" in said
    assert "imported ['pydantic_ai', 'openai', 'httpx2']" in said
    assert KEY not in said


@pytest.mark.parametrize(
    ("before", "environment", "words"),
    [
        (
            MISSING,
            {"BUTLER": "llm", "BUTLER_MODEL": "x", "BUTLER_BASE_URL": "http://h/v1"},
            ["pip install 'nonebot-plugin-feishu-ws[llm]'"],
        ),
        ("", {"BUTLER": "llm"}, ["FEISHU_WS__BUTLER=llm needs FEISHU_WS__BUTLER_MODEL"]),
        (
            "",
            {"BUTLER": "llm", "BUTLER_MODEL": "nothing"},
            ["FEISHU_WS__BUTLER_MODEL: Unknown model: nothing"],
        ),
        (
            "",
            {"BUTLER": "llm", "BUTLER_MODEL": "openai:gpt-5"},
            ["FEISHU_WS__BUTLER_MODEL", "OPENAI_API_KEY"],
        ),
        ("", {"BUTLER_API_TOKEN": KEY}, ["FEISHU_WS__BUTLER_API_TOKEN", "FEISHU_WS__BUTLER_BASE_URL"]),
        ("", {"BUTLER_BASE_URL": f"ftp://u:{KEY}@h"}, ["FEISHU_WS__BUTLER_BASE_URL", "http(s) URL"]),
        (
            "",
            {"BUTLER_PROMPT": "file:nowhere.txt"},
            ["FEISHU_WS__BUTLER_PROMPT", "nowhere.txt cannot be read"],
        ),
        (
            "",
            {"BUTLER_LIMITS": '{"request": 3}'},
            ["FEISHU_WS__BUTLER_LIMITS.request", "valid names: daily_tokens, daily_turns, requests"],
        ),
        ("", {"BUTLER_LIMITS": '{"seconds": 6000}'}, ["FEISHU_WS__BUTLER_LIMITS.seconds", "540"]),
        ("", {"BUTLER_MERGE": "11"}, ["FEISHU_WS__BUTLER_MERGE", "10"]),
    ],
    ids=["extra", "model", "unknown", "key", "token", "url", "prompt", "name", "value", "merge"],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, before: str, environment: dict[str, str], words: list[str]
) -> None:
    said = start(tmp_path, before, **{f"FEISHU_WS__{name}": value for name, value in environment.items()})
    assert "loaded False" in said
    for each in words:
        assert each in said
    assert KEY not in said
