"""`/feishu` in Feishu chats: who is answered, where, and what it costs those who are not meant."""

import asyncio
import copy
from typing import Any

import pytest
from nonebot import on_message
from nonebot.adapters import Event

from feishu_sandbox import Message

UNKNOWN = "There is no connector {name}. Yours: theirs."
DENIED = "You may not do this."
OF_ONE = ("show", "set", "verify", "enable", "disable", "connect", "disconnect", "status", "logs", "remove")


def line(verb: str, name: str) -> str:
    return f"/feishu {verb} {name}" + (" mention_required=false" if verb == "set" else "")


async def unanswered(town: Any, asked: Message) -> bool:
    """Nobody has answered, and nobody is going to."""
    await town.told(town.root, "/feishu help")
    await town.settled()
    return all(message.parent_id != asked.message_id for message in town.world.messages.values())


@pytest.mark.parametrize("root", ["/feishu", "/飞书", "/FEISHU", "  /feishu"])
async def test_the_root(town, root) -> None:
    assert f"desk · {town.app.app_id}" in await town.told(town.root, f"{root} list")


@pytest.mark.parametrize("text", ["/feishux list", "feishu list", "say /feishu list", "/fei shu list"])
async def test_what_does_not_begin_with_the_root_is_not_parsed(town, text, monkeypatch) -> None:
    from nonebot_plugin_feishu_ws.commands import chat, verbs

    parsed: list[str] = []
    for module in (chat, verbs):
        original = module.parse
        monkeypatch.setattr(module, "parse", lambda line, do=original: parsed.append(line) or do(line))
    asked = await town.ask(town.root, text)
    await town.told(town.root, "/feishu help")
    await town.settled()
    assert parsed == ["help"]
    assert all("desk ·" not in str(message.content) for message in town.world.messages.values()), asked


async def test_help_and_mistakes_show_what_to_type(town) -> None:
    assert "/feishu enable NAME" in await town.told(town.root, "/feishu")
    assert "Did you mean" in await town.told(town.root, "/feishu enabel desk")
    assert "Usage: /feishu enable NAME" in await town.told(town.root, "/feishu enable")


async def test_nobody_else_sees_what_is_for_us(town) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    listener = on_message(priority=2, block=False)

    @listener.handle()
    async def hear(event: Event) -> None:
        heard.put_nowait(event.get_plaintext())

    try:
        asked = await town.ask(town.root, "/feishu list")
        await town.answer(asked)
        await town.ask(town.root, "/weather")
        assert await asyncio.wait_for(heard.get(), 10) == "/weather"
        await town.settled()
    finally:
        listener.destroy()
    answers = [message for message in town.world.messages.values() if message.parent_id == asked.message_id]
    assert len(answers) == 1


async def test_a_group_has_to_mention_the_bot(town) -> None:
    asked = await town.ask(town.root, "/feishu list", town.group, mentions=[])
    assert await unanswered(town, asked)
    assert "desk ·" in await town.told(town.root, "/feishu list", town.group)


async def test_a_connector_that_needs_no_mention_needs_none_for_us(town) -> None:
    await town.told(town.root, "/feishu set desk mention_required=false")
    await town.bot.runtime._keeper.look()
    assert "desk ·" in await town.told(town.root, "/feishu list", town.group, mentions=[])


@pytest.mark.parametrize("verb", OF_ONE)
async def test_an_owner_may_do_everything_with_their_own(town, owned, verb) -> None:
    await owned("theirs", town.owner)
    for before in {"enable": ["verify"], "connect": ["verify", "enable"]}.get(verb, []):
        await town.told(town.owner, line(before, "theirs"))
    said = await town.told(town.owner, line(verb, "theirs"))
    assert "theirs" in said or verb == "logs"
    assert "no connector" not in said
    assert DENIED not in said
    assert await town.denials() == []


@pytest.mark.parametrize("verb", OF_ONE)
async def test_a_foreign_connector_looks_like_an_unknown_one(town, owned, verb) -> None:
    await owned("theirs", town.owner)
    foreign = await town.told(town.owner, line(verb, "desk"))
    unknown = await town.told(town.owner, line(verb, "dusk"))
    assert foreign == UNKNOWN.format(name="desk")
    assert unknown == UNKNOWN.format(name="dusk")


@pytest.mark.parametrize("verb", [*OF_ONE, "list", "add", "test", "help", "nonsense"])
@pytest.mark.parametrize("where", ["direct", "group"])
async def test_everybody_else_is_turned_away(town, verb, where) -> None:
    before = await town.service.visible(town.bot.root)
    chat = town.group if where == "group" else None
    assert await town.told(town.other, line(verb, "desk"), chat) == DENIED
    assert await town.service.visible(town.bot.root) == before
    (row,) = await town.denials()
    assert row.detail["by"] == town.other.open_id(town.app)
    assert row.detail["verb"] == (verb if verb != "nonsense" else "?")


