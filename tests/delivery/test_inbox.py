"""Taken once, in order, and finished: on SQLite and on PostgreSQL."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
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
    Lease,
    Unfinished,
    dead_letters,
)
from nonebot_plugin_feishu_ws.delivery import replay as replay_dead
from nonebot_plugin_feishu_ws.storage import Database, EventRow, EventState

Make = Callable[..., Awaitable[Inbox]]
Message = Callable[..., Incoming]
Kill = Callable[[Inbox], Awaitable[None]]


async def rows(database: Database) -> list[EventRow]:
    async with database.session() as session:
        return list((await session.exec(select(EventRow).order_by(col(EventRow.id)))).all())


async def replay(inbox: Inbox) -> list[Unfinished]:
    return [event async for event in inbox.unfinished()]


async def test_what_is_accepted_is_in_the_database(
    database: Database, make_inbox: Make, message: Message
) -> None:
    answer = await (await make_inbox(database)).accept(message())
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
    inbox = await make_inbox(database)
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
    inbox = await make_inbox(database)
    await inbox.accept(message())
    kinds = ["im.message.reaction.created_v1", "im.message.reaction.deleted_v1", "im.message.message_read_v1"]
    for number, kind in enumerate(kinds * 2, start=10):
        answer = await inbox.accept(message(number, message_id="om_1", event_type=kind))
        assert isinstance(answer, Accepted)
    assert [row.message_id for row in await rows(database)] == ["om_1"] + [None] * 6


async def test_a_thousand_at_once(database: Database, make_inbox: Make, message: Message) -> None:
    """Each is pushed twice; far more callers than there is room; rows in order of arrival."""
    inbox = await make_inbox(database, capacity=64)
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
    inbox = await make_inbox(database, max_batch=100)
    commits = 0
    write = database.write

    async def counted(work: Any, **options: Any) -> Any:
        nonlocal commits
        commits += 1
        return await write(work, **options)

    monkeypatch.setattr(database, "write", counted)
    await asyncio.gather(*(inbox.accept(message(number)) for number in range(1000)))
    assert commits <= 11


async def test_callers_wait_when_there_is_no_room(
    database: Database, make_inbox: Make, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one commit hangs the inbox holds no more than its capacity."""
    inbox = await make_inbox(database, capacity=5, max_batch=1)
    entered, go_on = asyncio.Event(), asyncio.Event()
    write = database.write

    async def slow(work: Any, **options: Any) -> Any:
        entered.set()
        await go_on.wait()
        return await write(work, **options)

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


