"""Taken once, in order, and finished: on SQLite and on PostgreSQL."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from nonebot_plugin_feishu_ws.delivery import (
    KEYS_KEPT,
    Accepted,
    Duplicate,
    EventRejected,
    Inbox,
    InboxUnavailable,
    Incoming,
    Unfinished,
)
from nonebot_plugin_feishu_ws.storage import Database, EventRow, EventState

Make = Callable[..., Inbox]
Message = Callable[..., Incoming]


async def rows(database: Database) -> list[EventRow]:
    async with database.session() as session:
        return list((await session.exec(select(EventRow).order_by(col(EventRow.id)))).all())


async def replay(inbox: Inbox) -> list[Unfinished]:
    return [event async for event in inbox.unfinished()]


async def test_what_is_accepted_is_in_the_database(
    database: Database, make_inbox: Make, message: Message
) -> None:
    answer = await make_inbox(database).accept(message())
    assert isinstance(answer, Accepted)
    (row,) = await rows(database)
    assert (row.id, row.connector, row.event_id, row.message_id) == (answer.row_id, "cli_a", "ev1", "om_1")
    assert (row.payload, row.chat_id, row.state, row.attempts) == (b'{"n":1}', "oc_1", "received", 1)


@pytest.mark.parametrize(
    ("changes", "known"),
    [
        ({}, True),
        ({"event_id": "ev2"}, True),
        ({"message_id": "om_2"}, True),
        ({"message_id": None}, True),
        ({"event_id": "ev2", "message_id": "om_2"}, False),
        ({"event_id": "ev2", "message_id": None}, False),
        ({"event_id": "ev2", "message_id": ""}, False),
        ({"app_id": "cli_b"}, False),
        ({"event_id": "ev2", "event_type": "im.message.reaction.created_v1"}, False),
    ],
)
async def test_either_key_tells_a_repetition(
    database: Database, make_inbox: Make, message: Message, changes: dict[str, Any], known: bool
) -> None:
    """One after the other and in one batch."""
    inbox = make_inbox(database)
    await inbox.accept(message())
    assert isinstance(await inbox.accept(message(**changes)), Duplicate if known else Accepted)
    changes = {key: value and value.replace("2", "8") for key, value in changes.items()}
    first, again = message(7), message(7, **changes)
    one, two = await asyncio.gather(inbox.accept(first), inbox.accept(again))
    assert isinstance(one, Accepted)
    assert isinstance(two, Duplicate if known else Accepted)


async def test_reactions_to_one_message_do_not_collide(
    database: Database, make_inbox: Make, message: Message
) -> None:
    inbox = make_inbox(database)
    await inbox.accept(message())
    kinds = ["im.message.reaction.created_v1", "im.message.reaction.deleted_v1", "im.message.message_read_v1"]
    for number, kind in enumerate(kinds * 2, start=10):
        answer = await inbox.accept(message(number, message_id="om_1", event_type=kind))
        assert isinstance(answer, Accepted)
    assert [row.message_id for row in await rows(database)] == ["om_1"] + [None] * 6


async def test_a_thousand_at_once(database: Database, make_inbox: Make, message: Message) -> None:
    """Each is pushed twice; far more callers than there is room; rows in order of arrival."""
    inbox = make_inbox(database, capacity=64)
    events = [message(number) for number in range(1000)]
    answers = await asyncio.gather(*(inbox.accept(event) for event in events for _ in range(2)))
    first, again = answers[::2], answers[1::2]
    numbers = [answer.row_id for answer in first if isinstance(answer, Accepted)]
    assert len(numbers) == 1000
    assert numbers == sorted(numbers)
    assert set(again) == {Duplicate()}
    assert [row.event_id for row in await rows(database)] == [event.event_id for event in events]


async def test_many_share_a_commit(
    database: Database, make_inbox: Make, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = make_inbox(database, max_batch=100)
    commits = 0
    write = database.write

    async def counted(work: Any) -> Any:
        nonlocal commits
        commits += 1
        return await write(work)

    monkeypatch.setattr(database, "write", counted)
    await asyncio.gather(*(inbox.accept(message(number)) for number in range(1000)))
    assert commits <= 11


async def test_callers_wait_when_there_is_no_room(
    database: Database, make_inbox: Make, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one commit hangs the inbox holds no more than its capacity."""
    inbox = make_inbox(database, capacity=5, max_batch=1)
    entered, go_on = asyncio.Event(), asyncio.Event()
    write = database.write

    async def slow(work: Any) -> Any:
        entered.set()
        await go_on.wait()
        return await write(work)

    monkeypatch.setattr(database, "write", slow)
    callers = [asyncio.create_task(inbox.accept(message(number))) for number in range(20)]
    try:
        await asyncio.wait_for(entered.wait(), 5)
        assert len(inbox._waiting) == 4, "and one that is being written"
        assert not any(caller.done() for caller in callers)
    finally:
        go_on.set()  # or stopping would wait for the commit that hangs
    answers = await asyncio.gather(*callers)
    numbers = [answer.row_id for answer in answers if isinstance(answer, Accepted)]
    assert len(numbers) == 20
    assert numbers == sorted(numbers)


