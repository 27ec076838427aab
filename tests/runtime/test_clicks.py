"""A click on a card goes to the matchers and is answered in time, whatever they do."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from nonebot import on_notice
from nonebot.matcher import Matcher

from feishu_sandbox import PushFault
from nonebot_plugin_feishu_ws import CardActionEvent

GO = {"tag": "button", "value": {"action": "go"}}


def card(text: str) -> dict[str, Any]:
    button = {
        "tag": "button",
        "text": {"tag": "plain_text", "content": "Go"},
        "behaviors": [{"type": "callback", "value": {"action": "go"}}],
    }
    return {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": text}, button]}}


@pytest.fixture
def on_click() -> Iterator[Any]:
    made: list[type[Matcher]] = []

    def register() -> type[Matcher]:
        matcher = on_notice(priority=1, block=True)
        made.append(matcher)
        return matcher

    yield register
    for matcher in made:
        matcher.destroy()


async def sent_card(company: Any) -> str:
    """The bot sends a card to its direct chat."""
    from nonebot import get_bot

    sent = await get_bot(company.app.app_id).client.send_message(
        company.direct.chat_id, "interactive", card("Ready?")
    )
    return sent.message_id


@pytest.mark.parametrize("frame", ["event", "card"])
async def test_toast_and_card_go_back_with_the_click(company, on_click, frame) -> None:
    click = on_click()

    @click.handle()
    async def answer(event: CardActionEvent) -> None:
        assert event.action.value == {"action": "go"}
        assert event.operator.open_id == company.alice.open_id(company.app)
        await event.respond(toast="Gone", toast_type="success", card=card("Gone."))

    message_id = await sent_card(company)
    company.sandbox.faults.add(PushFault(event_type="card.action.trigger", frame_type=frame, times=1))
    result = await company.sandbox.world.click(
        company.alice, message_id, {"tag": "button", "value": {"action": "go"}}
    )
    assert result.error is None
    assert result.toast == {"content": "Gone", "type": "success"}
    assert company.sandbox.world.messages[message_id].content == card("Gone.")
    await company.runtime.drained()
    assert {row.message_id for row in await company.logged("ws_routed")} == {message_id}


async def test_a_click_nobody_handles_is_answered_empty(company, on_click) -> None:
    message_id = await sent_card(company)
    result = await company.sandbox.world.click(company.alice, message_id, GO)
    assert (result.error, result.toast, result.card) == (None, None, None)


async def test_whose_click_makes_a_handler_fail_is_told(company, on_click) -> None:
    click = on_click()

    @click.handle()
    async def fail(event: CardActionEvent) -> None:
        raise RuntimeError("broken handler")

    result = await company.sandbox.world.click(company.alice, await sent_card(company), GO)
    assert result.error is None
    assert result.card is None
    assert result.toast == {
        "type": "error",
        "content": "That failed; please try again later.",
        "i18n": {"zh_cn": "操作失败，请稍后再试。", "en_us": "That failed; please try again later."},
    }
    await company.runtime.drained()
    (row,) = [row for row in await company.logged("ws_routed") if "matchers" in row.detail]
    assert (row.level, row.detail["matchers"][0]["error"]) == ("error", "RuntimeError")


async def test_an_answer_counts_more_than_a_failure_after_it(company, on_click) -> None:
    click = on_click()

    @click.handle()
    async def fail(event: CardActionEvent) -> None:
        await event.respond("It began")
        raise RuntimeError("broken handler")

    result = await company.sandbox.world.click(company.alice, await sent_card(company), GO)
    assert result.toast == {"type": "info", "content": "It began"}


async def test_failing_after_the_time_is_only_logged(company, on_click, monkeypatch) -> None:
    monkeypatch.setattr("nonebot_plugin_feishu_ws.runtime.dispatch.ANSWER_DEADLINE", 0.2)
    click, gate = on_click(), asyncio.Event()

    @click.handle()
    async def fail(event: CardActionEvent) -> None:
        await gate.wait()
        raise RuntimeError("broken handler")

    result = await company.sandbox.world.click(company.alice, await sent_card(company), GO)
    assert (result.error, result.toast, result.card) == (None, None, None)
    gate.set()
    await company.runtime.drained()
    assert any(row.level == "error" for row in await company.logged("ws_routed"))


async def test_a_slow_handler_updates_the_card_late(company, on_click) -> None:
    """The click is answered before Feishu's 3 s; the card follows by the click's own token."""
    click, gate = on_click(), asyncio.Event()

    @click.handle()
    async def answer(event: CardActionEvent) -> None:
        await gate.wait()
        assert await event.respond(card=card("Late.")) is False

    message_id = await sent_card(company)
    result = await company.sandbox.world.click(
        company.alice, message_id, {"tag": "button", "value": {"action": "go"}}
    )
    assert result.error is None
    gate.set()
    await company.sandbox.world.wait_for(
        lambda message: message.message_id == message_id and message.content == card("Late.")
    )


async def test_who_may_not_speak_may_not_click(connect, on_click) -> None:
    company = await connect(user_whitelist=["ou_somebody_else"])
    clicked = False
    click = on_click()

    @click.handle()
    async def answer(event: CardActionEvent) -> None:
        nonlocal clicked
        clicked = True

    message_id = await sent_card(company)
    result = await company.sandbox.world.click(
        company.alice, message_id, {"tag": "button", "value": {"action": "go"}}
    )
    assert (result.error, result.toast) == (None, None)
    (row,) = await company.logged("ws_filtered")
    assert row.detail["reason"] == "user_not_allowed"
    assert not clicked
