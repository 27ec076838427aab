"""`register` on a terminal: a code to scan, a person who confirms, a connector."""

import re

import pytest

from feishu_sandbox import Rules

pytestmark = pytest.mark.timeout(180)  # several processes each, on machines that may be busy


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    return Rules(registration_interval=0.2)


async def test_scanned_and_confirmed(project) -> None:
    sandbox = project.sandbox
    terminal = await project.on_terminal("feishu-ws", "register", "scanned")
    await terminal.shows("Waiting for you to confirm")
    assert "▀" in terminal.text
    code = re.search(r"user_code=([A-Za-z0-9_-]+)", terminal.text)
    assert code is not None
    app = sandbox.registrations.approve(code[1], sandbox.world.add_user("Alice"), "Scanned")
    project.secrets.append(app.app_secret)
    await terminal.shows("scanned")
    assert await terminal.ended() == 0
    (shown,) = (await project.done("list", "--json")).json
    assert (shown["name"], shown["app_id"]) == ("scanned", app.app_id)
    assert shown["verified_at"]


async def test_declined(project) -> None:
    sandbox = project.sandbox
    terminal = await project.on_terminal("feishu-ws", "register")
    await terminal.shows("Waiting for you to confirm")
    code = re.search(r"user_code=([A-Za-z0-9_-]+)", terminal.text)
    assert code is not None
    sandbox.registrations.deny(code[1])
    assert await terminal.ended() == 1
    assert (await project.done("list", "--json")).json == []


async def test_doctor_exits_with_what_it_found(project) -> None:
    app = await project.added("butler")
    await project.done("enable", "butler")
    app.bot = False
    result = await project.says("doctor", "butler", "--json")
    assert result.code == 1
    assert {check["check"]: check["outcome"] for check in result.json}["bot"] == "problem"
