"""`on_card_action` and what its handlers can ask for, by clicks in a real chat."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import nonebot
import pytest
from nonebot.matcher import Matcher
from nonebot.permission import Permission
from pydantic import BaseModel, Field, SecretStr

from nonebot_plugin_feishu_ws import CardActionEvent, cards
from nonebot_plugin_feishu_ws.cards import CardAction, FormValues, on_card_action


class Deploy(BaseModel):
    action: Literal["deploy"]
    service: str
    replicas: int = 1


class Form(BaseModel):
    reason: str = Field(min_length=3)
    replicas: int = 1
    token: SecretStr | None = None
    since: cards.Day | None = None


CARD = cards.card(
    "Deploy",
    cards.text("Ready?"),
    cards.button("Go", {"action": "deploy", "service": "web", "replicas": 2}),
)
DONE = cards.card("Deploy", cards.text("Done."), colour="green")
LATER = cards.card("Deploy", cards.text("Later."), colour="green")


def value(**more: Any) -> dict[str, Any]:
    return {"tag": "button", "value": {"action": "deploy", "service": "web", **more}}


def submitted(**fields: Any) -> dict[str, Any]:
    return {**value(), "name": "submit", "form_value": fields}


@pytest.fixture
def action() -> Iterator[Callable[..., type[Matcher]]]:
    """Matchers that are gone after the test."""
    made: list[type[Matcher]] = []

    def register(name: str = "deploy", **how: Any) -> type[Matcher]:
        made.append(on_card_action(name, **how))
        return made[-1]

    yield register
    for matcher in made:
        matcher.destroy()


@pytest.fixture
def click(company: Any) -> Callable[..., Any]:
    """Alice clicks on a new card of the bot's, or on one again."""

    async def do(action: dict[str, Any], message_id: str | None = None, who: Any = None) -> Any:
        if message_id is None:
            bot: Any = nonebot.get_bot(company.app.app_id)
            sent = await bot.client.send_message(company.direct.chat_id, "interactive", CARD)
            message_id = sent.message_id
        do.message = company.sandbox.world.messages[message_id]
        return await company.sandbox.world.click(who or company.alice, message_id, action)

    return do


async def test_the_value_is_a_model(action, click, company) -> None:
    seen: list[Any] = []
    deploy = action()

    @deploy.handle()
    async def _(event: CardActionEvent, deploy: Annotated[Deploy, CardAction()]) -> None:
        seen.append(deploy)
        await event.respond(f"{deploy.service} × {deploy.replicas}", "success", DONE)

    @deploy.handle()
    async def _(plain: dict[str, Any] = CardAction(), anything=CardAction()) -> None:  # noqa: B008
        seen.extend((plain, anything))

    result = await click(value(replicas="3"))
    assert result.toast == {"type": "success", "content": "web × 3"}
    assert click.message.content == DONE
    await company.runtime.drained()
    sent = {"action": "deploy", "service": "web", "replicas": "3"}
    assert seen == [Deploy(action="deploy", service="web", replicas=3), sent, sent]


async def test_a_form_is_a_model(action, click) -> None:
    seen: list[Form] = []
    deploy = action()

    @deploy.handle()
    async def _(
        event: CardActionEvent,
        deploy: Annotated[Deploy, CardAction()],
        form: Annotated[Form, FormValues()],
    ) -> None:
        seen.append(form)
        await event.respond(deploy.service)

    result = await click(submitted(reason="because", replicas="", token="t0p", since="2026-01-31 +0800"))
    assert result.toast["content"] == "web"
    (form,) = seen
    assert (form.reason, form.replicas, str(form.since)) == ("because", 1, "2026-01-31")
    assert form.token is not None
    assert form.token.get_secret_value() == "t0p"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (submitted(reason="because", replicas="many"), "Cannot be used as it is: replicas"),
        (submitted(reason="no", replicas="x"), "Cannot be used as it is: reason, replicas"),
        (submitted(), "Cannot be used as it is: reason"),
    ],
)
async def test_what_is_wrong_in_a_form_is_told_and_no_handler_runs(action, click, company, sent, told):
    ran: list[str] = []
    deploy = action()

    @deploy.handle()
    async def _(form: Annotated[Form, FormValues()]) -> None:
        ran.append("first")

    @deploy.handle()
    async def _() -> None:
        ran.append("second")

    log: list[str] = []
    handler = nonebot.logger.add(log.append, level="DEBUG", format="{message}{exception}")
    try:
        result = await click(sent | {"form_value": sent["form_value"] | {"token": "t0p-secret"}})
        await company.runtime.drained()
    finally:
        nonebot.logger.remove(handler)
    assert (result.toast["type"], result.toast["content"]) == ("error", told)
    assert result.toast["i18n"]["zh_cn"].startswith("填写有误：")
    assert not ran
    (line,) = [line for line in log if "is not handled" in line]
    assert click.message.message_id in line
    assert told.split(": ")[1].split(", ")[0] in line
    assert "many" not in line
    assert "t0p-secret" not in "".join(log)


async def test_a_button_of_another_time_is_told(action, click) -> None:
    deploy = action()

    @deploy.handle()
    async def _(deploy: Deploy = CardAction()) -> None:  # noqa: B008
        raise AssertionError("not with such a value")

    result = await click(value(replicas=[1]))
    assert result.toast["content"] == "This button no longer works (replicas)"


