"""Hours in no time: the state is pure, so the clock is a number."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.gateway import Timings
from nonebot_plugin_feishu_ws.gateway.liveness import Liveness, Verdict
from nonebot_plugin_feishu_ws.gateway.policy import ServerConfig

TIMINGS = Timings()
LIMIT = 45  # faults.md 2


@dataclass
class Link:
    """Drives a Liveness as the keeper does; the gateway answers pings after `delay` s, or not at all."""

    server: ServerConfig = field(default_factory=ServerConfig)
    delay: float | None = 0.1
    now: float = 1000.0
    slept: float = 0.0  # what the monotonic clock has missed
    pings: list[float] = field(default_factory=list)
    arriving: list[float] = field(default_factory=list)
    dead_at: float | None = None

    def __post_init__(self):
        self.liveness = Liveness(TIMINGS, self.now)

    def run(self, until):
        while self.now < until and self.dead_at is None:
            for at in sorted(at for at in self.arriving if at <= self.now):
                self.liveness.heard(at)
            self.arriving = [at for at in self.arriving if at > self.now]
            verdict = self.liveness.look(self.now, self.now + self.slept, self.server)
            if verdict is Verdict.DEAD:
                self.dead_at = self.now
            elif verdict is Verdict.PING:
                self.pings.append(self.now)
                if self.delay is not None:
                    self.arriving.append(self.now + self.delay)
            self.now += max(self.liveness.rest(self.now, self.now + self.slept, self.server), 1e-6)
        return self


intervals = st.none() | st.floats(1e-3, 1e7)


def test_first_ping_right_after_connecting():
    assert Link().run(1001).pings == [1000.0]


@given(intervals, st.floats(0, 14))
def test_a_healthy_idle_link_is_never_dropped(interval, delay):
    assert Link(ServerConfig(ping_interval=interval), delay).run(1000 + 3600).dead_at is None


@given(intervals, st.floats(0, 300))
def test_a_dead_link_is_noticed_whatever_the_servers_interval(interval, alive):
    link = Link(ServerConfig(ping_interval=interval)).run(1000 + alive)
    died, link.delay = link.now, None
    link.arriving.clear()
    link.run(died + 1000)
    assert link.dead_at is not None
    assert link.dead_at - died <= LIMIT - TIMINGS.close


@given(st.lists(st.floats(1000, 1030), min_size=2, max_size=50))
def test_links_that_only_look_do_so_together(connected_at):
    """Thousands of them do not wake the process thousands of times in a tick; and none looks later than it would."""
    looks = set[int]()
    for now in connected_at:
        liveness = Liveness(TIMINGS, now)
        liveness.look(now, now, ServerConfig())
        rest = liveness.rest(now, now, ServerConfig())
        assert TIMINGS.tick * 0.95 - 1e-6 < rest <= TIMINGS.tick
        moment = (now + rest) / TIMINGS.tick * 20
        assert moment == pytest.approx(round(moment), abs=1e-6)
        looks.add(round(moment))
    assert len(looks) <= (max(connected_at) - min(connected_at)) / TIMINGS.tick * 20 + 2


def test_a_gateway_that_never_answers_is_noticed_soonest():
    link = Link(delay=None).run(2000)
    assert link.dead_at == pytest.approx(1000 + TIMINGS.pong)


@pytest.mark.parametrize(
    ("interval", "pings"), [(None, 144), (120, 144), (1e9, 144), (10, 360), (5, 720), (0.001, 720)]
)
def test_an_idle_link_is_pinged_no_more_than_needed(interval, pings):
    assert len(Link(ServerConfig(ping_interval=interval)).run(1000 + 3600).pings) == pytest.approx(
        pings, rel=0.02
    )


@pytest.mark.parametrize(("interval", "pings"), [(120, 30), (60, 60), (1e9, 6)])
def test_a_busy_link_is_pinged_at_the_servers_interval_only(interval, pings):
    link = Link(ServerConfig(ping_interval=interval))
    link.arriving = [1000 + second for second in range(3600)]
    link.run(1000 + 3600)
    assert len(link.pings) == pytest.approx(pings, abs=1)


def test_traffic_proves_life_even_without_pongs():
    link = Link(delay=None)
    link.arriving = [1000.0 + 10 * n for n in range(1, 100)]
    link.run(1900)
    assert link.dead_at is None


@pytest.mark.parametrize("clock", ["now", "slept"])
@pytest.mark.parametrize("asleep", [20, 600, 86400])
def test_waking_from_a_freeze_asks_at_once_and_believes_the_answer(asleep, clock):
    """A stopped process keeps its monotonic clock, a sleeping host does not."""
    link = Link().run(1003)  # the first ping is answered
    setattr(link, clock, getattr(link, clock) + asleep)
    before = len(link.pings)
    woke = link.now
    link.run(woke + 0.01)
    assert link.pings[before:] == [woke]
    link.run(woke + 600)
    assert link.dead_at is None


@pytest.mark.parametrize("clock", ["now", "slept"])
@pytest.mark.parametrize("asked", [True, False])
def test_waking_to_a_gone_gateway_is_noticed_within_one_pong(asked, clock):
    link = Link(delay=None if asked else 0.1).run(1001)
    link.delay = None
    setattr(link, clock, getattr(link, clock) + 600)
    woke = link.now
    link.run(woke + 100)
    assert link.dead_at == pytest.approx(woke + TIMINGS.pong, abs=0.1)


def test_an_answer_that_waited_in_the_socket_while_frozen_counts():
    link = Link(delay=None).run(1003)  # asked, not answered yet
    link.now += 600
    woke = link.now
    link.run(woke + 0.001)
    link.liveness.heard(woke + 0.001)
    link.delay = 0.1
    link.run(woke + 600)
    assert link.dead_at is None


def test_silence_while_we_do_not_read_is_excused():
    link = Link(delay=None)
    while link.now < 2000:
        link.liveness.excuse()
        link.run(link.now + 1)
    assert link.dead_at is None
    link.run(3000)
    assert link.dead_at is not None
