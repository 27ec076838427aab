"""Clicks: typed, and answered in time or by the other way."""

import asyncio
from collections.abc import Callable
from typing import Any

import nonebot
import pytest
from nonebot.adapters import feishu as stock

from nonebot_plugin_feishu_ws.adapter import ActionFailed, Bot, CardActionEvent, Toast, parse_event

Build = Callable[..., Any]
CARD = {"schema": "2.0", "body": {"elements": []}}
SOON = 0.05


@pytest.fixture
def click(payload: Build, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CardActionEvent]:
    monkeypatch.setattr(CardActionEvent, "ack_grace", 0.0)

    def build(name: str = "button") -> CardActionEvent:
        event = parse_event(payload(f"cards/{name}"), app_id="cli_x")
        assert isinstance(event, CardActionEvent)
        return event

    return build


def test_a_button(click: Build) -> None:
    event = click()
    assert event.get_type() == "notice"
    assert event.get_event_name() == "card.action.trigger"
    assert isinstance(event, stock.NoticeEvent)
    assert event.operator.open_id == event.get_user_id() == "ou_3c14f3a59eaf2825dbe25359f15768"
    assert (event.operator.union_id, event.operator.user_id) == ("on_574ddfee0d0f8e6", "867eg8gc")
    assert event.action.value == {"key": "value"}
    assert (event.action.tag, event.action.name, event.action.timezone) == (
        "button",
        "Button_lvkepfu3",
        "Asia/Shanghai",
    )
    assert event.message_id == event.event.context.open_message_id == "om_574d639e4a44e4dd646eaf628e2"
    assert event.chat_id == event.event.context.open_chat_id == "oc_e4d2605ca917e695f54f11aaf56"
    assert event.event.host == "im_message"
    assert event.event.token == "c-295ee57216a5dc9de90fefd0aadb4b1d7d"


def test_what_was_entered(click: Build) -> None:
    assert click("form").action.form_value == {"reason": "因为", "days": ["1", "2"]}
    assert click("form").action.value is None
    assert (click("input").action.input_value, click("input").action.value) == ("hello", "as text")
    assert (click("select").action.options, click("select").action.option) == (["a", "b"], None)
    assert click("checker").action.checked is True


def test_the_old_shapes_read_like_the_new_one(click: Build) -> None:
    flat = click("flat")
    assert (flat.get_user_id(), flat.operator.user_id, flat.operator.tenant_key) == (
        "ou_sdfimx9948345",
        "eu_sd923r0sdf5",
        "d32004232",
    )
    assert (flat.message_id, flat.chat_id, flat.action.value) == (
        "om_abcdefg1234567890",
        "oc_1",
        {"key": "value"},
    )
    assert flat.app_id == "cli_x"
    assert flat.event_id.startswith("card-")
    assert "c-xxxxx" not in flat.event_id
    assert flat.event_id == click("flat").event_id
    assert click("header_v1").action.option == "3"
    assert click("header_v1").get_event_name() == "card.action.trigger"
    nothing = click("nulls")
    assert (nothing.message_id, nothing.chat_id, nothing.get_user_id()) == (None, None, "")


# --- in time ---


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("done",), {"toast": {"type": "info", "content": "done"}}),
        (("no", "error"), {"toast": {"type": "error", "content": "no"}}),
        (
            (Toast(content="x", type="success", i18n={"en_us": "X"}),),
            {"toast": {"type": "success", "content": "x", "i18n": {"en_us": "X"}}},
        ),
        ((None, "info", CARD), {"card": {"type": "raw", "data": CARD}}),
        ((None, "info", {"type": "raw", "data": CARD}), {"card": {"type": "raw", "data": CARD}}),
        (
            ("ok", "info", {"type": "template", "data": {"template_id": "A"}}),
            {
                "toast": {"type": "info", "content": "ok"},
                "card": {"type": "template", "data": {"template_id": "A"}},
            },
        ),
        ((), {}),
    ],
)
async def test_the_answer(arguments: tuple[Any, ...], expected: dict[str, Any], click: Build) -> None:
    event = click()
    waiting = asyncio.create_task(event.answer())
    assert await event.respond(*arguments) is True
    assert await waiting == expected