async def test_two_replicas_race_for_the_same_events(
    database_url: str, database: Database, make_inbox: Make, message: Message
) -> None:
    other = Database(database_url)
    try:
        inboxes = [make_inbox(database), make_inbox(other)]
        events = [message(number) for number in range(300)]
        answers = await asyncio.gather(*(inbox.accept(event) for event in events for inbox in inboxes))
        for number in range(300):
            pair = answers[2 * number : 2 * number + 2]
            assert sum(isinstance(answer, Accepted) for answer in pair) == 1, pair
        assert len(await rows(database)) == 300
    finally:
        for inbox in inboxes:
            await inbox.stop()
        await other.close()


async def test_one_event_the_database_refuses_takes_nobody_with_it(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """A lone surrogate has no UTF-8, on either database."""
    inbox = make_inbox(database)
    events = [message(number) for number in range(50)]
    events[17] = message(17, event_id="ev\ud800")
    events[33] = message(33, chat_id="oc\udfff")
    answers = await asyncio.gather(*(inbox.accept(event) for event in events), return_exceptions=True)
    for number, answer in enumerate(answers):
        assert isinstance(answer, EventRejected if number in (17, 33) else Accepted), number
    stored = [row.event_id for row in await rows(database)]
    assert stored == [event.event_id for number, event in enumerate(events) if number not in (17, 33)]


async def test_an_event_without_id_is_refused(database: Database, make_inbox: Make, message: Message) -> None:
    with pytest.raises(EventRejected, match="no id"):
        await make_inbox(database).accept(message(event_id=""))


async def test_endings_are_written(database: Database, make_inbox: Make, message: Message) -> None:
    inbox = make_inbox(database)
    done, dead, left = [await inbox.accept(message(number)) for number in range(3)]
    assert isinstance(done, Accepted)
    assert isinstance(dead, Accepted)
    assert isinstance(left, Accepted)
    inbox.done(done.row_id)
    inbox.dead(dead.row_id, "handler raised " + "x" * 10_000)
    inbox.done(dead.row_id)  # too late: it is dead
    await inbox.flush()
    stored = {row.id: row for row in await rows(database)}
    assert [stored[answer.row_id].state for answer in (done, dead, left)] == ["done", "dead", "received"]
    assert stored[done.row_id].done_at is not None
    error = stored[dead.row_id].error
    assert error is not None
    assert error.startswith("handler raised x")
    assert len(error) == 2000
    for number in range(3):
        assert isinstance(await inbox.accept(message(number)), Duplicate)


async def test_stopping_writes_the_endings(database: Database, make_inbox: Make, message: Message) -> None:
    inbox = make_inbox(database)
    answers = [await inbox.accept(message(number)) for number in range(250)]
    for answer in answers:
        assert isinstance(answer, Accepted)
        inbox.done(answer.row_id)
    await inbox.stop()
    assert {row.state for row in await rows(database)} == {EventState.DONE}


async def test_stopping_leaves_no_task_and_nobody_waiting(
    database: Database, make_inbox: Make, message: Message
) -> None:
    before = asyncio.all_tasks()
    inbox = make_inbox(database, capacity=10)
    callers = [asyncio.create_task(inbox.accept(message(number))) for number in range(30)]
    await callers[0]
    await inbox.stop()
    answers = await asyncio.wait_for(asyncio.gather(*callers, return_exceptions=True), 5)
    stored = {row.event_id for row in await rows(database)}
    for number, answer in enumerate(answers):
        expected = Accepted if f"ev{number}" in stored else InboxUnavailable
        assert isinstance(answer, expected)
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}
    with pytest.raises(InboxUnavailable, match="stopped"):
        await inbox.accept(message())
    inbox.start()
    assert isinstance(await inbox.accept(message(99)), Accepted)


