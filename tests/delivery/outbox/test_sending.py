"""What is put into the outbox is said, once and in order, whatever Feishu does."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feishu_sandbox import ApiFault, InvalidateTokens
from nonebot_plugin_feishu_ws.delivery import OutboxStopped, Pacer, SendFailed, SendUnknown, uuid_for, why

MESSAGES = "/open-apis/im/v1/messages"


async def test_a_message_is_said_once(process: Any, company: Any) -> None:
    draft = company.draft("hi")
    [message_id] = await process.say(draft)
    assert company.world.messages[message_id].text == "hi"
    [posted] = await process.outbox.post([draft])
    assert not posted.fresh
    assert await process.say(company.draft("hi", content='{"text": "something else"}')) == [message_id]
    assert company.shown() == ["hi"]
    assert len(company.calls()) == 1
    [row] = await process.rows()
    assert (row.state, row.attempts, row.message_id) == ("sent", 1, message_id)


async def test_ids_are_the_same_for_the_same_and_differ_otherwise() -> None:
    assert uuid_for("a", "bc") == uuid_for("a", "bc")
    assert len({uuid_for(*parts) for parts in [("a", "bc"), ("ab", "c"), ("abc",), ("a", "bc", "")]}) == 4
    assert len(uuid_for("x" * 1000)) <= 46


async def test_chats_keep_their_order_and_do_not_wait_for_each_other(process: Any, company: Any) -> None:
    question = await company.asked()
    company.sandbox.faults.add(ApiFault(path=f"{question.message_id}/reply", delay=2.0, times=1))
    slow = [company.draft(f"slow {n}", reply_to=question.message_id) for n in range(10)]
    await asyncio.gather(*(process.outbox.post([draft]) for draft in slow))
    quick = [company.draft(f"quick {n}", company.other) for n in range(5)]
    await asyncio.gather(*(process.say(draft) for draft in quick))
    assert company.shown() == [], "the first is still on its way"
    assert company.shown(company.other) == [f"quick {n}" for n in range(5)]
    await asyncio.gather(*(process.sent(draft) for draft in slow))
    assert company.shown() == [f"slow {n}" for n in range(10)]


async def test_an_answer_in_several_messages_is_there_or_not(process: Any, company: Any) -> None:
    first = [company.draft(text, uuid=uuid_for("answer", str(n))) for n, text in enumerate(["a", "b"])]
    await process.say(*first)
    again = [company.draft(text, uuid=uuid_for("answer", str(n))) for n, text in enumerate(["x", "y", "z"])]
    assert len(await process.outbox.post(again)) == 2
    await process.outbox.drained()
    assert company.shown() == ["a", "b"], "the answer that was given first stands"


async def test_a_message_can_be_part_of_a_larger_commit(process: Any, company: Any) -> None:
    async def fail(session: Any) -> None:
        await process.outbox.put(session, [company.draft("never")])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await process.database.write(fail)
    drafts = [company.draft("one"), company.draft("two")]
    await process.database.write(lambda session: process.outbox.put(session, drafts))
    process.outbox.wake()
    await asyncio.gather(*(process.sent(draft) for draft in drafts))
    assert company.shown() == ["one", "two"]
    with pytest.raises(LookupError):
        await process.sent(company.draft("never"))


async def test_what_answers_an_event(process: Any, company: Any) -> None:
    about = {"event_id": "ev_1"}
    await process.say(company.draft("a word before", **about))
    assert not await process.outbox.answered(company.app.app_id, "ev_1")
    company.sandbox.faults.add(ApiFault(path=MESSAGES, code=230022, status=400, times=1))
    await process.outbox.post(
        [company.draft("refused", **about), company.draft("the end", final=True, **about)]
    )
    assert await process.outbox.answered(company.app.app_id, "ev_1")
    assert not await process.outbox.answered(company.app.app_id, "ev_2")
    await process.outbox.delivered(company.app.app_id, "ev_1")
    assert company.shown() == ["a word before", "the end"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500}, id="5xx"),
        pytest.param({"status": 502, "body": "<html>bad gateway</html>"}, id="a proxy's page"),
        pytest.param({"drop": True}, id="cut before"),
        pytest.param({"drop": True, "after": True}, id="cut after"),
        pytest.param({"status": 500, "after": True}, id="5xx after"),
        pytest.param({"status": 400, "code": 230049}, id="still being sent"),
        pytest.param({"status": 400, "code": 230049, "after": True}, id="still being sent, and is"),
        pytest.param({"delay": 0.7}, id="too late"),
        pytest.param(
            {"status": 429, "code": 99991400, "headers": {"x-ogw-ratelimit-reset": "0.1"}}, id="429"
        ),
        pytest.param(
            {"status": 400, "code": 99991400, "headers": {"x-ogw-ratelimit-reset": "0.1"}}, id="400"
        ),
        pytest.param({"status": 400, "code": 230020}, id="too fast in the chat"),
        pytest.param({"status": 400, "code": 11232}, id="system pressure"),
        pytest.param({"status": 400, "code": 99991663}, id="token refused"),
    ],
)
async def test_what_passes_is_tried_again(company: Any, start: Any, fault: dict[str, Any]) -> None:
    """faults.md 34, 35, 36: the same uuid again and again, one message, order kept, other chats not concerned."""
    process = await start(timeout=0.4)
    await process.say(company.draft("before", company.other))  # a token, a connection
    question = await company.asked()
    company.sandbox.faults.add(ApiFault(path=f"{question.message_id}/reply", times=3, **fault))
    drafts = [company.draft(text, reply_to=question.message_id) for text in ("first", "second")]
    await asyncio.gather(*(process.outbox.post([draft]) for draft in drafts))
    await process.say(company.draft("meanwhile", company.other))
    await asyncio.gather(*(process.sent(draft) for draft in drafts))
    assert company.shown() == ["first", "second"]
    assert company.shown(company.other) == ["before", "meanwhile"]
    assert set(await process.states()) == {"sent"}


async def test_tokens_that_expire_on_the_way(process: Any, company: Any, until: Any) -> None:
    """faults.md 36: one refresh for all; while no token is to be had nothing counts as tried."""
    await process.say(company.draft("before"))
    company.sandbox.faults.add(InvalidateTokens())
    await asyncio.gather(*(process.say(company.draft(f"{n}", company.other)) for n in range(5)))
    history = company.world.feed.history
    assert sum("tenant_access_token" in change.data.get("path", "") for change in history) == 2
    company.sandbox.faults.add(InvalidateTokens())
    fault = company.sandbox.faults.add(ApiFault(path="tenant_access_token", status=500))
    draft = company.draft("after")
    await process.outbox.post([draft])
    await until(lambda: fault.struck >= 3)
    company.sandbox.faults.clear()
    await process.sent(draft)
    assert company.shown() == ["before", "after"]


async def test_what_feishu_refuses_for_good_fails_alone(process: Any, company: Any) -> None:
    """faults.md 37: said in the log, never tried again, and nobody waits behind it."""
    question = await company.asked()
    company.sandbox.faults.add(ApiFault(path=MESSAGES, code=230025, msg="too long", status=400, times=1))
    bad, good = (company.draft(text, reply_to=question.message_id) for text in ("bad", "good"))
    await process.outbox.post([bad])
    await process.outbox.post([good])
    with pytest.raises(SendFailed, match="too long"):
        await process.sent(bad)
    message_id = await process.sent(good)
    assert company.shown() == ["good"]
    with pytest.raises(SendFailed, match="too long"):
        await process.say(bad)
    await process.rows()
    with pytest.raises(SendFailed, match="too long"):
        await process.say(bad)
    assert len(company.calls()) == 2
    [story] = await why(process.database, process.logbook, question.message_id, [company.app.app_id])
    assert story.connector == "butler"
    assert [(said.message_id, said.error and "too long" in said.error) for said in story.chapters] == [
        (None, True),
        (message_id, None),
    ]


async def test_a_withdrawn_question_is_answered_in_the_chat(process: Any, company: Any) -> None:
    question = await company.asked()
    company.world.recall(question)
    [message_id] = await process.say(company.draft("all the same", reply_to=question.message_id))
    assert company.world.messages[message_id].parent_id is None
    assert company.shown() == ["all the same"]
    with pytest.raises(SendFailed):
        await process.say(company.draft("nowhere else", reply_to=question.message_id, receive_id=None))


async def test_withdrawn_after_a_try_nobody_knows_of(company: Any, start: Any, until: Any) -> None:
    """It may have been said: saying it in the chat might say it twice."""
    process = await start(retry_first=0.2)
    question = await company.asked()
    fault = company.sandbox.faults.add(ApiFault(path="reply", drop=True, after=True, times=1))
    draft = company.draft("once", reply_to=question.message_id)
    await process.outbox.post([draft])
    await until(lambda: fault.struck)
    company.world.recall(question)
    with pytest.raises(SendUnknown):
        await process.sent(draft)
    assert company.shown() == ["once"]


async def test_nothing_is_sent_again_when_feishu_has_forgotten(company: Any, start: Any) -> None:
    """faults.md 34: past the window it is unknown, shown as such, and stays so."""
    process = await start(window=0.2)
    question = await company.asked()
    fault = company.sandbox.faults.add(ApiFault(path="reply", drop=True))
    draft = company.draft("perhaps", reply_to=question.message_id)
    with pytest.raises(SendUnknown):
        await process.say(draft)
    assert fault.struck > 1
    company.sandbox.faults.clear()
    await process.say(company.draft("next"))
    with pytest.raises(SendUnknown):
        await process.say(draft)
    assert await process.states() == ["unknown", "sent"]
    assert company.shown() == ["next"]
    await process.stop()
    again = await start()
    with pytest.raises(SendUnknown):
        await again.say(draft)
    [story] = await why(again.database, again.logbook, question.message_id, [company.app.app_id])
    [said] = story.chapters
    assert said.message_id is None
    assert "may or may not" in said.error


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"path": MESSAGES, "status": 400, "code": 230020}, id="refused as too fast"),
        pytest.param({"path": "tenant_access_token", "status": 500}, id="no token"),
    ],
)
async def test_what_never_reached_feishu_may_be_late(
    company: Any, start: Any, fault: dict[str, Any], until: Any
) -> None:
    process = await start(window=0.0)
    active = company.sandbox.faults.add(ApiFault(**fault))
    draft = company.draft("late")
    await process.outbox.post([draft])
    await until(lambda: active.struck >= 4)
    company.sandbox.faults.clear()
    await process.sent(draft)
    assert company.shown() == ["late"]
    [row] = await process.rows()
    assert row.attempts >= 5


async def test_no_connection_is_no_try(company: Any, start: Any) -> None:
    """Feishu cannot have seen what never left."""
    process = await start(window=0.0)
    way = process.ways[company.app.app_id]
    port, way.client._caller._transport.base_url = (
        way.client._caller._transport.base_url,
        way.client._caller._transport.base_url.with_port(9),
    )
    draft = company.draft("late")
    await process.outbox.post([draft])
    async with asyncio.timeout(20):
        while (await process.rows())[0].attempts < 3:
            pass
    [row] = await process.rows()
    assert (row.tried_at is None) == (row.state == "queued")
    way.client._caller._transport.base_url = port
    await process.sent(draft)
    assert company.shown() == ["late"]


async def test_a_burst_keeps_to_the_chats_limit(company: Any, start: Any) -> None:
    """faults.md 35: with pacing there is nothing to be refused."""
    process = await start(pace=Pacer())
    await asyncio.gather(*(process.say(company.draft(f"{n}")) for n in range(8)))
    assert company.shown() == [f"{n}" for n in range(8)]
    assert {call["code"] for call in company.calls()} == {0}


async def test_what_a_stopped_process_leaves_is_said_by_the_next(
    company: Any, start: Any, until: Any
) -> None:
    process = await start(retry_first=10.0)
    company.sandbox.faults.add(ApiFault(path=MESSAGES, status=400, code=230020, times=1))
    drafts = [company.draft(f"{n}") for n in range(3)]
    await process.outbox.post(drafts)
    await until(lambda: company.calls())
    async with asyncio.timeout(2):
        await process.stop()
    assert [(row.state, row.owner) for row in await process.rows()] == [("queued", "")] * 3
    with pytest.raises(OutboxStopped):
        await process.outbox.post([company.draft("too late")])
    with pytest.raises(OutboxStopped):
        await process.outbox.sent(company.app.app_id, drafts[0].uuid)
    again = await start()
    await asyncio.gather(*(again.sent(draft) for draft in drafts))
    assert company.shown() == ["0", "1", "2"]


async def test_a_connector_that_does_not_run_keeps_its_messages(process: Any, company: Any) -> None:
    way = process.ways.pop(company.app.app_id)
    drafts = [company.draft(f"{n}") for n in range(3)]
    await process.outbox.post(drafts)
    await process.outbox.drained()
    assert [(row.state, row.owner) for row in await process.rows()] == [("queued", "")] * 3
    process.ways[company.app.app_id] = way
    await asyncio.gather(*(process.sent(draft) for draft in drafts))
    assert company.shown() == ["0", "1", "2"]


async def test_old_messages_are_forgotten(company: Any, start: Any) -> None:
    now = datetime.now(UTC)
    process = await start(now=lambda: now)
    await process.say(company.draft("old"))
    way = process.ways.pop(company.app.app_id)
    await process.outbox.post([company.draft("waiting")])
    await process.outbox.drained()
    now += timedelta(days=31)
    with pytest.raises(ValueError, match="at least"):
        await process.outbox.prune(timedelta(hours=1))
    assert await process.outbox.prune(timedelta(days=30)) == 1
    assert await process.states() == ["queued"]
    process.ways[company.app.app_id] = way
