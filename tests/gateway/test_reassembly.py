"""Slots, not counts; and never more held than allowed."""

from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from nonebot_plugin_feishu_ws.gateway import Limits
from nonebot_plugin_feishu_ws.gateway.errors import FrameError
from nonebot_plugin_feishu_ws.gateway.reassembly import Reassembler

LIMITS = Limits(payload=60, fragments=6, partial_events=3, partial_bytes=100)
LIFETIME = 10.0


def make(limits=LIMITS):
    dropped = []
    return Reassembler(limits, LIFETIME, dropped.append), dropped


@given(st.data(), st.binary(max_size=50), st.integers(2, 6))
def test_any_order_with_duplicates_completes_exactly_once(data, payload, total):
    size = -(-len(payload) // total)
    parts = [payload[i * size : (i + 1) * size] for i in range(total)]
    order = data.draw(st.permutations(range(total)))
    extra = data.draw(st.lists(st.sampled_from(order[:-1]), max_size=6))  # duplicates before the last slot
    reassembler, _ = make()
    for seq in data.draw(st.permutations([*order[:-1], *extra])):
        assert reassembler.add("m", total, seq, parts[seq], 0) is None
    assert reassembler.add("m", total, order[-1], parts[order[-1]], 0) == payload
    assert len(reassembler) == reassembler.size == 0


def test_a_resend_is_assembled_again_once_even_after_a_stray_duplicate():
    reassembler, _ = make()
    for seq in (0, 1, 2):
        whole = reassembler.add("m", 3, seq, b"%d" % seq, 0)
    assert whole == b"012"
    results = [reassembler.add("m", 3, seq, b"%d" % seq, 1) for seq in (0, 0, 1, 2)]
    assert results == [None, None, None, b"012"]


def test_a_resend_cut_differently_does_not_mix():
    reassembler, _ = make()
    reassembler.add("m", 3, 0, b"abc", 0)
    assert reassembler.add("m", 2, 0, b"abcd", 0) is None
    assert reassembler.add("m", 2, 1, b"ef", 0) == b"abcdef"


def test_messages_do_not_mix():
    reassembler, _ = make()
    reassembler.add("a", 2, 0, b"a0", 0)
    reassembler.add("b", 2, 1, b"b1", 0)
    assert reassembler.add("a", 2, 1, b"a1", 0) == b"a0a1"
    assert reassembler.add("b", 2, 0, b"b0", 0) == b"b0b1"


@pytest.mark.parametrize(
    ("total", "seq"), [(3, 3), (3, 4), (3, -1), (0, 0), (-2, 0), (-2, -3), (7, 0), (10**7, 5), (10**7, 10**7)]
)
def test_nonsense_is_refused_and_nothing_is_kept(total, seq):
    reassembler, _ = make()
    with pytest.raises(FrameError):
        reassembler.add("m", total, seq, b"x", 0)
    assert len(reassembler) == reassembler.size == 0


def test_fragment_without_an_id_is_refused():
    reassembler, _ = make()
    with pytest.raises(FrameError):
        reassembler.add("", 2, 0, b"x", 0)


def test_incomplete_events_are_dropped_in_time():
    reassembler, dropped = make()
    reassembler.add("old", 2, 0, b"x", 0)
    reassembler.add("new", 2, 0, b"x", 5)
    reassembler.expire(LIFETIME - 0.1)
    assert len(reassembler) == 2
    reassembler.expire(LIFETIME)
    assert len(reassembler) == len(dropped) == 1
    assert "'old'" in dropped[0]
    assert reassembler.add("old", 2, 1, b"y", LIFETIME) is None


def test_an_event_too_large_is_dropped_whole():
    reassembler, dropped = make()
    reassembler.add("m", 3, 0, b"x" * 40, 0)
    with pytest.raises(FrameError):
        reassembler.add("m", 3, 1, b"x" * 40, 0)
    assert len(reassembler) == reassembler.size == 0
    assert len(dropped) == 1


def test_the_oldest_makes_room():
    reassembler, dropped = make()
    for name in "abcd":
        reassembler.add(name, 2, 0, b"x", 0)
    assert len(reassembler) == 3
    assert "'a'" in dropped[0]
    assert reassembler.add("d", 2, 1, b"y", 0) == b"xy"
    reassembler.add("e", 2, 0, b"x" * 50, 0)
    reassembler.add("f", 2, 0, b"x" * 50, 0)
    assert reassembler.size == 100


class Machine(RuleBasedStateMachine):
    """Against a model that remembers everything within the bounds it checks."""

    ids: ClassVar = st.sampled_from("abcde")

    def __init__(self):
        super().__init__()
        self.now = 0.0
        self.reassembler, self.dropped = make()
        self.sent: dict[tuple[str, int], dict[int, bytes]] = {}

    @rule(name=ids, total=st.integers(-1, 8), seq=st.integers(-1, 8), part=st.binary(max_size=30))
    def add(self, name, total, seq, part):
        key = name, total
        held = key in self.reassembler._partials
        try:
            whole = self.reassembler.add(name, total, seq, part, self.now)
        except FrameError:
            sizes = {**self.sent.get(key, {}), seq: part} if held else {seq: part}
            too_large = sum(map(len, sizes.values())) > LIMITS.payload
            assert too_large or not 0 <= seq < total or total > LIMITS.fragments
            return
        parts = self.sent.setdefault(key, {})
        if not held:
            parts.clear()
        parts[seq] = part
        if whole is not None:
            assert len(parts) == total
            assert whole == b"".join(parts[index] for index in range(total))
            parts.clear()
        else:
            assert len(parts) < total or key not in self.reassembler._partials

    @rule(seconds=st.floats(0, 15))
    def wait(self, seconds):
        self.now += seconds
        self.reassembler.expire(self.now)
        assert all(self.now - partial.since < LIFETIME for partial in self.reassembler._partials.values())

    @invariant()
    def bounded(self):
        partials = self.reassembler._partials
        assert len(partials) <= LIMITS.partial_events
        assert self.reassembler.size == sum(
            len(part) for one in partials.values() for part in one.parts.values()
        )
        assert self.reassembler.size <= LIMITS.partial_bytes
        assert all(one.size <= LIMITS.payload for one in partials.values())


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
