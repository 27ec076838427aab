"""Messages in quick succession, whatever comes in between: each in one turn, in order, with its own kind only."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.butler.conversations import Conversations
from nonebot_plugin_feishu_ws.butler.merging import MOST, Member, Merger
from nonebot_plugin_feishu_ws.butler.sign import Sign
from nonebot_plugin_feishu_ws.butler.turn import Standing, Turn
from nonebot_plugin_feishu_ws.delivery import Fenced

WINDOW = 1.0


class Jumping(selectors.DefaultSelector):
    """Waits in no time."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everybody waits for somebody else"
        self.now += max(timeout, 0.0)
        return []


class Hours(asyncio.SelectorEventLoop):
    """A loop in which time passes only when nobody has anything to do."""

    def __init__(self) -> None:
        self._jumping = Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


@dataclass(frozen=True)
class Said:
    """A message: who says it, how many seconds after the one before, and whether it can be merged."""

    sender: str
    after: float
    kind: str = "words"


@dataclass
class Shown:
    """A reaction, as it is wanted."""

    wanted: list[str] = field(default_factory=list)

    def show(self, emoji: str) -> None:
        self.wanted.append(emoji)


class Room:
    """One conversation, whose turns take a given time, on a loop of its own."""

    window = WINDOW

    def __init__(self, takes: float, *, fenced: bool = False) -> None:
        self.takes = takes
        self.fenced = fenced
        self.conversations = Conversations()
        self.merger = Merger(self.conversations)
        self.turns: list[list[int]] = []
        self.begun: list[float] = []
        self.arrived: dict[int, float] = {}
        self.left: dict[int, float] = {}
        self.signs: dict[int, Shown] = {}
        self.at_work = 0
        self.stopped: set[int] = set()

    async def standing(self, turn: Turn) -> Standing | None:
        return Standing(turn, free=True)

    async def merge(self, turns: Sequence[Turn]) -> Turn:
        await asyncio.sleep(0.001)
        if self.fenced:
            raise Fenced("owner")
        return replace(turns[-1], text=" ".join(turn.text for turn in turns))

    async def answer(self, turn: Turn, _: Any) -> None:
        self.at_work += 1
        assert self.at_work == 1, "turns of one conversation never overlap"
        try:
            self.turns.append([int(word) for word in turn.text.split()])
            self.begun.append(asyncio.get_running_loop().time())
            await asyncio.sleep(self.takes)
        finally:
            self.at_work -= 1

    async def comes(self, number: int, said: Said) -> None:
        clock = asyncio.get_running_loop().time
        self.arrived[number] = clock()
        turn = cast("Turn", _turn(said.sender, number))
        sign = self.signs[number] = Shown()
        if said.kind == "stop":
            self.conversations.stop("chat")
            return
        place = self.conversations.take("chat")
        if said.kind == "words":
            member = Member(self, turn, place, cast("Sign", sign))
            await self.merger.serve(member, cast("Callable[[Turn, Sign], Awaitable[None]]", self.answer))
        elif said.kind == "alone":
            await place.run(lambda: self.answer(turn, sign))
        self.left[number] = clock()

    async def all(self, messages: Sequence[Said]) -> None:
        tasks: list[asyncio.Task[None]] = []
        for number, said in enumerate(messages):
            await asyncio.sleep(said.after)
            tasks.append(asyncio.create_task(self.comes(number, said)))
        await asyncio.gather(*tasks)


def _turn(sender: str, number: int) -> Turn:
    bare: Any = SimpleNamespace()
    return Turn(str(number), "", "", "", None, sender, bare, bare, bare, status=str, say=bare)


def play(messages: Sequence[Said], takes: float = 0.5, *, fenced: bool = False) -> Room:
    loop = Hours()
    try:
        room = Room(takes, fenced=fenced)
        loop.run_until_complete(room.all(messages))
        return room
    finally:
        loop.close()


