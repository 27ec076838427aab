"""Secrets come by a prompt that does not echo, or through standard input; an argument is refused."""

import asyncio
import io
import json
import sys

import pytest
from terminal import Terminal

pytestmark = pytest.mark.timeout(180)  # several processes each, on machines that may be busy


async def test_asked_for_on_a_terminal(project) -> None:
    app = project.app()
    terminal = await project.on_terminal("nb", "feishu-ws", "add", "butler", f"app_id={app.app_id}")
    await _answer(terminal, "app_secret (not shown):", app.app_secret)
    await terminal.shows("Added butler.")
    assert await terminal.ended() == 0

    # Only the chosen fields are asked for; with colours and a frame, since somebody is looking.
    token = app.verification_token
    project.secrets.append(token)
    terminal = await project.on_terminal(
        "feishu-ws", "set", "butler", "--secret", "verification_token", "--secret=proxy"
    )
    await _answer(terminal, "verification_token (not shown):", token)
    await _answer(terminal, "proxy (not shown):", "http://127.0.0.1:1")
    await terminal.shows("Changed butler: verification_token, proxy.")
    terminal = await project.on_terminal("feishu-ws", "list")
    await terminal.shows("╭")
    assert await terminal.ended() == 0


async def pressed(terminal) -> bool:
    """Ctrl-C, and whether it was noticed: Python misses one that comes just before it begins to read."""
    terminal.type("\x03")
    try:
        await terminal.shows("Interrupted.", timeout=3)
    except TimeoutError:
        return False
    return True


async def test_interrupted_while_asked(project) -> None:
    terminal = await project.on_terminal("feishu-ws", "add", "butler", "app_id=cli_a")
    await terminal.shows("app_secret (not shown):")
    async with asyncio.timeout(30):
        while not await pressed(terminal):
            pass
    assert await terminal.ended() == 130


async def test_a_terminal_is_no_place_for_plain_lines(project) -> None:
    terminal = await project.on_terminal("feishu-ws", "add", "butler", "app_id=cli_a", "--secrets-stdin")
    await terminal.shows("Standard input is a terminal and would show what is typed")
    assert await terminal.ended() == 2


async def test_from_standard_input(project) -> None:
    app = project.app()
    project.secrets += ["token-canary", "encrypt-canary"]
    lines = f"app_secret = {app.app_secret}\r\n\r\nverification_token=token-canary\r\n"
    await project.done("add", "butler", f"app_id={app.app_id}", "--secrets-stdin", stdin=lines)
    document = json.dumps({"encrypt_key": "encrypt-canary", "verification_token": ""})
    changed = await project.done("set", "butler", "--secrets-stdin", stdin=document)
    assert changed.out == "Changed butler: encrypt_key, verification_token.\n"
    assert "its bot is" in (await project.done("verify", "butler")).out


async def test_never_as_an_argument(project) -> None:
    nothing, elsewhere, unattended = await asyncio.gather(
        project.says("add", "butler", "app_id=cli_a", "app_secret=argument-canary"),
        project.says("verify", "butler", "--secrets-stdin", stdin="app_secret=x"),
        project.says("add", "butler", "app_id=cli_a", "--json"),
    )
    assert nothing.code == 2
    assert nothing.out == ""
    assert "Nothing was changed. Take it for leaked" in nothing.err
    assert "argument-canary" not in nothing.err
    assert elsewhere.code == 2
    assert "verify takes no secrets" in elsewhere.err
    assert unattended.code == 2
    assert unattended.json["error"] == "Misused"
    assert "use --secrets-stdin" in unattended.json["message"]
    attached = await project.says("set", "butler", "--secret=attached-canary")
    assert attached.code == 2
    assert "attached-canary" not in attached.err
    assert "app_secret, verification_token" in attached.err
    assert not list(project.path.rglob("*.sqlite3"))  # a refused call does not even open the database


async def _answer(terminal: Terminal, question: str, secret: str) -> None:
    await terminal.shows(question)
    assert not terminal.shows_what_is_typed()
    terminal.type(secret + "\n")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("app_secret=a\ncanary\n", "Line 2 of standard input"),
        ("canary==\n", "a field that is no secret"),
        ('{"canary": "x"}', "a field that is no secret"),
        ('{"app_secret": "canary"', "neither field=value lines nor a JSON object"),
        ('{"app_secret": ["canary"]}', "neither field=value lines nor a JSON object"),
        (b"app_secret=canary\xff", "neither field=value lines nor a JSON object"),
    ],
)
def test_what_cannot_be_read(given: str | bytes, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from nonebot_plugin_feishu_ws.commands import secrets_input
    from nonebot_plugin_feishu_ws.texts.shell import ShellTexts

    data = given if isinstance(given, bytes) else given.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    with pytest.raises(secrets_input.SecretsError, match=problem) as caught:
        secrets_input.read(ShellTexts("en_US"))
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
