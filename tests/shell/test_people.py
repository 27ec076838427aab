"""A person's data, from a shell, while the bot runs."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from feishu_sandbox import Sandbox
from nonebot_plugin_feishu_ws.commands.shell_verbs import SHELL_VERBS, write_new
from nonebot_plugin_feishu_ws.texts.shell import ShellTexts


async def test_export_and_forget(project: Any, feishu_sandbox: Sandbox) -> None:
    app = project.app()
    connector = {"name": "butler", "app_id": app.app_id, "app_secret": app.app_secret}
    project.env["FEISHU_WS__CONNECTORS"] = json.dumps([connector])
    await project.start_bot()
    await feishu_sandbox.hub.wait_connected(app, timeout=30)
    world = feishu_sandbox.world
    alice = world.add_user("Alice")
    asked = await world.say(alice, world.direct_chat(alice, app), "help canary-4711")
    await world.wait_for(lambda m: m.sender is app and m.parent_id == asked.message_id, timeout=30)
    who = alice.open_id(app)

    result = await project.done("export-user", who, "alice.jsonl")
    text = (project.path / "alice.jsonl").read_text(encoding="utf-8")
    assert "alice.jsonl" in result.out
    assert who in json.loads(text.splitlines()[0])["person"]["ids"]
    assert "canary-4711" in text
    counted = await project.says("forget-user", who)
    assert counted.code == 1
    assert "--yes" in counted.err
    done = json.loads((await project.done("forget-user", who, "--yes", "--json")).out)
    assert done["changed"]["feishu_ws_event"] >= 1


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("export-user", []),
        ("export-user", ["ou_12345678"]),
        ("export-user", ["ou", "-"]),
        ("forget-user", ["--yes"]),
        ("forget-user", ["ou_12345678,", "--yes"]),
        ("forget-user", ["ou_12345678", "ou_87654321"]),
    ],
)
async def test_what_is_no_call(verb: str, words: list[str]) -> None:
    nothing: Any = None
    assert await SHELL_VERBS[verb](nothing, words, ShellTexts("en_US"), nothing) is None


def test_a_file_of_others_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "alice.jsonl"
    write_new(str(file), ["{}"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_new(str(file), ["{}"])
    assert file.read_text() == "{}\n"
