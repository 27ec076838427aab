"""What the documentation shows is run: plugins in a real bot, tests by pytest, commands against a real sandbox."""

import argparse
import asyncio
import os
import re
import shlex
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from reading import plain

from feishu_sandbox import Sandbox
from feishu_sandbox.__main__ import main


async def test_the_butler_answers_as_the_table_says(office, locale, read) -> None:
    page = read("docs/zh/plugins.md" if locale == "zh_CN" else "docs/plugins.md")
    rows = page.tables[0]
    assert len(rows) > 5
    for said, answer in rows:
        answers = await office.answers(said.strip("`"))
        assert any(answer.strip("`") in each for each in answers), (said, answers)


async def test_what_the_readme_shows(office) -> None:
    assert await office.answers("roll 1 times=2") == ["1 1"]
    (greeting,) = await office.answers("hello there")
    assert greeting in ("Hello!", "你好！")


async def test_addressed_and_blocking(office) -> None:
    (answer,) = await office.answers("thanks a lot")
    assert answer in ("You are welcome.", "不客气。")


async def test_a_click_is_answered(office) -> None:
    (sent,) = await office.told("/lunch")
    value = next(
        part["value"] for part in _parts(sent.content) if part.get("value", {}).get("dish") == "rice"
    )
    result = await office.sandbox.world.click(office.user, sent.message_id, {"tag": "button", "value": value})
    assert result.error is None
    assert result.toast["type"] == "success"
    assert "rice" in result.toast["content"]
    assert "rice" in sent.content["body"]["elements"][0]["text"]["content"]


async def test_a_form_is_read(office) -> None:
    (sent,) = await office.told("/deploys")
    submit = next(part for part in _parts(sent.content) if part.get("form_action_type") == "submit")
    click = {"tag": "button", "name": submit["name"], "value": submit["behaviors"][0]["value"]}

    async def filled(**fields: str) -> Any:
        return await office.sandbox.world.click(office.user, sent.message_id, {**click, "form_value": fields})

    refused = await filled(reason="it is time", replicas="50", since="")
    assert refused.toast["type"] == "error"
    assert "replicas" in refused.toast["content"]
    assert (await filled(reason="it is time", replicas="", since="2026-01-31 +0800")).error is None
    assert "1 × web" in str(sent.content)
    assert "it is time" in str(sent.content)


async def test_the_connector_and_its_clients(office) -> None:
    (answer,) = await office.answers("/where")
    assert office.app.app_id in answer
    assert office.sandbox.url in answer
    (message,) = await office.told("/call")
    assert [reaction.emoji for reaction in office.sandbox.world.messages[message.parent_id].reactions] == [
        "OK"
    ]
    assert plain(message) in ("Here I am.", "来了。")
    (answer,) = await office.answers("/quote")
    assert "text" in answer


async def test_those_who_come_from_elsewhere(office) -> None:
    """What the pages for them show: a plugin of the stock adapter, of lark-oapi, of a web server."""
    world = office.sandbox.world
    (answer,) = await office.answers("/echo hello")
    assert answer.replace("：", ": ") == "p2p: hello"
    (message,) = await office.told("parrot, speak")
    assert plain(message) in ("You said: parrot, speak", "你说：parrot, speak")
    assert [reaction.emoji for reaction in world.messages[message.parent_id].reactions] == ["OK"]
    group = world.add_group("Newcomers", [office.user])
    world.add_bot(office.user, group, office.app)
    hello = await world.wait_for(lambda m: m.chat is group, timeout=15)
    assert plain(hello) in ("Hello, everybody!", "大家好！")


async def test_a_brain_of_ones_own(office) -> None:
    assert await office.answers("will it rain?") in (["Ask again later."], ["请稍后再问。"])


async def test_what_a_message_brings(office) -> None:
    assert await office.answers("unpack") in (["Nothing."], ["没有。"])
    world = office.sandbox.world
    quoted = (await office.told("whoami"))[0]
    asked = await world.say(office.user, office.direct, "unpack", reply_to=quoted)
    answer = await world.wait_for(lambda m: m.sender is office.app and m.parent_id == asked.message_id)
    assert f"open_id: {office.user.open_id(office.app)}" in plain(answer)