MESSAGES = st.lists(
    st.builds(
        Said,
        st.sampled_from("ab"),
        st.sampled_from([0.0, 0.0, 0.3, 0.9, 1.5, 4.0]),
        st.sampled_from(["words", "words", "words", "words", "alone"]),
    ),
    max_size=30,
)


@settings(max_examples=200, deadline=None)
@given(MESSAGES, st.sampled_from([0.0, 0.5, 3.0]))
def test_each_message_is_in_one_turn_in_order_with_its_kind(messages: list[Said], takes: float) -> None:
    room = play(messages, takes)
    answered = [number for turn in room.turns for number in turn]
    assert sorted(answered) == list(range(len(messages)))
    for sender in "ab":
        mine = [number for number in answered if messages[number].sender == sender]
        assert mine == sorted(mine), "what one person says keeps its order"
    for turn, begun in zip(room.turns, room.begun, strict=True):
        assert len({messages[number].sender for number in turn}) == 1
        assert len(turn) <= MOST
        assert len(turn) == 1 or all(messages[number].kind == "words" for number in turn)
        assert all(room.arrived[number] <= begun for number in turn)
        between = range(turn[0], turn[-1])
        assert all(messages[number].kind == "words" for number in between), "nothing is said around a command"
        ended = {room.left[number] for number in turn}
        assert max(ended) - min(ended) < 1e-6, "they are answered, and their reactions go, at the same time"
        for number in turn[:-1]:
            assert room.signs[number].wanted == [""]


@settings(max_examples=100, deadline=None)
@given(MESSAGES)
def test_what_waits_or_follows_at_once_is_merged(messages: list[Said]) -> None:
    """The other way round: two turns in a row of one person are so far apart, or something kept them apart."""
    room = play(messages, 0.5)
    for (turn, begun), after in zip(zip(room.turns, room.begun, strict=True), room.turns[1:], strict=False):
        first = after[0]
        kinds = {messages[number].kind for number in range(turn[0], first + 1)}
        if kinds != {"words"} or messages[turn[0]].sender != messages[first].sender or len(turn) == MOST:
            continue
        assert room.arrived[first] >= min(room.arrived[turn[-1]] + WINDOW, begun) - 1e-6


@settings(max_examples=100, deadline=None)
@given(MESSAGES, st.integers(0, 30), st.sampled_from([0.5, 3.0]))
def test_a_stop_ends_all_that_came_before_it_and_nothing_after(
    messages: list[Said], where: int, takes: float
) -> None:
    where = min(where, len(messages))
    room = play([*messages[:where], Said("b", 0.1, "stop"), *messages[where:]], takes)
    late = [number for turn in room.turns for number in turn if number > where]
    assert sorted(late) == list(range(where + 1, len(messages) + 1))
    for turn, begun in zip(room.turns, room.begun, strict=True):
        assert all(number > where for number in turn) or begun <= room.arrived[where]


@settings(max_examples=50, deadline=None)
@given(MESSAGES)
def test_where_one_is_another_process_s_each_is_answered_by_itself(messages: list[Said]) -> None:
    room = play(messages, 0.5, fenced=True)
    assert sorted(map(tuple, room.turns)) == [(number,) for number in range(len(messages))]


def test_somebody_who_never_stops_writing_is_answered_all_the_same() -> None:
    room = play([Said("a", 0.9) for _ in range(15)], 0.0)
    assert room.begun[0] <= 0.9 + 5 * WINDOW + 0.01
    assert len(room.turns[0]) == 6


def test_a_message_that_waits_in_line_needs_no_more_time() -> None:
    room = play([Said("a", 0.0), Said("b", 1.1), Said("b", 0.1)], takes=5.0)
    assert room.turns == [[0], [1, 2]]
    assert room.begun[1] - room.begun[0] < 5.01


def test_a_turn_has_so_many_messages_and_no_more() -> None:
    room = play([Said("a", 0.0), *[Said("b", 0.0)] * 45], takes=5.0)
    assert [len(turn) for turn in room.turns] == [1, MOST, MOST, 5]
