"""A connector's life, led from a shell: while the bot does not run, and while it does."""

import asyncio
import json

import pytest
from reading import plain

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(180),
]  # several processes each, on machines that may be busy


async def test_before_the_bot_runs(project) -> None:
    """Through `nb`, as the documentation says."""
    app = project.app()
    added = await project.nb(
        "add", "butler", f"app_id={app.app_id}", "--secrets-stdin", stdin=f"app_secret={app.app_secret}\n"
    )
    assert "Next: verify butler, then enable butler." in added.out
    assert "its bot is “Butler”" in (await project.nb("verify", "butler")).out
    (key_file,) = project.path.rglob("*.key")
    key_file.chmod(0o644)
    enabled = await project.nb("enable", "butler", "--json")
    assert "chmod 600" in enabled.err  # warnings do not stand in the answer's way
    assert "chmod 600" not in enabled.out
    assert json.loads(enabled.out.splitlines()[-1])["name"] == "butler"

    await project.start_bot()
    await project.sandbox.hub.wait_connected(app, timeout=20)
    world = project.sandbox.world
    asked = await world.say(alice := world.add_user("Alice"), world.direct_chat(alice, app), "help")
    await world.wait_for(lambda message: message.parent_id == asked.message_id, timeout=20)


async def test_looking(project) -> None:
    app = await project.added("butler", "mention_required=false", "prefix_command=hey you")
    listed, status, shown, logs = await asyncio.gather(
        project.done("list"),
        project.done("status", "butler", "--json"),
        project.done("show", "butler", "--json"),
        project.done("logs", "butler", "10", "--json"),
    )
    assert listed.out.splitlines()[0].split() == ["name", "state", "App", "ID", "verified", "owner"]
    assert f"butler  ⚪ disabled  {app.app_id}  yes\n" in listed.out
    assert "\x1b" not in listed.out  # no colours where nobody sees them

    (row,) = status.json
    assert (row["name"], row["state"], row["source"]) == ("butler", "disabled", "stored")

    assert shown.json["has_app_secret"] is True
    assert shown.json["prefix_command"] == "hey you"
    assert shown.json["mention_required"] is False

    assert [row["action"] for row in logs.json] == ["create_connector", "verify_callback"]
    assert {(row["by"], row["from"]) for row in logs.json} == {("alice", "shell")}


async def test_while_the_bot_runs(project) -> None:
    hub, world = project.sandbox.hub, project.sandbox.world
    await project.start_bot()
    app = await project.added("butler")
    alice = world.add_user("Alice")
    group = world.add_group("Everyone", [alice, app])

    await project.done("enable", "butler")
    await hub.wait_connected(app, timeout=20)
    (connection,) = hub.online(app)

    await project.done("set", "butler", "mention_required=false")
    async with asyncio.timeout(5):  # the bot looks twice a second: the first message may come too early
        while not (said := [m for m in world.messages_in(group) if m.sender is app]):
            asked = await world.say(alice, group, "whoami")
            await hub.wait_delivery(_event_of(hub, asked))
    assert alice.open_id(app) in plain(said[0])
    assert hub.online(app) == [connection]  # no reconnect for a policy

    await project.done("disable", "butler")
    await hub.wait_disconnected(app, timeout=2)
    assert "⚪ disabled" in (await project.done("status")).out


async def test_removed_while_the_bot_runs(project) -> None:
    hub = project.sandbox.hub
    app = await project.added("butler")
    await project.done("enable", "butler")
    await project.start_bot()
    await hub.wait_connected(app, timeout=20)

    await project.done("disconnect", "butler")
    await hub.wait_disconnected(app, timeout=2)
    await project.done("connect", "butler")
    await hub.wait_connected(app, timeout=5)
    removed = await project.done("remove", "butler", "--json")
    assert removed.json == {"removed": "butler"}
    await hub.wait_disconnected(app, timeout=2)


async def test_a_removal_is_asked_about_on_a_terminal(project) -> None:
    await project.added("butler")
    terminal = await project.on_terminal("feishu-ws", "remove", "butler")
    await terminal.shows("Remove butler and its secrets? This cannot be undone. [y/N] ")
    terminal.type("\n")
    assert await terminal.ended() == 1
    assert "Cancelled." in terminal.text
    terminal = await project.on_terminal("feishu-ws", "remove", "butler")
    await terminal.shows("[y/N] ")
    terminal.type("y\n")
    assert await terminal.ended() == 0
    assert (await project.done("list", "--json")).json == []

    await project.added("butler")
    terminal = await project.on_terminal("feishu-ws", "remove", "butler", "--yes")
    assert await terminal.ended() == 0
    assert "[y/N]" not in terminal.text


def _event_of(hub, asked) -> str:
    return next(
        delivery.envelope["header"]["event_id"]
        for delivery in hub.deliveries
        if delivery.envelope["event"].get("message", {}).get("message_id") == asked.message_id
    )
