"""The Butler in a chat: what it answers, what it leaves alone, and that it can be stopped."""

import asyncio
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from nonebot import on_command, on_message
from nonebot.adapters import Bot, Event
from nonebot.matcher import Matcher
from reading import plain

from feishu_sandbox import ApiFault
from nonebot_plugin_feishu_ws import butler


@pytest.fixture
def tool() -> Iterator[Any]:
    """Registers tools for one test."""
    before = {known.name for known in butler.tools}
    yield butler.tool
    for known in butler.tools:
        if known.name not in before:
            butler.tools.remove(known.name)


@pytest.fixture
def matchers() -> Iterator[list[type[Matcher]]]:
    made: list[type[Matcher]] = []
    yield made
    for matcher in made:
        matcher.destroy()


async def test_its_own_commands(company) -> None:
    said = await company.told("help")
    for command in ("I am Butler", "help", "status", "whoami", "stop"):
        assert command in said
    assert "State: connected" in await company.told("STATUS")
    ids = await company.told("/whoami")
    assert company.alice.open_id(company.app) in ids
    assert company.direct.chat_id in ids
    assert "Nothing is running" in await company.told("stop")
    assert "quote is never closed" in await company.told("help 'status")


async def test_an_unknown_command_gets_a_hint(company) -> None:
    said = await company.told("statsu")
    assert "no command “statsu”" in said
    assert "status" in said


async def test_a_tool_runs_with_checked_arguments(company, tool) -> None:
    @tool
    async def mix(color: Literal["red", "blue"], parts: int = 1) -> str:
        """Mix a color.

        Args:
            parts: how much of it
        """
        return f"{parts}x {color}"

    assert await company.told("mix red parts=3") == "3x red"
    wrong = await company.told("mix green many")
    assert "“green” is not valid for color: red | blue" in wrong
    assert "“many” is not valid for parts" in wrong
    assert "Usage: mix <color> [parts]" in wrong
    assert "mix <color> [parts] — Mix a color\n" in await company.told("help")
    assert "parts (int): how much of it" in await company.told("help mix")


async def test_a_failing_tool_says_so_without_details(company, tool, caplog) -> None:
    @tool
    async def explode() -> str:
        raise RuntimeError("the secret reason")

    said = await company.told("explode")
    assert "That failed" in said
    assert "secret" not in said
    reference = said.split("under ")[1].rstrip(".")
    assert reference
    assert await company.told("whoami")


async def test_a_tool_feishu_refuses_says_so_too(company, tool) -> None:
    """It is the tool that failed, not the delivery of an answer."""

    @tool
    async def look(turn: butler.Turn, how: str) -> str:
        if how == "client":
            await turn.bot.client.get_chat("oc_nowhere")
        await turn.bot.call_api("im/v1/chats/oc_nowhere", method="GET")
        return ""

    for how in ("client", "bot"):
        assert "That failed" in await company.told(f"look {how}")


async def test_text_goes_out_exactly_as_it_is(company, tool) -> None:
    text = 'line one\n<at user_id="all"></at> **not bold** \\ "quoted" {braces}\n  indented'

    @tool
    async def recite() -> str:
        return text

    assert await company.told("recite") == text


async def test_a_long_answer_is_split_and_a_very_long_one_is_a_file(company, tool) -> None:
    @tool
    async def count(to: int) -> str:
        return "\n".join(f"line {n}" for n in range(to))

    asked = await company.ask("count 1000")
    await company.sandbox.world.wait_for(
        lambda message: message.sender is company.app and "line 999" in str(message.content)
    )
    pieces = [plain(message) for message in company.replies() if message.parent_id == asked.message_id]
    assert len(pieces) == 3
    assert "\n".join(pieces) == "\n".join(f"line {n}" for n in range(1000))

    asked = await company.ask("count 20000")
    file = await company.sandbox.world.wait_for(
        lambda message: message.msg_type == "file" and message.parent_id == asked.message_id
    )
    stored = company.sandbox.world.resources[file.content["file_key"]]
    assert stored.data.decode() == "\n".join(f"line {n}" for n in range(20000))


