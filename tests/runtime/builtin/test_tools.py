"""The Butler's own tools in a chat: what they answer, where their limits are, and what they say of trouble."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from reading import plain

from feishu_sandbox import ApiFault
from nonebot_plugin_feishu_ws import butler
from nonebot_plugin_feishu_ws.butler.builtin import looking, searching
from nonebot_plugin_feishu_ws.connectors import Standing
from nonebot_plugin_feishu_ws.texts import Texts


@pytest.fixture
def in_chinese() -> Iterator[None]:
    """The Butler speaks Chinese."""
    commands = butler.CommandsBrain(butler.tools, command_starts=[], taken=lambda _: False)

    class Chinese:
        async def answer(self, turn: butler.Turn) -> None:
            await commands.answer(replace(turn, texts=Texts("zh_CN")))

    butler.use(Chinese())
    yield
    butler.use(None)


# --- connectors -----------------------------------------------------------------------------------------------


async def test_a_connector_in_trouble(settle: Any, people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    house = await settle("superuser")
    await house.service.set_enabled(people.root, house.other, True)
    other = await house.service.get(people.root, house.other)
    trouble = Standing(state="blocked", connections=1, wanted=3, error="bad\nsecret " + "x" * 500)
    await house.company.runtime.management.statuses.report({other.spec.app_id: trouble})
    lines = (await house.told("connectors")).split("\n")
    at = lines.index(f"• {house.other}: blocked 1/3")
    assert lines[at + 1].startswith("  bad secret xxx")
    assert len(lines[at + 1]) < 250

    monkeypatch.setattr(looking, "MOST_CONNECTORS", 1)
    assert re.fullmatch(r"• .+(\n  .+)?\n\(\d+ more\)", await house.told("connectors"))


# --- now ------------------------------------------------------------------------------------------------------


async def test_the_time_in_a_zone(company: Any) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    day, date, clock, offset = (await company.told("now Asia/Shanghai")).split()
    assert (day.endswith("day,"), offset) == (True, "UTC+08:00")
    said = datetime.fromisoformat(f"{date}T{clock}+08:00")
    assert before <= said <= datetime.now(UTC)
    here = (await company.told("now")).split()[-1]
    assert here.removeprefix("UTC") == datetime.now().astimezone().isoformat()[-6:]


@pytest.mark.parametrize("zone", ["Mars/Base", "../../etc/passwd", "/etc/passwd", "America", "a" * 5000])
async def test_a_zone_there_is_not(company: Any, zone: str) -> None:
    said = await company.told(f"now {zone}")
    assert "There is no time zone" in said
    assert len(said) < 200


# --- members --------------------------------------------------------------------------------------------------


async def test_the_people_in_a_group(settle: Any) -> None:
    house = await settle()
    house.bob.name = "Bob\n\u202eeve"
    assert await house.told("members") == "People in this group (2): Alice, Bob eve"
    assert await house.company.told("members") == "That is for groups only."


async def test_a_large_group_is_not_listed_to_the_end(settle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MOST_MEMBERS", 2)
    house = await settle()
    assert (await house.told("members")).startswith("People in this group (2):")
    house.group.users.append(house.world.add_user("Carol"))
    assert await house.told("members") == "People in this group (2+): Alice, Bob …"


async def test_members_without_the_scope(settle: Any) -> None:
    house = await settle()
    fault = ApiFault(path="/members", code=99991672, status=400, msg="Access denied", times=1)
    house.company.sandbox.faults.add(fault)
    assert "lacks the permission im:chat.members:read" in await house.told("members")
    house.company.sandbox.faults.add(ApiFault(path="/members", status=500, code=1, times=1))
    assert "Feishu gave no result" in await house.told("members")


# --- search ---------------------------------------------------------------------------------------------------


async def test_what_was_said_in_this_conversation(settle: Any) -> None:
    house = await settle()
    say, bob, group = house.world.say, house.bob, house.group
    await say(bob, group, "the BUDGET for  spring")
    gone = await say(bob, group, "a budget nobody should see")
    house.world.recall(gone)
    await say(bob, group, "the budget, again", msg_type="post", mentions=[house.company.alice])
    await say(bob, group, "something else")
    house.world.post(house.app, group, "text", {"text": "the budget, as the bot sees it"})
    await say(bob, house.world.direct_chat(bob, house.app), "my own budget")
    await house.ask("send-to-chat budget")
    said = await house.told("search budget THE")
    head, newest, oldest = said.split("\n")
    assert head.startswith("2 found in all ")
    assert newest.endswith(" Bob: @Alicethe budget, again")
    assert oldest.endswith(" Bob: the BUDGET for spring")
    datetime.fromisoformat(" ".join(oldest.split()[1:3]))  # a time
    assert "Nothing is found in all" in await house.told("search bud get nowhere")
    assert "Nothing is found in all" in await house.told("search 'was recalled'")
    assert " you: " in await house.told("search send-to-chat")  # one's own


async def test_a_topic_is_searched_by_itself(settle: Any) -> None:
    house = await settle()
    root = await house.world.say(house.bob, house.group, "plan A")
    in_topic = await house.world.say(house.bob, house.group, "plan B")
    house.world.post(house.bob, house.group, "text", {"text": "plan C"}, parent=root, in_thread=True)
    await house.ask("search plan", thread=root.thread_id)
    answer = await house.world.wait_for(lambda m: m.sender is house.app and m.thread_id == root.thread_id)
    said = plain(answer)
    assert ("plan A" in said, "plan B" in said, "plan C" in said) == (True, False, True)
    assert in_topic.thread_id is None


async def test_a_search_has_an_end(settle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_READ", 60)
    monkeypatch.setattr(searching, "MOST_FOUND", 3)
    house = await settle(rate_limit_per_minute=0)
    for n in range(100):
        house.world.post(house.bob, house.group, "text", {"text": "old" if n < 10 else f"word {n}"})
    said = (await house.told("search word")).split("\n")
    assert [line.split(": ")[1] for line in said[1:]] == ["word 99", "word 98", "word 97"]
    assert "Nothing is found in the last 60 messages." in await house.told("search old")


async def test_a_search_feishu_does_not_allow(settle: Any) -> None:
    house = await settle()
    house.app.scopes.discard("im:message.group_msg")
    assert "lacks the permission im:message.group_msg" in await house.told("search x")


async def test_a_search_feishu_does_not_answer(settle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "WITHIN", 0.2)
    house = await settle()
    house.company.sandbox.faults.add(ApiFault(method="GET", path="im/v1/messages$", delay=30, times=1))
    assert "too slowly" in await house.told("search x")


async def test_names_that_are_not_to_be_had_are_ids(settle: Any) -> None:
    house = await settle()
    await house.world.say(house.bob, house.group, "a secret")
    house.company.sandbox.faults.add(ApiFault(path="/members", status=500, code=1, times=1))
    assert f" {house.bob.open_id(house.app)}: a secret" in await house.told("search secret")


async def test_a_direct_chat_is_searched_too(company: Any) -> None:
    await company.told("whoami")
    assert " you: whoami" in await company.told("search whoami")
    assert "Say what to look for." in await company.told('search " "')


# --- send-to-chat ---------------------------------------------------------------------------------------------


async def test_a_text_to_another_chat_is_sent_as_it_was_approved(settle: Any) -> None:
    house = await settle("owner")
    there = house.world.add_group("There", [house.bob, house.app])
    text = '<at user_id=\\"all\\"></at> **hello**'.replace('\\"', "'")
    assert f"Sent to {there.chat_id}." in await house.approved(f'send-to-chat {there.chat_id} "{text}"')
    [sent] = house.world.messages_in(there)
    # In a `text` message Feishu would mention everybody.
    assert (sent.sender, sent.msg_type, plain(sent)) == (house.app, "post", text)
    assert "Send a text to another chat." in house.card


async def test_a_bound_connector_sends_nowhere_else(settle: Any) -> None:
    house = await settle("owner")
    there = house.world.add_group("There", [house.app])
    link = house.company.runtime._supervisor.get(house.app.app_id)
    link.spec = link.spec.model_copy(update={"allowed_chat_ids": (house.group.chat_id,)})
    said = await house.approved(f"send-to-chat {there.chat_id} hello")
    assert f"may not send to {there.chat_id} (allowed_chat_ids)" in said
    assert house.world.messages_in(there) == []


async def test_an_open_id_is_no_chat(settle: Any) -> None:
    """It would go round the chats a connector is bound to."""
    house = await settle("owner")
    said = await house.approved(f"send-to-chat {house.bob.open_id(house.app)} hello")
    assert "is no chat_id" in said


# --- in Chinese -----------------------------------------------------------------------------------------------


async def test_the_same_in_chinese(settle: Any, in_chinese: None) -> None:
    house = await settle("owner")
    offered = await house.told("help")
    assert "• now [zone] — 查看现在的时间\n" in offered
    assert "• send-to-chat <chat> <text> — 向另一个会话发送文字（需审批）" in offered
    assert "• zone (str): 时区，如 Asia/Shanghai" in await house.told("help now")
    assert f"• {house.name}: " in await house.told("connectors")
    assert " UTC+00:00 星期" in await house.told("now UTC")
    assert "没有时区 “x”" in await house.told("now x")
    assert await house.told("members") == "本群成员（2 人）：Alice、Bob"
    assert "中没有找到。" in await house.told("search nothing-like-it")
    assert "你: " in await house.told("search help")