def _parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _parts(inner)


async def test_from_nothing_to_an_answer_in_a_chat(office, locale, read) -> None:
    """The buttons are those the page names, in its order."""
    page = read("docs/zh/commands.md" if locale == "zh_CN" else "docs/commands.md")
    steps = re.findall(r"^\d\. .*(?:\n   .*)*", page.prose, re.MULTILINE)
    said = re.search(r"`(/feishu \w+)`", steps[0])
    labels = [label for step in steps[1:4] for label in re.findall(r"\*\*(.+?)\*\*", step)]
    assert len(labels) == 3
    world, user, app = office.sandbox.world, office.user, office.sandbox.world.add_app("Second")
    await world.say(user, office.direct, said[1])
    card = await world.wait_for(
        lambda message: any(part.get("tag") == "form" for part in _parts(message.content)), timeout=15
    )

    async def press(label: str, **form: str) -> None:
        (button,) = [
            part
            for part in _parts(card.content)
            if part.get("tag") == "button" and part["text"]["content"] == label
        ]
        action = {"tag": "button", "value": button["behaviors"][0]["value"]}
        if form:
            action |= {"name": button["name"], "form_value": form}
        assert (await world.click(user, card.message_id, action)).error is None

    await press(labels[0], name="second", app_id=app.app_id, app_secret=app.app_secret)
    await press(labels[1])
    assert "Second" in str(card.content)
    await press(labels[2])
    await office.sandbox.hub.wait_connected(app, timeout=15)
    await world.wait_for(
        lambda message: message.message_id == card.message_id and "🟢" in str(message.content), timeout=15
    )
    asked = await world.say(user, world.direct_chat(user, app), "help")
    await world.wait_for(lambda m: m.sender is app and m.parent_id == asked.message_id, timeout=15)
    assert app.app_secret not in str([message.content for message in world.messages.values()])
    assert app.app_secret not in office.output()


async def test_the_filter_stops_and_the_queries_tell(office, locale, read) -> None:
    """Last, because the bot is stopped so that its log is complete."""
    world = office.sandbox.world
    stopped = await world.say(office.user, office.direct, "help https://example.com")
    assert await office.answers("roll 1") == ["1"]
    group = world.add_group("Team", [office.user, office.app])
    unaddressed = await world.say(office.user, group, "help")
    (delivery,) = [d for d in office.sandbox.hub.deliveries if unaddressed.message_id in d.payload.decode()]
    await office.sandbox.hub.wait_delivery(delivery.event_id, timeout=15)
    assert await office.stop() == 0
    assert "Traceback" not in office.output()
    assert office.app.app_secret not in office.output()
    assert not [m for m in world.messages.values() if m.parent_id == stopped.message_id]

    page = read("docs/zh/filters.md" if locale == "zh_CN" else "docs/filters.md")
    queries = [block.text for block in page.blocks if block.language == "sql"]
    data = office.folder / ".local/share/nonebot2/nonebot_plugin_feishu_ws"
    assert f"`~/{data.relative_to(office.folder)}/`" in read("docs/settings.md").prose
    for name in ("feishu-ws.sqlite3", "feishu-ws.key"):
        assert (data / name).exists()
        assert f"`{name}`" in read("docs/settings.md").prose
    database = sqlite3.connect(data / "feishu-ws.sqlite3")
    try:
        reasons = {message: reason for _, _, reason, message in database.execute(queries[0])}
        assert reasons[stopped.message_id] == "no_links"
        assert reasons[unaddressed.message_id] == "mention_required"
        query = queries[1].replace("om_…", unaddressed.message_id)
        ((_, action, detail),) = database.execute(query).fetchall()
        shown = next(block.text for block in page.blocks if block.language == "text")
        assert shown.startswith(f"{action} | ")
        assert detail.replace('","rate', '", "rate').endswith(shown.partition(" …, ")[2].strip())
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        known = {name for name in tables if name.startswith("feishu_ws_")} - {"feishu_ws_version"}
        assert set(re.findall(r"`(feishu_ws_\w+)`", read("docs/settings.md").prose)) == known
    finally:
        database.close()