async def test_only_the_action_asked_for(action, click) -> None:
    deploy = action("other")

    @deploy.handle()
    async def _(event: CardActionEvent) -> None:
        await event.respond("other")

    assert (await click(value())).toast is None
    message_id = click.message.message_id
    for odd in ("deploy", ["other"], None, {"action": ["other"]}):
        assert (await click({"tag": "button", "value": odd}, message_id)).toast is None
    result = await click({"tag": "button", "value": {"action": "other"}}, message_id)
    assert result.toast["content"] == "other"


async def test_of_two_plugins_with_one_action_the_first_blocks(action, click, company) -> None:
    order: list[str] = []

    def answering(name: str, **how: Any) -> None:
        @action(**how).handle()
        async def _(event: CardActionEvent) -> None:
            order.append(name)
            await event.respond(name)

    answering("late", priority=5)
    answering("early", priority=2)
    answering("first", priority=1, block=False)
    answering("refused", priority=0, permission=Permission(lambda: False))
    answering("not this one", priority=0, rule=lambda: False)
    assert (await click(value())).toast["content"] == "first"
    await company.runtime.drained()
    assert order == ["first", "early"]


async def test_the_second_click_is_answered_with_the_state(action, click, company) -> None:
    done = False
    deploy = action()

    @deploy.handle()
    async def _(event: CardActionEvent) -> None:
        nonlocal done
        await event.respond("Already done" if done else "Done", card=DONE)
        done = True

    await click(value())
    message = click.message
    again = await click(value(), message.message_id)
    assert again.toast["content"] == "Already done"
    await company.runtime.drained()
    assert message.content == DONE


async def test_a_client_that_ignores_the_answers_card_gets_it_by_the_message(action, click, company) -> None:
    deploy = action()

    @deploy.handle()
    async def _(event: CardActionEvent) -> None:
        await event.update(DONE)

    await click(value())
    message = click.message
    message.content = CARD  # as such a client shows it
    await company.runtime.drained()
    assert message.content == DONE


async def test_late_the_token_then_the_message(action, click, company, monkeypatch) -> None:
    """Twice by the click's token, then by PATCH; of one that has expired at once by PATCH."""
    monkeypatch.setattr("nonebot_plugin_feishu_ws.runtime.dispatch.ANSWER_DEADLINE", 0.2)
    deploy, gate = action(), asyncio.Event()
    shown = [cards.card("Deploy", cards.text(str(n))) for n in range(3)]

    @deploy.handle()
    async def _(event: CardActionEvent) -> None:
        await gate.wait()
        for card in shown:
            await event.update(card)

    result = await click(value())
    assert (result.error, result.toast, result.card) == (None, None, None)
    gate.set()
    await company.runtime.drained()
    assert click.message.content == shown[2]
    (token,) = [t for t in company.sandbox.world.update_tokens._tokens.values() if t.message is click.message]
    assert token.uses == 2

    gate.clear()
    message_id = click.message.message_id
    result = await click(value(), message_id)
    for issued in company.sandbox.world.update_tokens._tokens.values():
        issued.issued_at = -1e9
    del shown[1:]
    gate.set()
    await company.runtime.drained()
    assert click.message.content == shown[0]


async def test_many_clicks_at_once_each_get_their_answer(action, click, company) -> None:
    deploy = action()

    @deploy.handle()
    async def _(event: CardActionEvent, deploy: Annotated[Deploy, CardAction()]) -> None:
        await event.respond(str(deploy.replicas))

    await click(value())
    message_id = click.message.message_id
    results = await asyncio.gather(*(click(value(replicas=n), message_id) for n in range(20)))
    assert [result.toast["content"] for result in results] == [str(n) for n in range(20)]


def test_the_matcher_belongs_to_whoever_asked_for_it(action) -> None:
    assert action().module_name == __name__


async def test_a_click_on_a_card_that_streams_ends_it(action, click, company) -> None:
    """Such a card takes no card of the click's answer and no other update; afterwards it is like any other."""
    bot: Any = nonebot.get_bot(company.app.app_id)
    stop = action("stop")

    @stop.handle()
    async def _(event: CardActionEvent) -> None:
        await event.respond("Stopped")
        await event.update(DONE)

    @action().handle()
    async def _(event: CardActionEvent) -> None:
        await event.update(LATER)

    async def send(part: str, msg_type: str, content: str) -> str:
        sent = await bot.client.send_message(company.direct.chat_id, msg_type, content, uuid=part)
        return sent.message_id

    stream = cards.StreamingCard(
        bot.client,
        send,
        locale="en_US",
        stop={"action": "stop"},
        pace=cards.Pace(interval=0.01),
        live=bot.live_cards,
    )
    stream.open()
    stream.update("Once upon a time")
    await company.sandbox.world.wait_for(lambda m: "Once upon" in str(m.content))
    stream.update("Once upon a time there was a bot")
    message = await company.sandbox.world.wait_for(lambda m: "a bot" in str(m.content))
    assert list(bot.live_cards) == [message.message_id]
    result = await click({"tag": "button", "value": {"action": "stop"}}, message.message_id)
    assert (result.toast["content"], result.card) == ("Stopped", None)
    await company.runtime.drained()
    assert message.content["header"]["title"]["content"] == "Deploy"
    assert "Done." in str(message.content)
    assert not company.sandbox.world.cards.streaming(company.sandbox.world.cards.of(message))
    assert not bot.live_cards
    stream.update("and more")  # by a brain that does not know yet
    await stream.close()
    assert "Done." in str(message.content)
    await click(value(), message.message_id)
    await company.runtime.drained()
    assert message.content == LATER