async def test_stop_ends_what_runs_here_and_shows_that_it_works(company, tool) -> None:
    cancelled = asyncio.Event()

    @tool
    async def forever() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ""

    with company.sandbox.world.subscribe() as changes:
        asked = await company.ask("forever")
        async with asyncio.timeout(20):
            async for change in changes:
                if change.kind == "reaction_added":
                    break
    assert [reaction.emoji for reaction in asked.reactions] == ["Typing"]
    assert "Stopped (1)" in await company.told("stop")
    await asyncio.wait_for(cancelled.wait(), 5)
    await company.settled()
    assert asked.reactions == []


async def shown(company, message, emoji: str) -> None:
    """Wait until a message has this reaction."""
    await company.until(lambda: [reaction.emoji for reaction in message.reactions] == [emoji])


async def test_a_message_in_line_shows_it_until_its_turn(company, tool) -> None:
    gates = {name: asyncio.Event() for name in ("one", "two")}

    @tool
    async def hold(name: str) -> str:
        await gates[name].wait()
        return f"{name} is done"

    first, second = await company.ask("hold one"), await company.ask("hold two")
    await shown(company, first, "Typing")
    await shown(company, second, "OneSecond")
    gates["one"].set()
    await company.answer(first)
    await shown(company, second, "Typing")
    gates["two"].set()
    assert plain(await company.answer(second)) == "two is done"
    await company.until(lambda: not first.reactions and not second.reactions)


async def test_stop_ends_those_in_line_too(company, tool) -> None:
    begun: list[int] = []

    @tool
    async def wait(n: int) -> str:
        begun.append(n)
        await asyncio.Event().wait()
        return ""

    asked = [await company.ask(f"wait {n}") for n in range(3)]
    await shown(company, asked[0], "Typing")
    for message in asked[1:]:
        await shown(company, message, "OneSecond")
    assert "Stopped (3)" in await company.told("stop")
    await company.until(lambda: not any(message.reactions for message in asked))
    assert begun == [0]


@pytest.mark.parametrize("fault", [{"code": 231019}, {"delay": 30.0}], ids=["refused", "slow"])
async def test_answers_do_not_wait_for_reactions(company, tool, fault) -> None:
    struck = company.sandbox.faults.add(ApiFault(path=".*/reactions", app_id=company.app.app_id, **fault))
    gate = asyncio.Event()

    @tool
    async def hold() -> str:
        await gate.wait()
        return "done"

    asked = [await company.ask("hold") for _ in range(2)]
    await company.until(lambda: struck.struck >= 2)
    gate.set()
    async with asyncio.timeout(20):
        assert [plain(await company.answer(message)) for message in asked] == ["done", "done"]
    company.sandbox.faults.remove(struck)


async def test_turns_of_one_chat_run_one_after_another(company, tool) -> None:
    running, most, gate = 0, 0, asyncio.Event()

    @tool
    async def step(n: int) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1
        return f"step {n}"

    asked = [await company.ask(f"step {n}") for n in range(3)]
    gate.set()
    answers = [await company.answer(message) for message in asked]
    assert most == 1
    assert [message.create_time for message in answers] == sorted(message.create_time for message in answers)


async def test_what_is_only_shown_gets_a_sentence(company) -> None:
    for kind in ("image", "file"):
        assert "I can only read text" in await company.told("", msg_type=kind)
    first = await company.ask("help")
    forwarded = await company.sandbox.world.forward(company.alice, company.direct, [first])
    assert "I can only read text" in plain(await company.answer(forwarded))
    nodes = [{"tag": "at", "user_id": "@_user_1"}, {"tag": "img", "image_key": "img_1"}]
    post = {"title": "", "content": [nodes]}
    where = {"chat": company.group, "msg_type": "post", "content": post, "mentions": [company.app]}
    assert "I can only read text" in await company.told("", **where)


