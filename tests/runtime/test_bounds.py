"""Events in hand are bounded; whoever is kept waiting gets on as soon as somebody leaves."""

import asyncio
from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nonebot_plugin_feishu_ws.runtime.room import Room


async def turn() -> None:
    """Everything that is ready runs."""
    for _ in range(5):
        await asyncio.sleep(0)


async def entering(room: Room, chat: str) -> asyncio.Task[bool]:
    task = asyncio.create_task(room.enter(chat))
    await turn()
    return task


async def test_a_full_room_keeps_others_waiting_in_order() -> None:
    room = Room(2, patience=10)
    assert await room.enter("a")
    assert await room.enter("b")
    first, second = await entering(room, "c"), await entering(room, "d")
    assert (room.in_hand, room.waiting, room.free) == (2, 2, 0)
    room.leave("a")
    assert await first
    assert not second.done()
    room.leave("b")
    assert await second
    assert (room.in_hand, room.waiting, room.refused) == (2, 0, 0)


async def test_nobody_waits_for_ever() -> None:
    room = Room(1, patience=0.01)
    assert await room.enter("a")
    assert not await room.enter("b")
    assert (room.in_hand, room.waiting, room.refused) == (1, 0, 1)
    room.leave("a")
    assert await room.enter("b")


async def test_too_many_do_not_even_wait() -> None:
    room = Room(1, patience=10, queue=1)
    assert await room.enter("a")
    waiting = await entering(room, "b")
    assert not await room.enter("c")
    assert room.refused == 1
    room.leave("a")
    assert await waiting


async def test_a_chat_at_work_may_have_one_more() -> None:
    """What its handler waits for, perhaps."""
    room = Room(2, patience=10)
    assert await room.enter("a")
    assert await room.enter("b")
    assert await room.enter("a")
    second = await entering(room, "a")
    assert not second.done()
    room.leave("a")
    assert await second
    assert room.in_hand == 3


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    room = Room(1, patience=10)
    assert await room.enter("a")
    waiting = await entering(room, "b")
    waiting.cancel()
    await asyncio.wait([waiting])
    late = await entering(room, "c")
    room.leave("a")  # a place is given to `late`,
    late.cancel()  # who is gone before hearing of it
    await asyncio.wait([late])
    assert (room.in_hand, room.waiting) == (0, 0)


async def test_a_closed_room_sends_everybody_away() -> None:
    room = Room(1, patience=10)
    assert await room.enter("a")
    waiting = await entering(room, "b")
    room.close()
    assert not await waiting
    assert not await room.enter("a")
    room.leave("a")
    assert room.in_hand == 0


@settings(max_examples=200, deadline=None)
class Crowd(RuleBasedStateMachine):
    """Whatever comes and goes: bounded, in order, and nobody waits who need not."""

    LIMIT = 3

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.room = Room(self.LIMIT, patience=1e6)
        self.waiting: list[tuple[str, asyncio.Task[bool]]] = []
        self.inside: Counter[str] = Counter()

    def run(self) -> None:
        self.loop.run_until_complete(turn())
        passed: set[str] = set()
        for chat, task in tuple(self.waiting):
            if task.done():
                assert task.result()
                assert chat not in passed, "overtaken by a later one of its chat"
                self.inside[chat] += 1
                self.waiting.remove((chat, task))
            else:
                passed.add(chat)

    @rule(chat=st.sampled_from("abcde"))
    def come(self, chat: str) -> None:
        self.waiting.append((chat, self.loop.create_task(self.room.enter(chat))))
        self.run()

    @precondition(lambda self: +self.inside)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        chat = data.draw(st.sampled_from(sorted(+self.inside)))
        self.inside[chat] -= 1
        self.room.leave(chat)
        self.run()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(entry)
        entry[1].cancel()
        self.run()

    @invariant()
    def counted_and_bounded(self) -> None:
        assert self.room.in_hand == self.inside.total() <= 2 * self.LIMIT
        assert self.room.waiting == len(self.waiting)

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        if self.waiting:
            assert self.room.in_hand >= self.LIMIT

    def teardown(self) -> None:
        for _, task in self.waiting:
            task.cancel()
        self.loop.run_until_complete(turn())
        self.loop.close()


TestAnyCrowd = Crowd.TestCase
