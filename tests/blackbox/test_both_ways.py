"""What people see is the same over the long connection and by webhook, on SQLite and on PostgreSQL."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager
from typing import Any

import pytest

from feishu_sandbox import Mention, PushFault

pytestmark = pytest.mark.timeout(120)


async def test_a_message_is_answered(talk) -> None:
    asked = await talk.say("ping 1")
    assert await talk.answer(asked, "pong 1")
    group = await talk.say("whoami", talk.group, mentions=[talk.app])
    assert await talk.answer(group, talk.house.alice.open_id(talk.app))
    assert [ack.code for ack in (await talk.acked(asked)).acks] == [200]


async def test_an_event_that_comes_several_times_is_handled_once(talk) -> None:
    text = f"ping thrice {talk.app.name}"
    talk.house.sandbox.faults.add(PushFault(copies=3, times=1, app_id=talk.app.app_id))
    asked = await talk.say(text)
    await talk.answer(asked)
    await talk.settled()
    assert talk.house.ledger()[text] == 1
    assert talk.answers(asked) == [text.replace("ping", "pong")]
    assert await talk.reasons(asked) == ["duplicate", "duplicate"]


async def test_filters_say_no_and_the_log_says_why(talk) -> None:
    unheard = await talk.say("whoami", talk.group)
    other = talk.world.add_app("Other")
    talk.world.add_bot(talk.house.alice, talk.group, other)
    talk.app.include_bots = True
    named, text = (Mention("@_user_1", talk.app),), {"text": "@_user_1 ping from a bot"}
    bot = talk.world.post(other, talk.group, "text", text, mentions=named)
    await talk.settled()
    assert await talk.reasons(unheard) == ["mention_required"]
    assert await talk.reasons(bot) == ["bot_message"]
    assert talk.answers(unheard) == talk.answers(bot) == []


async def test_a_click_is_answered_in_its_callback(talk) -> None:
    card = talk.card()
    result = await talk.click(card, {"action": "toast"})
    assert (result.toast["type"], result.toast["content"], result.card) == ("success", "Toasted", None)
    result = await talk.click(card, {"action": "renew"})
    assert result.toast["content"] == "Renewed"
    assert "Clicked." in json.dumps(result.card)
    assert (await talk.click(card, {"action": "nobody's"})).error is None


async def test_a_click_whose_handler_takes_longer_than_feishu_waits(talk) -> None:
    """Answered with nothing in time, and by the click's token afterwards."""
    card = talk.card()
    result = await talk.click(card, {"action": "late"})
    assert (result.error, result.toast, result.card) == (None, None, None)
    await talk.becomes(card, "Clicked.")


async def test_what_is_approved_runs_once(talk) -> None:
    service = f"web-{talk.app.name}-{talk.house.kind}"
    asked = await talk.say(f"deploy {service}", talk.group, mentions=[talk.app])
    card = await talk.world.wait_for(
        lambda m: m.msg_type == "interactive" and m.parent_id == asked.message_id, timeout=20
    )
    button = next(value for value in values(card.content) if value.get("approved") is True)
    refused = await talk.click(card, button)  # by the one who asked
    assert refused.toast["type"] != "success"
    both = await asyncio.gather(*(talk.click(card, button, talk.house.bob) for _ in range(2)))
    assert sorted(result.toast["type"] for result in both) in (["info", "success"], ["success", "warning"])
    await talk.becomes(card, "done")
    assert talk.house.ledger()[f"deployed {service}"] == 1


def values(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, dict):
        own = [part["value"]] if part.get("type") == "callback" else []
        return own + [value for inner in part.values() for value in values(inner)]
    return [value for inner in part for value in values(inner)] if isinstance(part, list) else []


