from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.filters import Facts, Outcome, Policy, RateLimited, Reason, admission_chain

MakeFacts = Callable[..., Facts]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(
    st.lists(st.tuples(st.floats(0, 30), st.sampled_from(["ou_1", "ou_2"])), max_size=60),
    st.integers(1, 5),
)
def test_never_more_than_n_in_any_minute_and_never_fewer(
    make_facts: MakeFacts, arrivals: list[tuple[float, str]], limit: int
) -> None:
    clock = Clock()
    limiter, policy = RateLimited(clock), Policy(rate_limit_per_minute=limit)
    passed: dict[str, list[float]] = {"ou_1": [], "ou_2": []}
    for wait, sender in arrivals:
        clock.now += wait
        in_window = [at for at in passed[sender] if clock.now - at < 60]
        outcome = limiter.check(make_facts(sender_open_id=sender), policy)
        assert outcome is (Outcome.PASS if len(in_window) < limit else Outcome.FAIL)
        if outcome is Outcome.PASS:
            passed[sender].append(clock.now)


def test_the_minute_is_over_when_it_is_over(make_facts: MakeFacts) -> None:
    clock = Clock()
    limiter, policy = RateLimited(clock), Policy(rate_limit_per_minute=1)
    assert limiter.check(make_facts(), policy) is Outcome.PASS
    clock.now += 59.5
    assert limiter.check(make_facts(), policy) is Outcome.FAIL
    clock.now += 0.5
    assert limiter.check(make_facts(), policy) is Outcome.PASS


def test_bots_do_not_share_a_senders_allowance(make_facts: MakeFacts) -> None:
    limiter, policy = RateLimited(Clock()), Policy(rate_limit_per_minute=1)
    assert limiter.check(make_facts(app_id="cli_a"), policy) is Outcome.PASS
    assert limiter.check(make_facts(app_id="cli_b"), policy) is Outcome.PASS
    assert limiter.check(make_facts(app_id="cli_a"), policy) is Outcome.FAIL


def test_without_limit_or_sender_there_is_nothing_to_count(make_facts: MakeFacts) -> None:
    limiter = RateLimited(Clock())
    nobody = make_facts(sender_open_id=None, sender_user_id=None, sender_union_id=None)
    for _ in range(3):
        assert limiter.check(make_facts(), Policy()) is Outcome.SKIP
        assert limiter.check(nobody, Policy(rate_limit_per_minute=1)) is Outcome.SKIP


def test_only_what_the_others_let_through_counts(make_facts: MakeFacts) -> None:
    chain, policy = admission_chain(clock=Clock()), Policy(rate_limit_per_minute=1)
    for _ in range(5):
        assert chain.verdict(make_facts(duplicate=True), policy).reason == Reason.DUPLICATE
    assert chain.verdict(make_facts(), policy).allowed
    assert chain.verdict(make_facts(), policy).reason == Reason.RATE_LIMITED


def test_a_lower_limit_applies_at_once(make_facts: MakeFacts) -> None:
    limiter = RateLimited(Clock())
    for _ in range(3):
        assert limiter.check(make_facts(), Policy(rate_limit_per_minute=5)) is Outcome.PASS
    assert limiter.check(make_facts(), Policy(rate_limit_per_minute=2)) is Outcome.FAIL


def test_memory_is_bounded_and_the_idle_are_forgotten_first(make_facts: MakeFacts) -> None:
    clock = Clock()
    limiter, policy = RateLimited(clock, max_senders=100), Policy(rate_limit_per_minute=1)
    assert limiter.check(make_facts(sender_open_id="ou_busy"), policy) is Outcome.PASS
    for n in range(1000):
        limiter.check(make_facts(sender_open_id=f"ou_{n}"), policy)
        assert limiter.check(make_facts(sender_open_id="ou_busy"), policy) is Outcome.FAIL
        assert len(limiter._windows) <= 101
    clock.now += 60
    for n in range(100):
        limiter.check(make_facts(sender_open_id=f"ou_new{n}"), policy)
    assert len(limiter._windows) == 100, "those whose minute is over are gone"
