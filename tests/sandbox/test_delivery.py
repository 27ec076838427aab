"""Events and callbacks on their way (facts, "Ack", "Card callback", "Platform rules", limits table)."""

import asyncio
import json

import pytest

from feishu_sandbox import FragmentFault, PushFault


async def test_an_event_goes_to_one_connection_and_an_ack_ends_it(company):
    links = [await company.client.connect() for _ in range(3)]
    message = await company.world.say(company.ada, company.direct, "hi")
    done, pending = await asyncio.wait(
        [asyncio.create_task(link.event()) for link in links], return_when=asyncio.FIRST_COMPLETED
    )
    assert len(done) == 1
    frame, body = done.pop().result()
    assert body["event"]["message"]["message_id"] == message.message_id
    receiver = next(k for k in links if k.connection.conn_id == company.sandbox.hub.deliveries[-1].pushes[0])
    await receiver.ack(frame)
    delivery = await company.sandbox.hub.wait_delivery(body["header"]["event_id"])
    assert len(delivery.pushes) == 1
    for task in pending:
        task.cancel()


async def test_events_spread_over_the_connections(company):
    links = [await company.client.connect() for _ in range(2)]
    for n in range(40):
        company.world.push(company.app, "im.x", {"n": n})
    counts = {link.connection.conn_id: 0 for link in links}
    for delivery in company.sandbox.hub.deliveries:
        await company.sandbox.hub.wait_pushed(delivery.event_id)
        counts[delivery.pushes[0]] += 1
    assert all(counts.values())


@pytest.mark.parametrize("refusal", [None, 500, b"not json", b'{"code":"200"}'])
async def test_without_an_ack_200_it_is_pushed_again_then_given_up(company, refusal):
    link = await company.client.connect()
    event_id = company.world.push(company.app, "im.x", {})
    bodies = []
    for _ in range(3):  # once, and once for each pause of the schedule
        frame, body = await link.event()
        bodies.append((frame.headers[1].value, body))
        if isinstance(refusal, int):
            await link.ack(frame, refusal)
        elif refusal is not None:
            await link.reply(frame, refusal)
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0][1]["header"]["event_id"] == event_id
    delivery = await company.sandbox.hub.wait_delivery(event_id, "given_up")
    assert len(delivery.pushes) == 3


async def test_a_late_ack_of_the_same_connection_is_recorded_but_too_late(make_company):
    company = await make_company(ack_timeout=0.05, push_again_after=())
    link = await company.client.connect()
    event_id = company.world.push(company.app, "im.x", {})
    frame, _ = await link.event()
    await company.sandbox.hub.wait_delivery(event_id, "given_up")
    await link.ack(frame)
    assert (await company.sandbox.hub.wait_ack(event_id)).code == 200
    assert company.sandbox.hub.delivery(event_id).state == "given_up"


async def test_an_ack_on_another_connection_counts_for_nothing(company):
    first, second = await company.client.connect(), await company.client.connect()
    event_id = company.world.push(company.app, "im.x", {})
    delivery = await company.sandbox.hub.wait_pushed(event_id)
    receiver, other = (first, second) if delivery.pushes[0] == first.connection.conn_id else (second, first)
    frame, _ = await receiver.event()
    await other.ack(frame)
    await company.sandbox.hub.bell.until(lambda: bool(company.sandbox.hub.acks), 5, "the stray ack")
    assert company.sandbox.hub.acks[0].event_id is None
    assert delivery.state == "pending"


async def test_nobody_there_waits_for_the_schedule(make_company):
    company = await make_company(push_again_after=(0.2,))
    event_id = company.world.push(company.app, "im.x", {})
    link = await company.client.connect()
    frame, body = await link.event()
    assert body["header"]["event_id"] == event_id
    await link.ack(frame)
    assert (await company.sandbox.hub.wait_delivery(event_id)).pushes[0] == ""


async def test_a_large_event_comes_in_fragments_and_one_ack_is_enough(make_company):
    company = await make_company(fragment_size=100)
    link = await company.client.connect()
    await company.world.say(company.ada, company.direct, "x" * 500)
    frames = [await link.frame()]
    total = int({h.key: h.value for h in frames[0].headers}["sum"])
    assert total > 5
    frames += [await link.frame() for _ in range(total - 1)]
    assert [{h.key: h.value for h in f.headers}["seq"] for f in frames] == [str(n) for n in range(total)]
    assert all(len(f.payload) <= 100 for f in frames)
    body = json.loads(b"".join(f.payload for f in frames))
    await link.ack(frames[-1])
    await company.sandbox.hub.wait_delivery(body["header"]["event_id"])


