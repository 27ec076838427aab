"""The server's wishes, our bounds."""

import math
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.gateway import Limits, ReconnectPolicy, Timings
from nonebot_plugin_feishu_ws.gateway.policy import Backoff, ServerConfig, uniform

EXACT = ReconnectPolicy(spread=0)


def high(low, high):
    return high


def test_first_retry_after_a_loss_is_drawn_from_the_servers_nonce():
    drawn = []

    def draw(low, high):
        drawn.append((low, high))
        return 3.5

    assert Backoff(EXACT, draw).after_loss(ServerConfig(reconnect_nonce=17), lived=100) == 3.5
    assert drawn == [(0, 17)]


def test_nonce_zero_is_no_jitter_and_none_is_the_usual_one():
    assert Backoff(EXACT, high).after_loss(ServerConfig(reconnect_nonce=0), 100) == 0
    assert Backoff(EXACT, high).after_loss(ServerConfig(), 100) == EXACT.nonce
    assert Backoff(EXACT, high).after_loss(ServerConfig(reconnect_nonce=1e9), 100) == 120


def test_then_exponential_up_to_the_cap():
    backoff = Backoff(ReconnectPolicy(spread=0, cap=60), high)
    backoff.after_loss(ServerConfig(), 100)
    assert [backoff.after_failure(ServerConfig()) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.attempt == 9


def test_first_connect_failing_is_exponential_at_once():
    backoff = Backoff(EXACT, high)
    assert [backoff.after_failure(ServerConfig()) for _ in range(3)] == [1, 2, 4]


def test_the_servers_interval_lowers_the_cap_only():
    for interval, longest in ((10, 10), (0.001, 1), (1e6, 120)):
        backoff = Backoff(EXACT, high)
        delays = [backoff.after_failure(ServerConfig(reconnect_interval=interval)) for _ in range(12)]
        assert max(delays) == longest


def test_spread():
    backoff = Backoff(ReconnectPolicy(spread=0.25), lambda low, high: (low, high))
    assert backoff.after_failure(ServerConfig()) == (0.75, 1.25)


def test_a_stable_link_ends_the_row_and_a_flapping_one_does_not():
    backoff = Backoff(EXACT, high)
    server = ServerConfig(reconnect_nonce=0)
    assert [backoff.after_loss(server, lived=1) for _ in range(5)] == [0, 1, 2, 4, 8]
    assert backoff.after_loss(server, lived=60) == 0
    assert (backoff.attempt, backoff.failures) == (1, 0)


def test_blocked_is_slow():
    backoff = Backoff(EXACT, high)
    assert [backoff.after_failure(ServerConfig(reconnect_interval=1), blocked=True) for _ in range(3)] == [
        300
    ] * 3


def test_attempts():
    backoff = Backoff(ReconnectPolicy(max_attempts=3), high)
    backoff.after_loss(ServerConfig(), 100)
    for exhausted in (False, False, True):
        backoff.after_failure(ServerConfig())
        assert backoff.exhausted is exhausted
    unlimited = Backoff(ReconnectPolicy(), high)
    for _ in range(5000):
        assert math.isfinite(unlimited.after_failure(ServerConfig()))
    assert not unlimited.exhausted


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_uniform(low, width):
    assert low <= uniform(low, low + width) <= low + width
    assert len({uniform(0, 1) for _ in range(10)}) > 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": 0},
        {"first": 5, "cap": 4},
        {"spread": 1},
        {"spread": -0.1},
        {"nonce": -1},
        {"nonce": math.nan},
        {"max_attempts": -1},
        {"stable_after": -1},
        {"blocked_interval": 0},
    ],
)
def test_policy_validates_itself(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)) if "cap" not in wrong else "cap"):
        ReconnectPolicy(**wrong)


@pytest.mark.parametrize("kind", [Timings, Limits])
def test_settings_validate_themselves_and_are_frozen(kind):
    names = kind.__dataclass_fields__
    for name in names:
        for value in (0, -1):
            with pytest.raises(ValueError, match=name):
                kind(**{name: value})
    with pytest.raises(FrozenInstanceError):
        setattr(kind(), next(iter(names)), 1)


def test_server_config():
    config = ServerConfig().updated(
        {"PingInterval": 120, "ReconnectInterval": 60.5, "ReconnectNonce": 30, "ReconnectCount": -1}
    )
    assert config == ServerConfig(120, 60.5, 30)
    assert config.updated({"PingInterval": 90}) == ServerConfig(90, 60.5, 30)
    assert config.updated({"ReconnectNonce": 0}).reconnect_nonce == 0


NONSENSE = [None, [], "x", 7, {}, {"PingInterval": None}]
NONSENSE += [
    {"PingInterval": value}
    for value in (0, -1, "120", True, [], {}, float("inf"), float("nan"), -(10**400), 10**400)
]
NONSENSE += [{"ReconnectNonce": -1, "ReconnectInterval": 0}]


@pytest.mark.parametrize("config", NONSENSE)
def test_nonsense_changes_nothing(config):
    known = ServerConfig(120, 60, 30)
    assert known.updated(config) == known


keys = st.sampled_from(["PingInterval", "ReconnectInterval", "ReconnectNonce", "other"])


@given(st.dictionaries(keys, st.none() | st.booleans() | st.integers() | st.floats() | st.text()))
def test_server_config_is_always_sane(config):
    updated = ServerConfig().updated(config)
    for value in (updated.ping_interval, updated.reconnect_interval):
        assert value is None or 0 < value < math.inf
    assert updated.reconnect_nonce is None or 0 <= updated.reconnect_nonce < math.inf
