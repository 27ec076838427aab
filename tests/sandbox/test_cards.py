"""Cards after they were sent: PATCH and the delayed update (facts, "Card callback" and limits table)."""

import asyncio
import json

import pytest

NEW = {"config": {"update_multi": True}, "elements": [{"tag": "hr"}]}


async def patch(company, message_id, card):
    return await company.client.call("PATCH", f"/im/v1/messages/{message_id}", {"content": json.dumps(card)})


async def test_patch_replaces_the_card_and_says_so(company, card):
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    with company.world.subscribe() as changes:
        assert (await patch(company, message_id, NEW))["code"] == 0
        change = await anext(changes)
    assert change.kind == "card_updated"
    assert change.message is company.world.messages[message_id]
    assert change.message.content == NEW


async def test_patch_needs_update_multi_before_and_after(company, card):
    private = {"elements": [{"tag": "hr"}]}
    shared_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    private_id = await company.client.sent(company.direct.chat_id, private, "interactive")
    assert (await patch(company, shared_id, private))["code"] == 230001
    assert (await patch(company, private_id, NEW))["code"] == 230001
    v2 = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "x"}]}}
    v2_id = await company.client.sent(company.direct.chat_id, v2, "interactive")
    assert (await patch(company, v2_id, v2))["code"] == 0


async def test_patch_ends_after_fourteen_days(make_company, clock, card):
    company = await make_company(clock=clock)
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    clock.now += 14 * 86400 - 10
    await company.client.login()
    assert (await patch(company, message_id, NEW))["code"] == 0
    clock.now += 20
    await company.client.login()
    assert (await patch(company, message_id, NEW))["code"] == 230031


async def test_patch_has_five_a_second(make_company, clock, card):
    company = await make_company(clock=clock)
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    codes = [(await patch(company, message_id, NEW))["code"] for _ in range(6)]
    assert codes == [0, 0, 0, 0, 0, 230020]
    clock.now += 1.1
    assert (await patch(company, message_id, NEW))["code"] == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [("no", 230001), ("[]", 230001), ('{"x":1}', 230099), (json.dumps({"elements": ["x" * 31000]}), 230025)],
)
async def test_patch_refuses_what_is_no_card(company, card, content, code):
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    answer = await company.client.call("PATCH", f"/im/v1/messages/{message_id}", {"content": content})
    assert answer["code"] == code


async def test_patch_is_for_own_cards(company):
    text = await company.client.sent(company.direct.chat_id, {"text": "x"})
    theirs = (await company.world.say(company.ada, company.direct, "x")).message_id
    assert (await patch(company, text, NEW))["code"] == 230054
    assert (await patch(company, theirs, NEW))["code"] == 230071


async def clicked(company, card, *, answer=True):
    """A click; its token, and a way to finish it when it is not answered yet."""
    link = company.client.links[-1] if company.client.links else await company.client.connect()
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    clicking = asyncio.create_task(company.world.click(company.ada, message_id, {"tag": "button"}))
    frame, body = await link.event()
    if answer:
        await link.ack(frame, data={})
        await clicking
    return body["event"]["token"], message_id, (link, frame, clicking)


async def update(company, token, card=NEW):
    answer = await company.client.call("POST", "/interactive/v1/card/update", {"token": token, "card": card})
    return answer["code"]


async def test_a_token_updates_twice_after_the_answer(company, card):
    token, message_id, _ = await clicked(company, card)
    assert [await update(company, token) for _ in range(3)] == [0, 0, 10002]
    assert company.world.messages[message_id].content == NEW


async def test_not_before_the_answer(company, card):
    token, _, (link, frame, clicking) = await clicked(company, card, answer=False)
    assert await update(company, token) == 10002
    await link.ack(frame, data={})
    await clicking
    assert await update(company, token) == 0


async def test_not_after_half_an_hour(make_company, clock, card):
    company = await make_company(clock=clock)
    token, *_ = await clicked(company, card)
    clock.now += 1801
    assert await update(company, token) == 10002


async def test_other_tokens_and_cards(company, card):
    token, message_id, _ = await clicked(company, card)
    stranger = type(company.client)(company.sandbox, company.world.add_app("Other"), company.client.http)
    body = {"token": token, "card": NEW}
    assert (await stranger.call("POST", "/interactive/v1/card/update", body))["code"] == 10002
    assert await update(company, message_id) == 99992354
    assert await update(company, "c-nothing") == 10002
    assert await update(company, token, {"elements": [{"tag": "x" * 31000}]}) == 230025
    assert await update(company, token, {"what": 1}) == 230099
    assert await update(company, token, None) == 99992402
    assert (await company.client.call("POST", f"/im/v1/messages/{token}/reply", {}))["code"] == 99992354