async def test_what_people_show_each_other_gets_none(connect) -> None:
    company = await connect(mention_required=False)
    asked = [
        await company.ask("", company.group, msg_type="image"),
        await company.ask("", msg_type="sticker"),
    ]
    await company.told("whoami", company.group)
    await company.settled()
    assert [row.detail["reason"] for row in await company.logged("ws_filtered")] == ["empty_text"] * 2
    assert all(message.parent_id not in {one.message_id for one in asked} for message in company.replies())


async def test_a_picture_another_plugin_has_seen_is_left_to_it(company, matchers) -> None:
    seen: list[str] = []
    album = on_message(priority=1, block=False)
    matchers.append(album)

    @album.handle()
    async def keep(event: Event) -> None:
        seen.append(event.get_message()[0].type)

    picture = await company.ask("", msg_type="image")
    await company.settled()
    assert seen[0] == "image"
    assert all(message.parent_id != picture.message_id for message in company.replies())


async def test_other_plugins_commands_are_theirs(company, matchers) -> None:
    """A command somebody else has answered gets no "unknown command" from the Butler, blocking or not."""
    weather = on_command("weather", priority=5, block=False)
    matchers.append(weather)

    @weather.handle()
    async def answer(bot: Bot) -> None:
        await weather.send("sunny")

    asked = await company.ask("/weather")
    assert "sunny" in str((await company.answer(asked)).content)
    await company.settled()
    assert len([message for message in company.replies() if message.parent_id == asked.message_id]) == 1


async def test_a_plugin_that_only_listens_does_not_silence_it(company, matchers) -> None:
    recorder = on_message(priority=1, block=False)
    matchers.append(recorder)
    heard: list[str] = []

    @recorder.handle()
    async def record(event: Event) -> None:
        heard.append(event.get_plaintext())

    assert "no command “hlp”" in await company.told("hlp")
    assert heard == ["hlp"]


async def test_a_blocking_plugin_keeps_a_message_from_it(company, matchers) -> None:
    guard = on_message(priority=1, block=True, rule=lambda event: event.get_plaintext() == "help")
    matchers.append(guard)
    done = asyncio.Event()

    @guard.handle()
    async def swallow() -> None:
        done.set()

    asked = await company.ask("help")
    await asyncio.wait_for(done.wait(), 5)
    await company.settled()
    assert all(message.parent_id != asked.message_id for message in company.replies())


async def test_quick_messages_are_answered_in_the_order_they_came(company, tool) -> None:
    @tool
    async def number(n: int) -> str:
        return f"number {n}"

    asked = [await company.ask(f"number {n}" if n % 2 else "whoami") for n in range(4)]
    answers = [await company.answer(message) for message in asked]
    order = [message.parent_id for message in company.replies()]
    assert order == [message.message_id for message in asked]
    assert [plain(answers[n]) for n in (1, 3)] == ["number 1", "number 3"]


async def test_a_dialogue_of_another_plugin_does_not_hold_up_the_butler(company, matchers) -> None:
    """A plugin that waits for a later message gives up its message's place in the conversation."""
    begun, end = asyncio.Event(), asyncio.Event()

    async def begins(event: Event) -> bool:
        return event.get_plaintext() == "begin"

    dialogue = on_message(priority=1, block=True, rule=begins)
    matchers.append(dialogue)

    @dialogue.handle()
    async def wait() -> None:
        begun.set()
        await end.wait()

    await company.ask("begin")
    await asyncio.wait_for(begun.wait(), 5)
    assert "State: connected" in await company.told("status")
    end.set()


async def test_a_brain_of_ones_own(company) -> None:
    class Parrot:
        async def answer(self, turn: butler.Turn) -> None:
            await turn.say(f"{turn.text}!")

    butler.use(Parrot())
    try:
        assert await company.told("help") == "help!"
    finally:
        butler.use(None)
    assert "I am Butler" in await company.told("help")


async def test_a_full_chat_is_waited_for(company) -> None:
    """Feishu takes five messages a second into a chat: the sixth answer comes a little later, and once."""
    asked = [await company.ask("whoami") for _ in range(8)]
    for message in asked:
        await company.answer(message)
    assert [message.parent_id for message in company.replies()] == [message.message_id for message in asked]