async def test_a_new_life_takes_over_what_was_left(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """No stop: the first process was killed between commit and acknowledgement."""
    killed = make_inbox(database)
    events = [message(number) for number in range(250)]
    answers = await asyncio.gather(*(killed.accept(event) for event in events))
    for answer in answers[:100]:
        assert isinstance(answer, Accepted)
        killed.done(answer.row_id)
    await killed.flush()

    inbox = make_inbox(database)
    assert isinstance(await inbox.accept(events[200]), Duplicate), "Feishu pushes again before the replay"
    mine = await inbox.accept(message(999))
    left = await replay(inbox)
    assert [event.incoming for event in left] == events[100:]
    assert {event.attempts for event in left} == {2}
    assert isinstance(mine, Accepted)
    assert mine.row_id not in {event.row_id for event in left}, "in hand already"
    assert isinstance(await inbox.accept(events[200]), Duplicate), "and after it"
    assert await replay(inbox) == []
    for event in left:
        inbox.done(event.row_id)
    killed.done(left[0].row_id)
    await inbox.flush()
    assert [row.event_id for row in await rows(database) if row.state != "done"] == ["ev999"]


async def test_one_that_lost_its_rows_cannot_finish_them(
    database: Database, make_inbox: Make, message: Message
) -> None:
    paused = make_inbox(database)
    answer = await paused.accept(message())
    assert isinstance(answer, Accepted)
    await replay(make_inbox(database))
    paused.done(answer.row_id)
    await paused.flush()
    assert [row.state for row in await rows(database)] == ["received"]


async def test_a_caller_that_gave_up_does_not_swallow_the_event(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """Cancelled before, during and right after the commit: the next push takes the event."""
    inbox = make_inbox(database)
    for number, steps in enumerate([0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]):
        caller = asyncio.create_task(inbox.accept(message(number)))
        for _ in range(steps):
            await asyncio.sleep(0)
        finished = caller.done()
        caller.cancel()
        await asyncio.wait({caller})
        again = await inbox.accept(message(number))
        assert isinstance(again, Duplicate if finished else Accepted), steps


async def test_a_caller_cancelled_when_its_answer_is_there(
    database: Database, make_inbox: Make, message: Message
) -> None:
    inbox = make_inbox(database)
    caller = asyncio.create_task(inbox.accept(message()))
    while not inbox._in_hand:  # noqa: ASYNC110 - exactly the moment in between is meant
        await asyncio.sleep(0)
    assert not caller.done()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert isinstance(await inbox.accept(message()), Accepted)


async def test_the_second_of_two_is_told_if_the_first_has_gone(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """The same event twice in one batch, and the caller who came first does not wait any more."""
    inbox = make_inbox(database)
    first = asyncio.create_task(inbox.accept(message()))
    second = asyncio.create_task(inbox.accept(message()))
    while len(inbox._waiting) < 2:  # noqa: ASYNC110 - exactly the moment in between is meant
        await asyncio.sleep(0)
    first.cancel()
    assert isinstance(await second, Accepted)


async def test_a_replay_while_events_come_in_hands_out_each_once(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """Half are finished at once, half are kept; the replay goes on all the while."""
    inbox = make_inbox(database, max_batch=7)
    replayed: list[int] = []
    pushing = True

    async def replay_all_the_while() -> None:
        while pushing:
            replayed.extend([event.row_id async for event in inbox.unfinished()])

    async def push(number: int) -> int | None:
        answer = await inbox.accept(message(number))
        if isinstance(answer, Duplicate):  # the replay was faster
            return None
        if number % 2:
            inbox.done(answer.row_id)
        return answer.row_id

    replaying = [asyncio.create_task(replay_all_the_while()) for _ in range(2)]
    accepted = await asyncio.gather(*(push(number) for number in range(400)))
    pushing = False
    await asyncio.gather(*replaying)
    await inbox.flush()
    handed_out = sorted([*replayed, *(row_id for row_id in accepted if row_id is not None)])
    assert handed_out == [row.id for row in await rows(database)]


async def test_a_row_finished_while_it_is_read_is_not_handed_out(
    database: Database, make_inbox: Make, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read as unfinished, then accepted and finished before the replay has looked at what was read."""
    inbox = make_inbox(database)
    answer = await inbox.accept(message())
    assert isinstance(answer, Accepted)
    take_over = inbox._store.take_over

    async def slow(app_id: str | None, **options: Any) -> Any:
        page = await take_over(app_id, **options | {"held": ()})
        inbox.done(answer.row_id)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(inbox.flush(), 0.2)
        return page

    monkeypatch.setattr(inbox._store, "take_over", slow)
    assert await replay(inbox) == []
    await inbox.flush()
    assert [row.state for row in await rows(database)] == ["done"]


async def test_finished_rows_are_forgotten(database: Database, make_inbox: Make, message: Message) -> None:
    inbox = make_inbox(database)
    for answer in await asyncio.gather(*(inbox.accept(message(number)) for number in range(10))):
        assert isinstance(answer, Accepted)
        inbox.done(answer.row_id)
    await inbox.flush()
    assert inbox._in_hand == set()


async def test_pruning_keeps_what_feishu_may_push_again(
    database: Database, make_inbox: Make, message: Message
) -> None:
    clock = [datetime(2025, 6, 1, tzinfo=UTC)]
    inbox = make_inbox(database, now=lambda: clock[0])
    for number in range(3):
        answer = await inbox.accept(message(number))
        assert isinstance(answer, Accepted)
        if number == 0:
            inbox.done(answer.row_id)
        if number == 1:
            inbox.dead(answer.row_id, "why")
    await inbox.flush()
    with pytest.raises(ValueError, match="8:00:00"):
        await inbox.prune(timedelta(hours=7.9))
    clock[0] += KEYS_KEPT
    assert await inbox.prune(KEYS_KEPT) == 0
    assert isinstance(await inbox.accept(message(0)), Duplicate)
    clock[0] += timedelta(seconds=1)
    assert await inbox.prune(KEYS_KEPT) == 1
    assert isinstance(await inbox.accept(message(0)), Accepted)
    clock[0] += timedelta(days=31)
    assert await inbox.prune(KEYS_KEPT) == 1, "the dead letter"
    assert [row.event_id for row in await rows(database)] == ["ev2", "ev0"], "unfinished ones stay"


async def test_pruning_many(database: Database, make_inbox: Make, message: Message) -> None:
    clock = [datetime(2025, 6, 1, tzinfo=UTC)]
    inbox = make_inbox(database, now=lambda: clock[0])
    for answer in await asyncio.gather(*(inbox.accept(message(number)) for number in range(1200))):
        assert isinstance(answer, Accepted)
        inbox.done(answer.row_id)
    await inbox.flush()
    clock[0] += timedelta(days=1)
    assert await inbox.prune(timedelta(hours=9)) == 1200
    assert await rows(database) == []