@pytest.mark.parametrize(
    ("fault", "seqs", "total"),
    [
        (FragmentFault(parts=3, send=(2, 0, 1)), ["2", "0", "1"], "3"),
        (FragmentFault(parts=2, send=(0, 0, 1)), ["0", "0", "1"], "2"),
        (FragmentFault(parts=3, send=(0, 2, 5)), ["0", "2", "5"], "3"),
        (FragmentFault(parts=1, claimed_sum=10**7), ["0"], "10000000"),
    ],
)
async def test_fragments_as_told(company, fault, seqs, total):
    company.sandbox.faults.add(fault)
    link = await company.client.connect()
    company.world.push(company.app, "im.x", {})
    headers = [{h.key: h.value for h in (await link.frame()).headers} for _ in seqs]
    assert [h["seq"] for h in headers] == seqs
    assert {h["sum"] for h in headers} == {total}


async def test_ids_are_full_64_bit_numbers(company):
    link = await company.client.connect()
    company.world.push(company.app, "im.x", {})
    frame = await link.frame()
    assert frame.SeqID > 2**53
    assert frame.LogID > 2**53


async def test_copies_and_card_frames_as_told(company):
    company.sandbox.faults.add(PushFault(event_type=r"im\.x", copies=3, frame_type="card", times=1))
    link = await company.client.connect()
    company.world.push(company.app, "im.y", {})
    company.world.push(company.app, "im.x", {})
    types = []
    for _ in range(4):
        frame = await link.frame()
        types.append(frame.headers[0].value)
    assert types == ["event", "card", "card", "card"]


async def click(company, link, data, code=200, reply=None):
    """A click whose callback is answered with ``data``; the answer and the callback's body."""
    message_id = await company.client.sent(company.direct.chat_id, CARD, "interactive")
    clicking = asyncio.create_task(
        company.world.click(company.ada, message_id, {"tag": "button", "value": {"go": True}})
    )
    frame, body = await link.event()
    if reply is not None:
        await link.reply(frame, reply)
    elif code is not None:
        await link.ack(frame, code, data)
    return await clicking, body, company.world.messages[message_id]


CARD = {"elements": [{"tag": "div", "text": {"tag": "plain_text", "content": "?"}}]}
NEW = {"elements": [{"tag": "div", "text": {"tag": "plain_text", "content": "done"}}]}


async def test_a_click_is_a_callback_with_operator_action_and_context(company):
    link = await company.client.connect()
    result, body, message = await click(company, link, {"toast": {"type": "success", "content": "ok"}})
    assert result.toast == {"type": "success", "content": "ok"}
    assert result.error is None
    assert body["header"]["event_type"] == "card.action.trigger"
    event = body["event"]
    assert event["operator"]["open_id"] == company.ada.open_id(company.app)
    assert event["action"] == {"tag": "button", "value": {"go": True}}
    assert event["context"] == {
        "open_message_id": message.message_id,
        "open_chat_id": company.direct.chat_id,
    }
    assert event["token"].startswith("c-")


async def test_an_empty_answer_is_valid(company):
    link = await company.client.connect()
    result, _, message = await click(company, link, {})
    assert (result.toast, result.card, result.error) == (None, None, None)
    assert message.content == CARD


async def test_the_answers_card_takes_the_messages_place(company):
    link = await company.client.connect()
    result, _, message = await click(company, link, {"card": {"type": "raw", "data": NEW}})
    assert result.card == message.content == NEW


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ([1], 200672),
        ({"toast": {"type": "loud", "content": "x"}}, 200672),
        ({"toast": "x"}, 200672),
        ({"toast": {"type": "info", "content": 3}}, 200672),
        ({"card": NEW}, 200672),
        ({"card": {"type": "raw", "data": "text"}}, 200673),
        (None, 200672),
    ],
)
async def test_a_bad_answer_is_an_error_for_the_person(company, data, code):
    link = await company.client.connect()
    result, _, message = await click(company, link, data)
    assert result.error is not None
    assert result.error.code == code
    assert message.content == CARD


async def test_an_answer_that_is_not_base64_of_json(company):
    link = await company.client.connect()
    result, *_ = await click(company, link, None, reply=b'{"code":200,"data":"e30=%"}')
    assert result.error is not None
    assert result.error.code == 200672


async def test_a_failed_or_missing_answer_is_an_error_and_never_pushed_again(company):
    link = await company.client.connect()
    for code in (500, None):
        result, body, _ = await click(company, link, {}, code=code)
        assert result.error is not None
        assert result.error.code == 200671
        assert len(company.sandbox.hub.delivery(body["header"]["event_id"]).pushes) == 1


async def test_a_click_without_a_connection_is_an_error(company):
    message_id = await company.client.sent(company.direct.chat_id, CARD, "interactive")
    result = await company.world.click(company.ada, message_id, {"tag": "button"})
    assert result.error is not None
    assert result.error.code == 200340
    with pytest.raises(ValueError, match="not a card"):
        await company.world.click(
            company.ada, (await company.world.say(company.ada, company.direct, "x")).message_id, {}
        )