async def test_replicas_race_for_the_same_events(
    database: Database, database_url: str, make_inbox: Make, message: Message
) -> None:
    """faults.md 18: the same event on three replicas at once; one insert wins. faults.md 17: and of two bots
    each has its own."""
    inboxes = [await make_inbox(database_url) for _ in range(3)]
    events = [message(number // 2, app_id="cli_a" if number % 2 else "cli_b") for number in range(400)]
    answers = await asyncio.gather(*(inbox.accept(event) for event in events for inbox in inboxes))
    for number in range(400):
        three = answers[3 * number : 3 * number + 3]
        assert sum(isinstance(answer, Accepted) for answer in three) == 1, three
    assert len(await rows(database)) == 400


async def test_one_event_the_database_refuses_takes_nobody_with_it(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """A lone surrogate has no UTF-8, on either database."""
    inbox = await make_inbox(database)
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
        await (await make_inbox(database)).accept(message(event_id=""))


async def test_endings_are_written(database: Database, make_inbox: Make, message: Message) -> None:
    inbox = await make_inbox(database)
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
    inbox = await make_inbox(database)
    answers = [await inbox.accept(message(number)) for number in range(250)]
    for answer in answers:
        assert isinstance(answer, Accepted)
        inbox.done(answer.row_id)
    await inbox.stop()
    assert {row.state for row in await rows(database)} == {EventState.DONE}


async def test_stopping_leaves_no_task_and_nobody_waiting(
    database: Database, make_lease: Callable[..., Awaitable[Lease]], make_inbox: Make, message: Message
) -> None:
    lease = await make_lease(database)
    before = asyncio.all_tasks()
    inbox = await make_inbox(database, lease, capacity=10)
    callers = [asyncio.create_task(inbox.accept(message(number))) for number in range(30)]
    await callers[0]
    await inbox.stop()
    answers = await asyncio.wait_for(asyncio.gather(*callers, return_exceptions=True), 5)
    stored = {row.event_id for row in await rows(database)}
    for number, answer in enumerate(answers):
        expected = Accepted if f"ev{number}" in stored else InboxUnavailable
        assert isinstance(answer, expected)
    async with asyncio.timeout(20):  # SQLAlchemy closes what was cancelled in a task of its own
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left)
    with pytest.raises(InboxUnavailable, match="stopped"):
        await inbox.accept(message())
    inbox.start()
    assert isinstance(await inbox.accept(message(99)), Accepted)


async def test_a_new_life_takes_over_what_was_left(
    database: Database, make_inbox: Make, message: Message, kill: Kill
) -> None:
    """No stop: the first process was killed between commit and acknowledgement."""
    killed = await make_inbox(database)
    events = [message(number) for number in range(250)]
    answers = await asyncio.gather(*(killed.accept(event) for event in events))
    for answer in answers[:100]:
        assert isinstance(answer, Accepted)
        killed.done(answer.row_id)
    await killed.flush()
    await kill(killed)

    inbox = await make_inbox(database)
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
    database: Database, make_inbox: Make, message: Message, kill: Kill
) -> None:
    paused = await make_inbox(database)
    answer = await paused.accept(message())
    assert isinstance(answer, Accepted)
    await kill(paused)
    assert len(await replay(await make_inbox(database))) == 1
    paused.done(answer.row_id)
    await paused.flush()
    assert [row.state for row in await rows(database)] == ["received"]


async def test_a_caller_that_gave_up_does_not_swallow_the_event(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """Cancelled before, during and right after the commit: the next push takes the event."""
    inbox = await make_inbox(database)
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
    inbox = await make_inbox(database)
    caller = asyncio.create_task(inbox.accept(message()))
    while not inbox._hands.rows:  # noqa: ASYNC110 - exactly the moment in between is meant
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
    inbox = await make_inbox(database)
    first = asyncio.create_task(inbox.accept(message()))
    second = asyncio.create_task(inbox.accept(message()))
    while len(inbox._waiting) < 2:  # noqa: ASYNC110 - exactly the moment in between is meant
        await asyncio.sleep(0)
    first.cancel()
    assert isinstance(await second, Accepted)


async def test_one_that_ends_while_its_repetition_is_read_is_not_handed_out_again(
    database: Database, make_inbox: Make, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the ending is another transaction, which may be through first."""
    inbox = await make_inbox(database)
    first = await inbox.accept(message())
    assert isinstance(first, Accepted)
    insert = inbox._store.insert

    async def slow(*arguments: Any) -> Any:
        found = await insert(*arguments)
        inbox.done(first.row_id)
        await inbox.flush()
        return found

    monkeypatch.setattr(inbox._store, "insert", slow)
    assert isinstance(await inbox.accept(message()), Duplicate)
    assert [row.state for row in await rows(database)] == ["done"]


async def test_orphans_taken_while_events_come_in_are_handed_out_once(
    database_url: str, database: Database, make_inbox: Make, message: Message
) -> None:
    """Two workers take events, give back every third once, and sweep all the while."""
    handed_out: list[tuple[int, int]] = []
    pushing = True

    def handle(inbox: Inbox, row_id: int, attempts: int) -> None:
        handed_out.append((row_id, attempts))
        if row_id % 3 == 0 and attempts == 1:
            inbox.give_back(row_id, error="later")
        else:
            inbox.done(row_id)

    async def sweep(inbox: Inbox) -> None:
        while pushing:
            async for event in inbox.unfinished():
                handle(inbox, event.row_id, event.attempts)

    async def push(inbox: Inbox, number: int) -> None:
        answer = await inbox.accept(message(number))
        if isinstance(answer, Accepted):
            handle(inbox, answer.row_id, 1)

    inboxes = [await make_inbox(database, max_batch=7), await make_inbox(database_url, max_batch=7)]
    sweeping = [asyncio.create_task(sweep(inbox)) for inbox in inboxes for _ in range(2)]
    await asyncio.gather(*(push(inbox, number) for number in range(300) for inbox in inboxes))
    async with asyncio.timeout(20):
        while {row.state for row in await rows(database)} != {"done"}:
            await asyncio.gather(*(inbox.flush() for inbox in inboxes))
    pushing = False
    await asyncio.gather(*sweeping)
    expected = [(row.id, 1) for row in await rows(database)]
    expected += [(row_id, 2) for row_id, _ in expected if row_id and row_id % 3 == 0]
    assert sorted(handed_out) == sorted(expected)


async def test_a_row_accepted_while_it_is_claimed_is_handed_out_once(
    database: Database, make_inbox: Make, message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claimed, then pushed again, taken and finished before the sweep has looked at what it claimed."""
    inbox = await make_inbox(database)
    answer = await inbox.accept(message())
    assert isinstance(answer, Accepted)
    inbox.give_back(answer.row_id)
    await inbox.flush()
    claim = inbox._store.claim

    async def slow(*args: Any, **options: Any) -> Any:
        claimed = await claim(*args, **options)
        again = await inbox.accept(message())
        assert isinstance(again, Accepted)
        inbox.done(again.row_id)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(inbox.flush(), 0.2)
        return claimed

    monkeypatch.setattr(inbox._store, "claim", slow)
    assert await replay(inbox) == []
    await inbox.flush()
    assert [row.state for row in await rows(database)] == ["done"]


async def test_given_back_it_is_anybodys(database: Database, make_inbox: Make, message: Message) -> None:
    """Without an error it was no attempt; with one it was, and the next one is told."""
    one, two = await make_inbox(database), await make_inbox(database)
    answer = await one.accept(message())
    assert isinstance(answer, Accepted)
    assert await replay(two) == []
    one.give_back(answer.row_id)
    assert isinstance(await one.accept(message()), Duplicate), "in hand until it is written"
    await one.flush()
    assert isinstance(await two.accept(message()), Duplicate), "for the next sweep, not for the next push"
    assert [(event.attempts, event.error) for event in await replay(two)] == [(1, None)]
    two.give_back(answer.row_id, error="odd\0 \ud800")
    await two.flush()
    (event,) = await replay(one)
    assert event.owner == one._lease.id
    assert (event.attempts, event.error) == (2, "odd\\0 \\ud800")
    one.done(event.row_id)
    two.done(event.row_id)
    await one.flush()
    (row,) = await rows(database)
    assert (row.state, row.attempts, row.error) == ("done", 2, None)


async def test_only_of_the_apps_that_are_asked_for(
    database: Database, make_inbox: Make, message: Message
) -> None:
    inbox = await make_inbox(database)
    for number, app_id in enumerate(["cli_a", "cli_b", "cli_c", "cli_a"]):
        answer = await inbox.accept(message(number, app_id=app_id))
        assert isinstance(answer, Accepted)
        inbox.give_back(answer.row_id)
    await inbox.flush()
    assert [event async for event in inbox.unfinished([])] == []
    taken = [event.incoming.app_id async for event in inbox.unfinished(["cli_a", "cli_c"])]
    assert taken == ["cli_a", "cli_c", "cli_a"]
    assert [event.incoming.app_id for event in await replay(inbox)] == ["cli_b"]


async def test_a_sweep_takes_no_more_than_is_wanted(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """Up to a limit; and what was claimed and not fetched is anybody's again, as if nothing had been."""
    one, two = await make_inbox(database), await make_inbox(database)
    for number in range(6):
        answer = await one.accept(message(number))
        assert isinstance(answer, Accepted)
        one.give_back(answer.row_id)
    await one.flush()
    assert [event async for event in one.unfinished(limit=0)] == []
    assert [event.incoming.event_id async for event in one.unfinished(limit=2)] == ["ev0", "ev1"]
    fetching = one.unfinished()
    assert (await anext(fetching)).incoming.event_id == "ev2"
    await fetching.aclose()
    await one.flush()
    left = await replay(two)
    assert [(event.incoming.event_id, event.attempts) for event in left] == [
        ("ev3", 1),
        ("ev4", 1),
        ("ev5", 1),
    ]


async def test_a_poison_event_is_a_dead_letter_and_can_be_replayed(
    database: Database, make_inbox: Make, message: Message, kill: Kill
) -> None:
    """faults.md 21: it kills whoever handles it; after some tries the ones behind it go on without it."""
    told: list[tuple[str, str]] = []
    options: dict[str, Any] = {
        "most_attempts": 3,
        "buried": lambda event, why: told.append((event.event_id, why)),
    }
    inbox = await make_inbox(database, **options)
    for number in range(3):
        await inbox.accept(message(number))
    for attempt in (2, 3):
        await kill(inbox)
        inbox = await make_inbox(database, **options)
        left = await replay(inbox)
        assert [event.attempts for event in left] == [attempt] * len(left)
        for event in left[1:]:
            inbox.done(event.row_id)
        await inbox.flush()
        assert left[0].incoming == message(0)
    await kill(inbox)
    inbox = await make_inbox(database, **options)
    assert await replay(inbox) == []
    assert told == [("ev0", "the process died 3 times while it was handled")]
    await inbox.flush()
    (letter,) = await dead_letters(database, ["cli_a"])
    assert (letter.event_id, letter.message_id, letter.chat_id, letter.attempts) == ("ev0", "om_0", "oc_1", 4)
    assert letter.error == told[0][1]
    assert await dead_letters(database, ["cli_b"]) == []
    assert await replay_dead(database, "cli_b") == await replay_dead(database, "cli_a", "ev1") == 0
    counts = await asyncio.gather(*(replay_dead(database, "cli_a", "ev0") for _ in range(4)))
    assert sorted(counts) == [0, 0, 0, 1]
    (event,) = await replay(inbox)
    assert (event.row_id, event.attempts, event.error) == (letter.row_id, 1, None)
    inbox.done(event.row_id)
    await inbox.flush()
    assert {row.state for row in await rows(database)} == {"done"}
    assert await dead_letters(database, ["cli_a"]) == []


async def test_what_was_in_hand_beside_a_poison_event_is_not_given_up(
    database: Database, make_inbox: Make, message: Message, kill: Kill
) -> None:
    """faults.md 21: processes die over the first one, before any is done; each gets its last chance alone."""
    inbox = await make_inbox(database, most_attempts=3)
    for number in range(3):
        await inbox.accept(message(number))
    for expected in ([(0, 2), (1, 2), (2, 2)], [(0, 3)], [(1, 3)]):
        await kill(inbox)
        inbox = await make_inbox(database, most_attempts=3)
        left = [(event.incoming, event.attempts) for event in await replay(inbox)]
        assert left == [(message(number), attempts) for number, attempts in expected]
        await inbox.flush()
        assert await replay(inbox) == []
    inbox.done((await rows(database))[1].id or 0)
    await inbox.flush()
    (last,) = await replay(inbox)
    inbox.done(last.row_id)
    await inbox.flush()
    assert [row.state for row in await rows(database)] == ["dead", "done", "done"]


async def test_what_failed_too_often_says_why(database: Database, make_inbox: Make, message: Message) -> None:
    inbox = await make_inbox(database, most_attempts=2)
    answer = await inbox.accept(message())
    assert isinstance(answer, Accepted)
    for error in ("first", "second"):
        inbox.give_back(answer.row_id, error=error)
        await inbox.flush()
        left = await replay(inbox)
    assert left == []
    await inbox.flush()
    assert [letter.error for letter in await dead_letters(database, ["cli_a"])] == ["second"]


async def test_stopping_gives_back_what_is_in_hand(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """Before the lease ends: nobody has to wait for anything."""
    one, two = await make_inbox(database), await make_inbox(database)
    for number in range(3):
        await one.accept(message(number))
    await one.stop()
    assert [event.incoming.event_id for event in await replay(two)] == ["ev0", "ev1", "ev2"]


async def test_nothing_is_taken_without_a_lease(
    database: Database, make_inbox: Make, message: Message
) -> None:
    """It has ended, so nobody is at work here: Feishu is to push to somebody who is."""
    inbox = await make_inbox(database)
    answer = await inbox.accept(message())
    assert isinstance(answer, Accepted)
    await inbox._lease.stop()
    pushes = [inbox.accept(message(number)) for number in (1, 2, 3)]
    refused = await asyncio.gather(*pushes, return_exceptions=True)
    assert {type(error) for error in refused} == {InboxUnavailable}
    with pytest.raises(InboxUnavailable, match="not at work"):
        await replay(inbox)
    other = await make_inbox(database)
    assert [event.row_id for event in await replay(other)] == [answer.row_id]
    other.give_back(answer.row_id)
    await other.flush()
    inbox.done(answer.row_id)
    await inbox.flush()
    assert [event.row_id for event in await replay(other)] == [answer.row_id], "its ending came too late"


async def test_a_fenced_worker_goes_on_under_another_name(
    database: Database, make_inbox: Make, message: Message, kill: Kill
) -> None:
    """What it has in hand it may still finish, unless somebody else has taken it by then."""
    paused, other = await make_inbox(database), await make_inbox(database)
    first, second = await paused.accept(message(1)), await paused.accept(message(2, app_id="cli_b"))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    await kill(paused)
    assert [event.row_id async for event in other.unfinished(["cli_a"])] == [first.row_id]
    third = await paused.accept(message(3))
    assert isinstance(third, Accepted)
    assert await replay(paused) == [], "in its own hands still"
    for answer in (first, second, third):
        paused.done(answer.row_id)
    await paused.flush()
    stored = {row.id: row for row in await rows(database)}
    assert [stored[answer.row_id].state for answer in (first, second, third)] == ["received", "done", "done"]
    assert stored[third.row_id].owner == paused._lease.id != stored[second.row_id].owner
    other.done(first.row_id)
    await other.flush()
    assert {row.state for row in await rows(database)} == {"done"}


async def test_finished_rows_are_forgotten(database: Database, make_inbox: Make, message: Message) -> None:
    inbox = await make_inbox(database)
    for answer in await asyncio.gather(*(inbox.accept(message(number)) for number in range(10))):
        assert isinstance(answer, Accepted)
        inbox.done(answer.row_id)
    await inbox.flush()
    assert inbox._hands.rows == {}


async def test_pruning_keeps_what_feishu_may_push_again(
    database: Database, make_inbox: Make, message: Message
) -> None:
    clock = [datetime(2025, 6, 1, tzinfo=UTC)]
    inbox = await make_inbox(database, now=lambda: clock[0])
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


@pytest.mark.parametrize("restart", [False, True])
async def test_feishus_pushes_in_the_hours_after(
    database: Database, make_inbox: Make, message: Message, kill: Kill, restart: bool
) -> None:
    """faults.md 16: again after 15 s, 5 min, 1 h, 6 h, and pruned every hour: handled once."""
    began = datetime(2025, 6, 1, tzinfo=UTC)
    clock = [began]
    inbox = await make_inbox(database, now=lambda: clock[0])
    answer = await inbox.accept(message())
    assert isinstance(answer, Accepted)
    inbox.done(answer.row_id)
    await inbox.flush()
    for after in (timedelta(seconds=15), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6)):
        if restart:
            await kill(inbox)
            inbox = await make_inbox(database, now=lambda: clock[0])
            assert await replay(inbox) == []
        clock[0] = began + after
        await inbox.prune(KEYS_KEPT)
        assert isinstance(await inbox.accept(message()), Duplicate)
        assert isinstance(await inbox.accept(message(event_id="under another id")), Duplicate)
    assert len(await rows(database)) == 1


async def test_pruning_many(database: Database, make_inbox: Make, message: Message) -> None:
    clock = [datetime(2025, 6, 1, tzinfo=UTC)]
    inbox = await make_inbox(database, now=lambda: clock[0])
    for answer in await asyncio.gather(*(inbox.accept(message(number)) for number in range(1200))):
        assert isinstance(answer, Accepted)
        inbox.done(answer.row_id)
    await inbox.flush()
    clock[0] += timedelta(days=1)
    assert await inbox.prune(timedelta(hours=9)) == 1200
    assert await rows(database) == []