async def test_the_old_callback_takes_the_card_itself(click: Build) -> None:
    event = click("flat")
    await event.respond("dropped", card={"type": "raw", "data": CARD})
    assert await event.answer() == CARD
    event = click("flat")
    await event.respond("toast")
    assert await event.answer() == {"toast": {"type": "info", "content": "toast"}}


async def test_an_answer_before_anyone_waits_counts(click: Build) -> None:
    event = click()
    await event.respond("early")
    assert (await event.answer())["toast"]["content"] == "early"


async def test_nobody_answers_in_time(click: Build) -> None:
    assert await click().answer(SOON) == {}


async def test_the_bot_ends_the_waiting_when_all_handlers_are_done(click: Build, bot: Bot) -> None:
    event = click()
    waiting = asyncio.create_task(event.answer(30))
    await bot.handle_event(event)
    assert await asyncio.wait_for(waiting, 5) == {}


async def test_a_matcher_answers(click: Build, bot: Bot, matchers: Build) -> None:
    matcher = matchers(nonebot.on_notice())

    @matcher.handle()
    async def _(event: CardActionEvent) -> None:
        await event.respond(f"hello {event.action.value['key']}")

    event = click()
    _, answer = await asyncio.gather(bot.handle_event(event), event.answer(30))
    assert answer == {"toast": {"type": "info", "content": "hello value"}}


async def test_a_handler_that_fails_leaves_an_empty_answer(click: Build, bot: Bot, matchers: Build) -> None:
    matcher = matchers(nonebot.on_notice())

    @matcher.handle()
    async def _(event: CardActionEvent) -> None:
        raise RuntimeError("handler")

    event = click()
    _, answer = await asyncio.gather(bot.handle_event(event), event.answer(30))
    assert answer == {}


async def test_a_wait_that_is_cancelled_is_over(click: Build, bot: Bot) -> None:
    event = click()
    event.bind(bot.client)
    waiting = asyncio.create_task(event.answer(30))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert await event.respond("x") is False


# --- late ---


@pytest.fixture
async def late(click: Build, bot: Bot) -> CardActionEvent:
    event = click()
    event.bind(bot.client)
    assert await event.answer(0) == {}
    return event


async def test_a_late_card_goes_out_by_the_token(late: CardActionEvent, platform: Any) -> None:
    assert await late.respond("dropped", card={"type": "raw", "data": CARD}) is False
    [call] = platform.calls
    assert (call.method, call.path) == ("POST", "interactive/v1/card/update")
    assert call.body == {"token": "c-295ee57216a5dc9de90fefd0aadb4b1d7d", "card": CARD}


async def test_a_late_toast_alone_calls_nobody(late: CardActionEvent, platform: Any) -> None:
    assert await late.respond("dropped") is False
    assert not platform.calls


async def test_the_token_serves_twice_then_the_message_is_patched(
    late: CardActionEvent, platform: Any
) -> None:
    for _ in range(3):
        await late.respond(card=CARD)
    assert platform.paths == [
        "POST interactive/v1/card/update",
        "POST interactive/v1/card/update",
        "PATCH im/v1/messages/om_574d639e4a44e4dd646eaf628e2",
    ]


async def test_a_refused_token_is_not_the_end(late: CardActionEvent, platform: Any) -> None:
    platform.refuse("interactive/v1/card/update", 300010)
    await late.respond(card=CARD)
    assert platform.paths[1:] == ["PATCH im/v1/messages/om_574d639e4a44e4dd646eaf628e2"]


async def test_when_both_ways_fail_the_handler_hears_it(late: CardActionEvent, platform: Any) -> None:
    platform.refuse("interactive/v1/card/update", 300010)
    platform.refuse("im/v1/messages/om_574d639e4a44e4dd646eaf628e2", 230031, "too old")
    with pytest.raises(ActionFailed, match="too old"):
        await late.respond(card=CARD)


