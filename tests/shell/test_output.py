"""What is printed where, and the code a command ends with."""

import asyncio
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(180)  # several processes each, on machines that may be busy


async def test_exit_codes_and_messages(project) -> None:
    unknown, verb, arguments, field, everything = await asyncio.gather(
        project.says("enable", "nobody", "--json"),
        project.says("enabel", "nobody"),
        project.says("verify", "--json"),
        project.says("add", "butler", "app_id=cli_a", "colour=red", "--secrets-stdin", stdin="app_secret=x"),
        project.says("remove", "--all"),
    )
    assert unknown.code == 1
    assert unknown.json == {
        "error": "UnknownConnector",
        "message": "There is no connector nobody. Yours: none.",
    }
    assert verb.code == 2
    assert verb.out == ""
    assert verb.err == "There is no verb enabel. Did you mean enable? feishu-ws help lists them all.\n"
    assert arguments.code == 2
    assert "Usage: feishu-ws verify NAME" in arguments.json["message"]
    assert field.code == 1
    assert "There is no field colour. Fields: name, app_id" in field.err
    assert everything.code == 2
    assert "--all goes with verify, enable" in everything.err


async def test_help_knows_the_verbs_of_the_shell(project) -> None:
    whole, one, chinese, bad = await asyncio.gather(
        project.nb(),
        project.done("rotate-key", "--help"),
        project.done("help", "db", LANG="zh_CN.UTF-8"),
        project.says("db", "downgrade"),
    )
    for words in (
        "nb feishu-ws list — ",
        "nb feishu-ws rotate-key — ",
        "nb feishu-ws db ",
        "--secrets-stdin — ",
    ):
        assert words in whole.out
    assert one.out.startswith("feishu-ws rotate-key — seal every stored secret")
    assert "升级数据库" in chinese.out
    assert bad.code == 2
    assert "feishu-ws db upgrade | current" in bad.err


async def test_many_connectors(project) -> None:
    for name in ("first", "second"):
        await project.added(name)
    await project.done("set", "second", "--secrets-stdin", stdin="app_secret=wrong")
    verified = await project.says("verify", "--all", "--json")
    assert verified.code == 1
    assert [(row["name"], row["done"]) for row in verified.json] == [("first", True), ("second", False)]
    terminal = await project.on_terminal("feishu-ws", "enable", "--all")
    assert await terminal.ended() == 1
    assert "first is enabled" in terminal.text
    assert "second is not verified yet" in terminal.text


async def test_a_project_without_the_plugin(project, tmp_path: Path) -> None:
    pyproject = project.path / "pyproject.toml"
    text = pyproject.read_text()
    pyproject.write_text(text.replace('nonebot-plugin-feishu-ws = ["nonebot_plugin_feishu_ws"]', ""))
    unloaded = await project.says("list")
    assert unloaded.code == 1
    assert "[tool.nonebot.plugins]" in unloaded.err
    pyproject.unlink()
    nowhere = await project.says("list")
    assert nowhere.code == 1
    assert "there is no pyproject.toml" in nowhere.err


async def test_both_ways_in_load_the_same_bot(project) -> None:
    """From a directory below the project's, as nb-cli does: its builtin plugins, adapters and own plugins."""
    pyproject = project.path / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("plugin_dirs = []", 'plugin_dirs = ["plugins"]'))
    plugins = project.path / "plugins"
    plugins.mkdir()
    (plugins / "witness.py").write_text(
        "import atexit, json, nonebot\n"
        "@atexit.register\n"  # plugins are loaded in the order of a set: only at the end are they all there
        "def look():\n"
        "    names = sorted(plugin.name for plugin in nonebot.get_loaded_plugins())\n"
        f"    with open({str(project.path / 'seen.jsonl')!r}, 'a') as file:\n"
        "        print(json.dumps([names, list(nonebot.get_adapters())]), file=file)\n"
    )
    await project.run("nb", "feishu-ws", "help", "list", below="plugins")
    await project.run("feishu-ws", "help", "list", below="plugins")
    by_nb, by_us = map(json.loads, (project.path / "seen.jsonl").read_text().splitlines())
    assert by_nb == by_us
    assert {"echo", "nonebot_plugin_feishu_ws"} <= set(by_us[0])
    assert by_us[1] == ["Feishu"]


def test_a_text_does_not_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from nonebot_plugin_feishu_ws.commands import Answer, Table
    from nonebot_plugin_feishu_ws.commands.printing import Printer

    nasty = "\x1b[2Jgone\x07 [bold]as it is[/bold] :smile:"
    printer = Printer(as_json=False)
    printer.show(Answer(nasty), error="")
    printer.show(Answer("", table=Table(("name",), ((nasty,),))), error="")
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert shown.count("�[2Jgone� [bold]as it is[/bold] :smile:") == 2

    Printer(as_json=True).show(Answer(nasty, failed=True), error="Refused")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"error": "Refused", "message": nasty}