@pytest.mark.timeout(180)  # several processes, on machines that may be busy
@pytest.mark.parametrize("name", ["docs/commands.md", "docs/zh/commands.md"])
async def test_from_nothing_to_an_answer_in_a_shell(
    read, feishu_sandbox: Sandbox, tmp_path: Path, name: str
) -> None:
    project, lines = [block.text for block in read(name).blocks if block.language in ("toml", "sh")]
    (app_id,) = re.findall(r"app_id=(\w+)", lines)
    world = feishu_sandbox.world
    app, user = world.add_app("Butler", app_id=app_id), world.add_user("Ada")
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    bot = next(block.text for block in read("docs/settings.md").blocks if "nonebot.run()" in block.text)
    (tmp_path / "bot.py").write_text(bot, encoding="utf-8")
    (tmp_path / ".env").write_text(f"DRIVER=~none\nFEISHU_WS__URL={feishu_sandbox.url}\n", encoding="utf-8")
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "en_US.UTF-8",
        "APP_SECRET": app.app_secret,
    }
    with (tmp_path / "output.txt").open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            sys.executable, "bot.py", cwd=tmp_path, env=env, stdout=output, stderr=output
        )
    try:
        shell = await asyncio.create_subprocess_exec(
            *("sh", "-e", "-c", lines), cwd=tmp_path, env=env, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await shell.communicate()
        assert shell.returncode == 0
        assert app.app_secret not in said.decode()
        await feishu_sandbox.hub.wait_connected(app, timeout=30)
        asked = await world.say(user, world.direct_chat(user, app), "help")
        await world.wait_for(lambda m: m.sender is app and m.parent_id == asked.message_id, timeout=15)
    finally:
        running.terminate()
        await running.wait()
    assert app.app_secret not in (tmp_path / "output.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["docs/sandbox.md", "docs/zh/sandbox.md"])
async def test_the_tests_shown_pass(read, tmp_path: Path, name: str) -> None:
    files = read(name).written(tmp_path, tests=True)
    assert len(files) == 2
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"),
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert "2 passed" in output.decode(), output.decode()


def curl() -> argparse.ArgumentParser:
    """As much of curl as is used; anything else is an error."""
    parser = argparse.ArgumentParser("curl", exit_on_error=False)
    parser.add_argument("-X", dest="method", default="GET")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("url")
    return parser


@pytest.mark.parametrize("name", ["docs/sandbox.md", "docs/zh/sandbox.md"])
async def test_the_curl_examples(read, feishu_sandbox: Sandbox, name: str) -> None:
    feishu_sandbox.world.add_app("Demo", app_id="cli_demo")
    lines = [
        line for block in read(name).blocks for line in block.text.splitlines() if line.startswith("curl ")
    ]
    assert len(lines) == 6
    standing: list[list[str]] = []
    async with aiohttp.ClientSession() as session:
        for line in lines:
            call = curl().parse_args(shlex.split(line)[1:])
            headers = dict(header.split(": ", 1) for header in call.headers)
            url = call.url.replace("http://127.0.0.1:9000", feishu_sandbox.url)
            async with session.request(call.method, url, headers=headers, data=call.data) as response:
                assert response.status == 200, (line, await response.text())
                standing.append([fault["kind"] for fault in (await response.json())["active"]])
    both = ["bootstrap", "api"]
    assert standing == [["bootstrap"], both, both, both, ["api"], []]


@pytest.mark.parametrize("name", ["docs/sandbox.md", "docs/zh/sandbox.md"])
def test_the_command_line(read, capsys: pytest.CaptureFixture[str], name: str) -> None:
    page = read(name)
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"--[a-z]+", capsys.readouterr().out)) - {"--help"}
    assert set(re.findall(r"`(--[a-z]+)", page.prose)) == known