async def test_a_second_answer_waits_until_the_first_is_on_its_way(
    click: Build, bot: Bot, platform: Any
) -> None:
    event = click()
    event.bind(bot.client)
    assert await event.respond("first") is True
    second = asyncio.create_task(event.respond(card=CARD))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(platform.arrived.wait(), 0.2)
    assert (await event.answer())["toast"]["content"] == "first"
    assert await asyncio.wait_for(second, 5) is False
    assert platform.paths == ["POST interactive/v1/card/update"]


async def test_a_handler_that_is_too_slow_updates_the_card(
    click: Build, bot: Bot, matchers: Build, platform: Any
) -> None:
    matcher = matchers(nonebot.on_notice())
    go_on = asyncio.Event()

    @matcher.handle()
    async def _(event: CardActionEvent) -> None:
        await go_on.wait()
        await event.respond("too late", card=CARD)

    event = click()
    handling = asyncio.create_task(bot.handle_event(event))
    assert await event.answer(SOON) == {}
    go_on.set()
    await asyncio.wait_for(handling, 5)
    assert platform.paths == ["POST interactive/v1/card/update"]


async def test_without_a_bot_there_is_no_way_for_a_late_answer(click: Build) -> None:
    event = click()
    await event.answer(0)
    with pytest.raises(RuntimeError, match="not dispatched"):
        await event.respond(card=CARD)


# --- by the message, too ---

PATCH = "PATCH im/v1/messages/om_574d639e4a44e4dd646eaf628e2"


def titled(title: str) -> dict[str, Any]:
    return {"schema": "2.0", "header": {"title": title}, "body": {"elements": []}}


async def handled(event: CardActionEvent, bot: Bot, *answers: dict[str, Any]) -> dict[str, Any]:
    """The callback's answer to a click whose handler responds with these cards, one after another."""
    event.bind(bot.client)

    async def handlers() -> None:
        async with event.handled():
            for card in answers:
                await event.respond(card=card)

    answer, _ = await asyncio.gather(event.answer(), handlers())
    return answer


async def test_a_card_in_time_is_shown_by_its_message_too(click: Build, bot: Bot, platform: Any) -> None:
    answer = await handled(click(), bot, {"type": "raw", "data": CARD})
    assert answer == {"card": {"type": "raw", "data": CARD}}
    assert platform.paths == [PATCH]
    assert platform.calls[0].body == {"content": '{"schema":"2.0","body":{"elements":[]}}'}


async def test_the_message_is_updated_after_the_answer(click: Build, bot: Bot, platform: Any) -> None:
    event = click()
    event.bind(bot.client)
    updating = asyncio.create_task(event.update(CARD))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(platform.arrived.wait(), 0.2)
    assert await event.answer() == {"card": {"type": "raw", "data": CARD}}
    await asyncio.wait_for(updating, 5)  # and `update` returns when the message shows the card
    assert platform.paths == [PATCH]


async def test_update_waits_for_the_message(click: Build, bot: Bot, platform: Any) -> None:
    platform.gate = asyncio.Event()
    event = click()
    event.bind(bot.client)
    updating = asyncio.create_task(event.update(CARD))
    await event.answer()
    await asyncio.wait_for(platform.arrived.wait(), 5)
    assert not updating.done()
    platform.gate.set()
    await asyncio.wait_for(updating, 5)


async def test_of_several_cards_the_last_one_stays(click: Build, bot: Bot, platform: Any) -> None:
    answer = await handled(click(), bot, titled("one"), titled("two"))
    assert answer["card"]["data"] == titled("one")
    assert platform.paths == ["POST interactive/v1/card/update"]
    assert platform.calls[0].body["card"] == titled("two")


async def test_a_message_that_cannot_be_updated_is_no_failure_of_an_answer_in_time(
    click: Build, bot: Bot, platform: Any
) -> None:
    platform.refuse("im/v1/messages/om_574d639e4a44e4dd646eaf628e2", 230031, "too old")
    assert "card" in await handled(click(), bot, CARD)
    assert platform.paths == [PATCH]


