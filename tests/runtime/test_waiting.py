"""A handler that waits for the user's next message gets it, whatever else happens meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from nonebot import on_message, on_notice, require
from nonebot.adapters import Event
from nonebot.params import ArgPlainText
from reading import plain

from feishu_sandbox import Rules, Sandbox
from nonebot_plugin_feishu_ws import CardActionEvent

require("nonebot_plugin_waiter")
from nonebot_plugin_waiter import waiter


def says(*texts: str) -> Callable[[Event], Awaitable[bool]]:
    async def rule(event: Event) -> bool:
        return event.get_type() == "message" and event.get_plaintext() in texts

    return rule


@pytest.fixture
def with_waiter(matchers) -> asyncio.Event:
    """`name?` asks for a name with nonebot-plugin-waiter; set while it waits."""
    ask = on_message(priority=1, block=True, rule=says("name?"))
    matchers.append(ask)
    asking = asyncio.Event()

    @ask.handle()
    async def converse() -> None:
        @waiter(waits=["message"], keep_session=True)
        async def answer(event: Event) -> str:
            return event.get_plaintext()

        asking.set()
        name = await answer.wait(timeout=20)
        await ask.send(f"hello {name}")

    return asking


@pytest.fixture
def with_got(matchers) -> asyncio.Event:
    """The same with NoneBot's own `got`, which ends the first event and waits in a matcher of its own."""
    ask = on_message(priority=1, block=True, rule=says("name?"))
    matchers.append(ask)
    asking = asyncio.Event()

    @ask.handle()
    async def begin() -> None:
        asking.set()

    @ask.got("name", prompt="Your name?")
    async def greet(name: str = ArgPlainText()) -> None:
        await ask.finish(f"hello {name}")

    return asking


async def greeted(company: Any) -> None:
    await company.sandbox.world.wait_for(lambda message: plain(message) == "hello Alice", timeout=20)


@pytest.mark.parametrize("how", ["with_waiter", "with_got"])
async def test_the_next_message_of_the_chat_comes_to_who_waits_for_it(company, request, how) -> None:
    asking = request.getfixturevalue(how)
    asked = await company.ask("name?")
    await asyncio.wait_for(asking.wait(), 10)
    if how == "with_got":
        await company.answer(asked)
    await company.ask("Alice")
    await greeted(company)


@pytest.mark.parametrize("how", ["with_waiter", "with_got"])
async def test_others_may_talk_meanwhile(company, matchers, request, how) -> None:
    """Other people's messages, reactions and clicks in that chat are neither held up nor taken for the answer."""
    world = company.sandbox.world
    bob = world.add_user("Bob")
    group = world.add_group("Talk", [company.alice, bob, company.app])
    asking = request.getfixturevalue(how)
    heard: list[str] = []
    noise = on_message(priority=2, block=False)
    reaction = on_notice(priority=2, block=False)
    matchers += [noise, reaction]

    @noise.handle()
    async def hear(event: Event) -> None:
        heard.append(event.get_plaintext())

    @reaction.handle()
    async def see(event: Event) -> None:
        heard.append(event.get_event_name())

    asked = await company.ask("name?", group)
    await asyncio.wait_for(asking.wait(), 10)
    if how == "with_got":
        await company.answer(asked)
    for n in range(5):
        await world.say(bob, group, f"noise {n}")
    await world.react(bob, asked.message_id, "THUMBSUP")
    await company.until(lambda: len(heard) == 6)
    assert [text for text in heard if text.startswith("noise")] == [f"noise {n}" for n in range(5)]
    await company.ask("Alice", group)
    await greeted(company)


async def test_a_full_house_does_not_keep_out_what_a_handler_waits_for(
    connect, runtime, matchers, with_waiter, monkeypatch
) -> None:
    """The bound on events in hand is reached by others: their next ones are refused and pushed again, the answer is
    let in, clicks too, and afterwards everything is handled, once."""
    monkeypatch.setattr(runtime.room, "_limit", 2)
    monkeypatch.setattr(runtime.room, "_patience", 0.05)
    before = runtime.room.refused
    async with Sandbox(rules=Rules(push_again_after=(0.3,) * 100)) as sandbox:
        company = await connect(sandbox)
        world = sandbox.world
        holding, release = asyncio.Event(), asyncio.Event()
        done: list[str] = []
        hold = on_message(priority=1, block=True, rule=says("hold", "me too"))
        click = on_notice(priority=1, block=True)
        matchers += [hold, click]

        @hold.handle()
        async def keep(event: Event) -> None:
            holding.set()
            await release.wait()
            done.append(event.get_plaintext())

        @click.handle()
        async def answer(event: CardActionEvent) -> None:
            await event.respond(toast="here")

        link = runtime._supervisor.get(company.app.app_id)
        card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "?"}]}}
        sent = await link.client.send_message(company.direct.chat_id, "interactive", card)

        await company.ask("name?")
        await asyncio.wait_for(with_waiter.wait(), 10)
        await company.ask("hold", company.group)
        await asyncio.wait_for(holding.wait(), 10)
        assert (runtime.room.in_hand, runtime.room.free) == (2, 0)

        bob = world.add_user("Bob")
        stranger = await world.say(bob, world.direct_chat(bob, company.app), "me too")
        assert await company.acked(stranger) == 500
        assert runtime.room.refused > before
        result = await world.click(company.alice, sent.message_id, {"tag": "button", "value": {}})
        assert result.toast == {"content": "here", "type": "info"}

        await company.ask("Alice")
        await greeted(company)
        release.set()
        await company.until(lambda: sorted(done) == ["hold", "me too"])
        await runtime.drained()
        assert (runtime.room.in_hand, runtime.room.waiting) == (0, 0)
        await runtime.disconnect(company.app.app_id)
