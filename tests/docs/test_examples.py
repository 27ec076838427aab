"""What the documentation shows is run: plugins in a real bot, tests by pytest, commands against a real sandbox."""

import argparse
import asyncio
import os
import re
import shlex
import sqlite3
import sys
from pathlib import Path

import aiohttp
import pytest

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
    button = sent.content["body"]["elements"][2]
    value = button["behaviors"][0]["value"]
    result = await office.sandbox.world.click(office.user, sent.message_id, {"tag": "button", "value": value})
    assert result.error is None
    assert result.toast["type"] == "success"
    assert "rice" in result.toast["content"]
    assert "rice" in sent.content["body"]["elements"][0]["content"]


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