async def test_two_clicks_on_one_message_leave_the_card_of_the_second(
    click: Build, bot: Bot, platform: Any
) -> None:
    """However long Feishu takes for the first one's update."""
    platform.gate = asyncio.Event()
    first, second = click(), click()
    for event in (first, second):
        await bot.prepare(event)
    one = asyncio.create_task(first.update(titled("first")))
    await first.answer()
    await asyncio.wait_for(platform.arrived.wait(), 5)
    platform.arrived.clear()
    two = asyncio.create_task(second.update(titled("second")))
    await second.answer()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(platform.arrived.wait(), 0.2)
    platform.gate.set()
    await asyncio.wait_for(asyncio.gather(one, two), 5)
    assert [call.body["content"].count("second") for call in platform.calls] == [0, 1]


async def test_an_update_not_begun_is_left_out_once_another_click_has_shown_a_card(
    click: Build, bot: Bot, platform: Any
) -> None:
    """Else who has clicked twice would see the first card come back, under the mouse."""
    first, second = click(), click()
    for event in (first, second):
        await bot.prepare(event)
    one = asyncio.create_task(first.update(titled("first")))
    await asyncio.sleep(0)
    assert not first.superseded
    two = asyncio.create_task(second.update(titled("second")))
    await asyncio.sleep(0)
    assert first.superseded
    assert not second.superseded
    await asyncio.gather(first.answer(), second.answer())
    await asyncio.wait_for(asyncio.gather(one, two), 5)
    assert [call.body["content"].count("second") for call in platform.calls] == [1]


async def test_an_answer_waits_a_moment_for_an_update_on_its_way(
    click: Build, bot: Bot, platform: Any
) -> None:
    platform.gate = asyncio.Event()
    first, second, third = click(), click(), click()
    for event in (first, second, third):
        await bot.prepare(event)
    updating = asyncio.create_task(first.update(titled("first")))
    await first.answer()
    await asyncio.wait_for(platform.arrived.wait(), 5)
    assert await third.respond("Only a toast") is True
    assert "toast" in await asyncio.wait_for(third.answer(), 0.2)  # it changes no card
    await second.respond(card=titled("second"), follow=False)
    answering = asyncio.create_task(second.answer())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(answering), 0.1)
    platform.gate.set()
    assert (await asyncio.wait_for(answering, 5))["card"]["data"] == titled("second")
    await updating


async def test_a_card_that_streams_is_written_by_its_writer_only(
    click: Build, bot: Bot, platform: Any
) -> None:
    """Feishu does not show what a click answers while a card streams, nor take a PATCH."""
    written: list[Any] = []

    async def write(card: Any) -> None:
        written.append(card)

    event = click()
    bot.live_cards[event.message_id or ""] = write
    await bot.prepare(event)
    updating = asyncio.create_task(event.respond("Stopped", card=titled("one")))
    assert await event.answer() == {"toast": {"type": "info", "content": "Stopped"}}
    await updating
    await event.update(titled("two"))
    assert written[-1] == titled("two")
    assert not platform.calls
    bot.live_cards.clear()  # it has ended meanwhile
    await event.update(titled("three"))
    assert platform.paths == ["POST interactive/v1/card/update"]


async def test_when_nobody_has_answered_the_last_word_is_said(click: Build, bot: Bot) -> None:
    for responds in (True, False):
        event = click()
        event.otherwise(lambda: Toast(content="sorry", type="error"))
        async with event.handled():
            if responds:
                await event.respond("fine")
        assert (await event.answer())["toast"]["content"] == ("fine" if responds else "sorry")
    event = click()
    event.otherwise(lambda: Toast(content="sorry", type="error"))
    assert await event.answer(0) == {}  # too late to know


async def test_what_is_cancelled_leaves_nothing_behind(click: Build, bot: Bot, platform: Any) -> None:
    event = click()
    event.bind(bot.client)
    running = asyncio.Event()

    async def handlers() -> None:
        async with event.handled():
            await event.respond(card=CARD)
            running.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(handlers())
    await running.wait()
    task.cancel()
    await asyncio.wait({task})
    with pytest.raises(asyncio.CancelledError):
        await event.answering._following  # pyright: ignore[reportGeneralTypeIssues]
    assert not platform.calls