async def test_an_owner_sees_only_their_own_and_cannot_add(town, owned) -> None:
    await owned("theirs", town.owner)
    said = await town.told(town.owner, "/feishu list")
    assert "theirs ·" in said
    assert "desk" not in said
    assert "Add a connector" not in said
    assert await town.told(town.owner, "/feishu add mine app_id=cli_x") == DENIED


async def test_an_open_id_of_another_app_is_no_owner(town, owned) -> None:
    """The same person is another open_id to every app."""
    app = await owned("theirs", town.owner)
    await town.service.verify(town.bot.root, "theirs")
    await town.service.set_enabled(town.bot.root, "theirs", True)
    await town.bot.state(app, "connected")
    direct = town.world.direct_chat(town.owner, app)
    asked = await town.world.say(town.owner, direct, "/feishu list")
    reply = await town.world.wait_for(lambda message: message.parent_id == asked.message_id, timeout=20)
    assert DENIED in str(reply.content)


@pytest.mark.parametrize("sender_type", ["app", "bot", "anonymous", "unknown", ""])
async def test_senders_that_are_no_people_get_no_answer_whatever_their_id(town, sender_type) -> None:
    """The event is a superuser's in all but the kind of its sender."""
    first = await town.ask(town.root, "/feishu help")
    await town.answer(first)
    body = copy.deepcopy(
        next(
            delivery.envelope["event"]
            for delivery in town.sandbox.hub.deliveries
            if delivery.envelope["event"].get("message", {}).get("message_id") == first.message_id
        )
    )
    before = len(town.world.messages)
    body["sender"]["sender_type"] = sender_type
    body["message"] |= {"message_id": "om_forged", "content": '{"text": "/feishu remove desk"}'}
    town.world.push(town.app, "im.message.receive_v1", body)
    await town.told(town.root, "/feishu help")
    await town.settled()
    assert len(town.world.messages) == before + 2
    assert [one.spec.name for one in await town.service.visible(town.bot.root)] == ["desk"]
    (row,) = await town.denials()
    assert row.detail["by"].startswith("nobody:")


async def test_another_bot_gets_no_answer(town, superusers) -> None:
    superusers.add(town.robot.open_id)
    asked = await town.world.say(town.robot, town.group, "/feishu list", mentions=[town.app])
    assert await unanswered(town, asked)


async def test_quoted_text_is_not_ours(town) -> None:
    """Somebody answers a superuser's command, and a superuser answers somebody's."""
    command = await town.ask(town.root, "/feishu disable desk", town.group, mentions=[])
    quoting = await town.told(town.other, "/feishu help", town.group, reply_to=command)
    assert quoting == DENIED
    command = await town.ask(town.other, "/feishu disable desk", town.group, mentions=[])
    asked = await town.ask(town.root, "yes please", town.group, reply_to=command)
    assert await unanswered(town, asked)
    (connector,) = await town.service.visible(town.bot.root)
    assert connector.spec.enabled


async def test_names_are_not_read(town) -> None:
    """A display name that looks like a command, or like a superuser's, is a display name."""
    jester = town.world.add_user("/feishu disable desk")
    town.group.users.append(jester)
    asked = await town.ask(town.root, "hello", town.group, mentions=[town.app, jester])
    assert await unanswered(town, asked)
    assert town.other.name == town.root.name
    assert await town.told(town.other, "/feishu disable desk") == DENIED
    (connector,) = await town.service.visible(town.bot.root)
    assert connector.spec.enabled


@pytest.mark.parametrize("kind", ["merge_forward", "share_chat", "file", "sticker"])
async def test_messages_that_are_no_text_are_not_ours(town, kind) -> None:
    asked = await town.ask(town.root, "", msg_type=kind)
    assert await unanswered(town, asked)


async def test_what_takes_time_changes_its_own_card(town, owned) -> None:
    app = await owned("mine", town.owner)
    await town.told(town.root, "/feishu verify mine")
    before = len(town.world.messages)
    card = await town.card(town.root, "/feishu enable mine")
    await town.shows(card, "🟢 connected")
    await town.settled()
    assert len(town.world.messages) == before + 2
    await town.bot.connected(app)


async def test_the_database_away_is_said(town, monkeypatch) -> None:
    from nonebot_plugin_feishu_ws.storage import DatabaseUnavailable

    async def away(*_: Any) -> Any:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr(town.bot.runtime.management.store, "all", away)
    assert "not available now" in await town.told(town.root, "/feishu list")
    assert "not available now" in await town.told(town.owner, "/feishu list")