@asynccontextmanager
async def no_event_can_be_stored(house: Any) -> Any:
    """The table is somebody else's meanwhile."""
    if house.kind == "sqlite":
        other = sqlite3.connect(house.where / "feishu.sqlite3", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            yield
        finally:
            other.close()
        return
    import asyncpg

    connection = await asyncpg.connect(house.url.replace("+asyncpg", ""))
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE feishu_ws_event IN ACCESS EXCLUSIVE MODE")
            yield
    finally:
        await connection.close()


async def test_what_cannot_be_stored_is_not_acked_and_comes_again(talk) -> None:
    """faults.md 22."""
    text = f"ping later {talk.app.name}"
    async with no_event_can_be_stored(talk.house):
        asked = await talk.say(text)
        await talk.hub.wait_pushed(talk.delivery(asked).event_id, 2, timeout=20)
        assert 200 not in [ack.code for ack in talk.delivery(asked).acks]
    await talk.answer(asked)
    assert (await talk.acked(asked)).acks[-1].code == 200
    assert talk.house.ledger()[text] == 1


async def test_killed_while_it_handles_and_started_again(house, both) -> None:
    """faults.md 29: it was acked, so Feishu does not bring it again; the next run finds it."""
    asked = [await talk.say(f"endless {talk.app.name}") for talk in both]
    for talk, one in zip(both, asked, strict=True):
        await talk.bot.line(f"NOTED begin endless {talk.app.name}")
        await talk.acked(one)
    await house.bots[0].kill()
    (house.where / "gate").touch()
    await house.again()
    for talk, one in zip(both, asked, strict=True):
        await talk.answer(one, within=60)  # a process is taken for dead after some 10 s
        text = f"endless {talk.app.name}"
        assert (house.ledger()[f"begin {text}"], house.ledger()[f"end {text}"]) == (2, 1)
        assert len(talk.delivery(one).pushes) == 1
    (house.where / "gate").unlink()


async def test_stopped_under_load(house, both) -> None:
    """faults.md 30: whatever was said while it stopped and was away is handled once it is back."""
    users = [house.sandbox.world.add_user(f"user {n}") for n in range(5)]
    said = []
    for n in range(30):
        for talk in both:
            user = users[n % 5]
            chat = talk.world.direct_chat(user, talk.app)
            said.append((talk, await talk.say(f"ping load {n} {talk.app.name}", chat, user)))
        if n == 10:
            house.bots[0].process.terminate()
        await asyncio.sleep(0.01)
    assert await asyncio.wait_for(house.bots[0].process.wait(), 15) in (0, -15)
    await house.again()
    for talk, asked in said:
        await talk.answer(asked)
        assert house.ledger()[asked.text] == 1


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
async def test_the_same_event_on_two_replicas(house, both, second) -> None:
    """faults.md 18: at once, by both; one of them handles it."""
    for talk in both:
        text = f"ping both {talk.app.name}"
        house.sandbox.faults.add(PushFault(copies=0, times=1, app_id=talk.app.app_id))
        asked = await talk.say(text)
        assert await to_all_replicas(talk, talk.delivery(asked)) == [200, 200]
        await talk.answer(asked)
        assert await talk.reasons(asked) == ["duplicate"]
        assert house.ledger()[text] == 1


async def to_all_replicas(talk: Any, delivery: Any) -> list[int]:
    """Push an event to every process at once; the codes of their answers."""
    house = talk.house
    if talk.app.request_url is None:
        online = await talk.hub.wait_connected(talk.app, len(house.bots), timeout=20)
        delivery.pushes += [connection.conn_id for connection in online]
        frames = [talk.hub._frames(delivery, connection, "event") for connection in online]
        await asyncio.gather(*(c.send_frame(f) for c, (f,) in zip(online, frames, strict=True)))
        await talk.hub.wait_ack(delivery.event_id, len(online), timeout=20)
        return [ack.code for ack in delivery.acks]
    posts = house.sandbox.posts
    to = [
        (house.address(talk.app, port), posts.prepared(talk.app, delivery.envelope)) for port in house.ports
    ]
    answers = await asyncio.gather(*(posts._send(url, post, 20) for url, post in to))
    return [answer.status for answer in answers]
