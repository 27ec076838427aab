"""A model that answers in a chat, through the runtime and the local Feishu; the model itself is a script."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from office import Office, Open, calls, says
from pydantic_ai import ModelMessage
from pydantic_ai.exceptions import ModelHTTPError
from reading import read, values

from nonebot_plugin_feishu_ws.butler.history import Histories
from nonebot_plugin_feishu_ws.config import ButlerLimits
from nonebot_plugin_feishu_ws.storage import ApprovalRow


async def test_an_answer_grows_on_a_card_and_is_remembered(open_office: Open) -> None:
    go = asyncio.Event()

    async def slowly(_: list[ModelMessage]) -> AsyncIterator[Any]:
        yield "The sky "
        await go.wait()
        yield "is **blue**."

    office = await open_office(slowly, says("I said blue."))
    asked = await office.ask("what colour?")
    half = await office.reply(asked, "The sky")
    assert "blue" not in read(half)
    assert any(value["action"] == "feishu_stop" for value in values(half))
    go.set()
    card = await office.ended(asked, "The sky is **blue**.")
    assert card.message_id == half.message_id
    again = await office.ask("what did you say?")
    await office.ended(again, "I said blue.")
    assert "what colour?" in office.seen[1]
    assert "is **blue**." in office.seen[1]
    assert "Butler" in office.seen[0]


async def test_a_tool_is_called_with_checked_arguments(open_office: Open, ran: list[str]) -> None:
    office = await open_office(
        calls(("look", {"where": 3, "how": "far"}), text="Let me see. "),
        calls(("look", {"where": "outside"})),
        says("Sunny!"),
    )
    asked = await office.ask("weather?")
    card = await office.ended(asked, "Sunny!")
    assert ran == ["look outside"]
    assert "there is no argument how" in office.seen[1]
    assert "it is sunny outside" in office.seen[2]
    assert "Called look" in read(card)


async def test_approved_by_another_it_goes_on(open_office: Open, ran: list[str]) -> None:
    """faults.md 39: asked, suspended, approved by a click, run once; the model goes on with the result."""
    office = await open_office(
        calls(("look", {}), ("deploy", {"service": "web", "replicas": 2}), text="I will deploy."),
        says("It runs twice."),
        says("Yes."),
    )
    asked = await office.ask("deploy web twice")
    card = await office.approval(asked)
    assert '{"replicas":2,"service":"web"}' in read(card)
    assert "Reason, as the bot puts it: I will deploy." in read(card)
    await office.ended(asked, "deploy: waiting for approval")
    assert ran == ["look here"]

    await office.decide(card)
    await office.ended(asked, "It runs twice.")
    assert ran == ["look here", "deploy web 2"]
    assert "web runs 2 times" in office.seen[1]
    assert "it is sunny here" in office.seen[1]

    again = await office.ask("sure?")
    await office.ended(again, "Yes.")
    assert "It runs twice." in office.seen[2]


async def test_denied_the_model_hears_of_it(open_office: Open, ran: list[str]) -> None:
    office = await open_office(calls(("deploy", {"service": "web"})), says("Then not."))
    asked = await office.ask("deploy web")
    await office.decide(await office.approval(asked), approved=False)
    await office.ended(asked, "Then not.")
    assert ran == []
    assert "Denied" in office.seen[1]


async def test_others_may_speak_while_it_waits(open_office: Open, ran: list[str]) -> None:
    """A new question while a call is open is answered; the open one is told of as waiting."""
    office = await open_office(
        calls(("deploy", {"service": "web"})), says("It waits."), says("It runs."), says("All is known.")
    )
    asked = await office.ask("deploy web")
    card = await office.approval(asked)
    await office.ended(asked, "waiting for approval")
    other = await office.ask("and now?")
    await office.ended(other, "It waits.")
    assert "it waits for a person's approval" in office.seen[1]
    await office.decide(card)
    await office.ended(asked, "It runs.")
    assert ran == ["deploy web 1"]
    last = await office.ask("what do you know?")
    await office.ended(last, "All is known.")
    assert "It waits." in office.seen[3]
    assert "It runs." in office.seen[3]


@pytest.mark.parametrize("how", ["word", "button"])
async def test_stop(open_office: Open, how: str) -> None:
    never = asyncio.Event()

    async def forever(_: list[ModelMessage]) -> AsyncIterator[Any]:
        yield "Once upon a time"
        await never.wait()

    office = await open_office(forever, says("Hello."))
    asked = await office.ask("tell me a story")
    card = await office.reply(asked, "Once upon")
    if how == "word":
        await office.reply(await office.ask("stop"), "Stopped (1)")
    else:
        stop = next(value for value in values(card) if value["action"] == "feishu_stop")
        elsewhere = await office.company.ask("x", office.company.direct)
        assert office.brain.stop(office.company.app.app_id, "oc_other", stop["turn"]) is False
        assert elsewhere.chat is not card.chat
        result = await office.click(office.bob, card, stop)
        assert result.toast["content"] == "Stopping"
    ended = await office.ended(asked, "Once upon a time")
    assert "Stopped" in read(ended)


async def test_new_starts_afresh(open_office: Open) -> None:
    office = await open_office(says("Noted."), says("Nothing."))
    await office.ended(await office.ask("the word is xyzzy"), "Noted.")
    await office.reply(await office.ask("new"), "We start afresh")
    await office.ended(await office.ask("what is the word?"), "Nothing.")
    assert "xyzzy" not in office.seen[1]


async def test_a_person_has_a_share_of_the_day(open_office: Open) -> None:
    office = await open_office(says("One."), says("For Bob."), limits=ButlerLimits(daily_turns=1))
    await office.ended(await office.ask("hello"), "One.")
    await office.reply(await office.ask("hello again"), "You have used up what you may use today")
    await office.ended(await office.ask("hello", office.bob), "For Bob.")


async def test_what_one_answer_may_use_is_bounded(open_office: Open, ran: list[str]) -> None:
    """faults.md, prompt injection: limits of calls, requests and time."""
    office = await open_office(
        *[calls(("look", {})) for _ in range(9)], limits=ButlerLimits(tool_calls=2, requests=5)
    )
    await office.ended(await office.ask("loop"), "has used up what it may use")
    assert ran == ["look here"] * 2
    office.script[:] = [calls(("nothing-like-that", {})) for _ in range(9)]
    asked = await office.ask("loop on")
    await office.ended(asked, "cannot be used")


async def test_a_long_conversation_is_summed_up(open_office: Open, runtime: Any) -> None:
    """Behind the answer; the next question is asked with the summary and the newest messages."""
    office = await open_office(
        says("First."),
        says("Second, " + "x" * 1500),
        says("They counted."),
        says("Three."),
        says("Four."),
        long=3000,
    )
    await office.ended(await office.ask("the word is xyzzy " + "y" * 600), "First.")
    await office.ended(await office.ask("and then?"), "Second")
    await _summed_up(office, runtime, "They counted.")
    assert "xyzzy" in office.seen[2]
    await office.ended(await office.ask("and now?"), "Three.")
    assert "in short] They counted." in office.seen[3]
    assert "xyzzy" not in office.seen[3]
    await office.ended(await office.ask("and then?"), "Four.")
    assert "in short] They counted." in office.seen[4]
    assert "Three." in office.seen[4]


async def test_what_cannot_be_summed_up_stays(open_office: Open, runtime: Any) -> None:
    """A failure of that keeps nobody waiting, and loses nothing; it is tried again behind the next answer."""

    async def fails(_: list[ModelMessage]) -> AsyncIterator[Any]:
        raise ModelHTTPError(500, "m")
        yield ""

    office = await open_office(
        says("First."), fails, says("Second."), says("They counted."), says("Third."), long=1500
    )
    await office.ended(await office.ask("the word is xyzzy " + "y" * 1500), "First.")
    await office.company.until(lambda: len(office.script) == 3)
    await office.ended(await office.ask("and then?"), "Second.")
    assert "xyzzy" in office.seen[2]
    await _summed_up(office, runtime, "They counted.")
    await office.ended(await office.ask("and now?"), "Third.")


async def _summed_up(office: Office, runtime: Any, summary: str) -> None:
    conversation = office.company.app.app_id, office.group.chat_id, None
    histories = Histories(runtime.management.database)
    async with asyncio.timeout(20):
        while (await histories.load(conversation)).summary != summary:  # noqa: ASYNC110 - nobody signals it
            await asyncio.sleep(0)


async def test_a_stopped_answer_is_not_taken_up_again(open_office: Open, ran: list[str]) -> None:
    """`stop` holds for what goes on after an approval, too."""
    never = asyncio.Event()

    async def forever(_: list[ModelMessage]) -> AsyncIterator[Any]:
        yield "It is"
        await never.wait()

    office = await open_office(calls(("deploy", {"service": "web"})), forever, says("Hello."))
    asked = await office.ask("deploy web")
    await office.decide(await office.approval(asked))
    await office.reply(asked, "It is")
    await office.reply(await office.ask("stop"), "Stopped (1)")
    assert "Stopped" in read(await office.ended(asked, "It is"))
    await office.ended(await office.ask("hello"), "Hello.")
    run = await office.brain.runs.get(office.company.app.app_id, office.company.event_of(asked))
    assert run is not None
    assert run.state == "done"
    assert ran == ["deploy web 1"]


@pytest.mark.parametrize("when", ["at once", "after an approval"])
async def test_a_defect_is_said(open_office: Open, ran: list[str], when: str) -> None:
    """No card is left as if it went on, and whoever asked gets a reference into the log."""

    async def broken(_: list[ModelMessage]) -> AsyncIterator[Any]:
        yield "Well, "
        raise RuntimeError("a defect")

    later = when != "at once"
    office = await open_office(*([calls(("deploy", {"service": "web"}))] if later else []), broken)
    asked = await office.ask("deploy web")
    if later:
        await office.decide(await office.approval(asked))
    await office.ended(asked, "Well,")
    said = await office.reply(asked, "That failed. An administrator finds the reason")
    assert "defect" not in read(said)


async def test_what_another_plugin_took_is_left_to_it(open_office: Open) -> None:
    office = await open_office(says("I heard you."))
    office.brain._others = lambda turn: turn.text.startswith("/")
    asked = await office.ask("/weather")
    await office.ended(await office.ask("weather"), "I heard you.")
    assert office.answers(asked) == []


async def test_an_answer_is_given_once(open_office: Open) -> None:
    """The same event handled again says nothing, and asks no model."""
    office = await open_office(says("Once."))
    asked = await office.ask("hello")
    await office.ended(asked, "Once.")
    app = office.company.app.app_id
    event = office.company.event_of(asked)
    await office.company.until(lambda: (app, office.group.chat_id, event) not in office.brain._running)
    runtime = office.company.runtime
    [bot] = [bot for _, bot in runtime._bots if bot.self_id == app]
    turn = await runtime._approvals._seats()[app].turn(
        ApprovalRow.model_construct(connector=app, event_id=event, id="again"),
        await office.brain.runs.origin(await office.brain.runs.get(app, event)),
    )
    assert turn.bot is bot
    await office.brain.answer(turn)
    assert len(office.answers(asked)) == 1
    assert office.seen[1:] == []


async def test_tokens_are_counted_for_the_message_and_the_day(open_office: Open) -> None:
    office = await open_office(
        says("word " * 1100), says("word " * 3000), limits=ButlerLimits(tokens=2000, daily_tokens=1000)
    )
    await office.ended(await office.ask("hello"), "word word")
    await office.reply(await office.ask("hello again"), "You have used up what you may use today")
    await office.ended(await office.ask("hello", office.bob), "has used up what it may use")
