"""Every reason both ways, the order, and that nothing but what is refused is refused."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from nonebot_plugin_feishu_ws.filters import Facts, Outcome, Policy, Reason, Step, admission_chain

MakeFacts = Callable[..., Facts]

# reason, policy, facts that pass under it, facts that do not
CASES: list[tuple[Reason, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (Reason.CONNECTOR_DISABLED, {}, {}, {"enabled": False}),
    (Reason.TOKEN_MISMATCH, {}, {"token": "t", "expected_token": "t"}, {"token": "x", "expected_token": "t"}),
    (Reason.TOKEN_MISMATCH, {}, {"token": "x", "expected_token": None}, {"expected_token": "t"}),
    (Reason.TOKEN_MISMATCH, {}, {"token": None}, {"token": "\ud800", "expected_token": "t"}),
    (Reason.DUPLICATE, {}, {}, {"duplicate": True}),
    (Reason.OWN_MESSAGE, {}, {}, {"own": True}),
    (Reason.OWN_MESSAGE, {"ignore_bot_messages": False}, {"sender_type": "app"}, {"own": True}),
    (Reason.BOT_MESSAGE, {}, {"sender_type": "user"}, {"sender_type": "app"}),
    (Reason.BOT_MESSAGE, {}, {"sender_type": "anonymous"}, {"sender_type": "bot"}),
    (Reason.DM_NOT_ALLOWED, {"allow_dm": False}, {"chat_type": "group"}, {"chat_type": "p2p"}),
    (Reason.GROUP_NOT_ALLOWED, {"allow_group_mention": False}, {"chat_type": "p2p"}, {"chat_type": "group"}),
    (Reason.CHAT_NOT_ALLOWED, {"allowed_chat_ids": ["oc_1"]}, {"chat_id": "oc_1"}, {"chat_id": "oc_2"}),
    (Reason.CHAT_NOT_ALLOWED, {"allowed_chat_ids": ["oc_1"]}, {}, {"chat_id": "oc_2", "chat_type": "p2p"}),
    (Reason.CHAT_NOT_ALLOWED, {"allowed_chat_ids": ["oc_1"]}, {}, {"chat_id": None, "chat_type": "group"}),
    (
        Reason.CHAT_NOT_ALLOWED,
        {"allowed_chat_ids": ["oc_1"]},
        {"chat_id": None, "chat_type": None},
        {"chat_id": "oc_2", "chat_type": None},
    ),
    (Reason.USER_NOT_ALLOWED, {"user_whitelist": ["ou_1"]}, {}, {"sender_open_id": "ou_2"}),
    (Reason.USER_NOT_ALLOWED, {"user_whitelist": ["on_1"]}, {}, {"sender_union_id": "on_2"}),
    (Reason.USER_NOT_ALLOWED, {"user_whitelist": ["u1"]}, {}, {"sender_user_id": None}),
    (
        Reason.USER_NOT_ALLOWED,
        {"user_whitelist": ["u1"]},
        {"sender_open_id": None, "sender_union_id": None},
        {"sender_open_id": None, "sender_union_id": None, "sender_user_id": None},
    ),
]


@pytest.mark.parametrize(("reason", "policy", "good", "bad"), CASES)
def test_each_reason_both_ways(
    make_facts: MakeFacts, reason: Reason, policy: dict[str, Any], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    chain = admission_chain()
    rules = Policy.model_validate(policy)
    assert chain.verdict(make_facts(**good), rules).allowed
    refused = chain.verdict(make_facts(**bad), rules)
    assert (refused.allowed, refused.reason) == (False, reason)
    assert refused.trace[-1] == Step(reason, Outcome.FAIL)


def test_without_the_policy_nobody_is_refused_for_it(make_facts: MakeFacts) -> None:
    """The same facts that the cases above refuse pass once the policy stops asking."""
    chain = admission_chain()
    open_to_all = Policy(ignore_bot_messages=False)
    for facts in (
        {"sender_type": "bot"},
        {"chat_type": "p2p"},
        {"chat_id": "oc_2"},
        {"sender_open_id": None},
    ):
        assert chain.verdict(make_facts(**facts), open_to_all).allowed


@pytest.mark.parametrize("again_after", [15, 5 * 60, 3600, 7.1 * 3600])
def test_what_feishu_pushes_again_is_not_stale(make_facts: MakeFacts, again_after: float) -> None:
    facts = make_facts()
    late = make_facts(received_at=facts.received_at + timedelta(seconds=again_after))
    assert admission_chain().verdict(late, Policy()).allowed


def test_older_than_the_limit_is_stale(make_facts: MakeFacts) -> None:
    facts = make_facts()
    limit = make_facts(created_at=facts.received_at - timedelta(hours=8))
    over = make_facts(created_at=facts.received_at - timedelta(hours=8, milliseconds=1))
    chain = admission_chain()
    assert chain.verdict(limit, Policy()).allowed
    assert chain.verdict(over, Policy()).reason == Reason.STALE
    assert admission_chain(stale_after=timedelta(hours=9)).verdict(over, Policy()).allowed


def test_a_time_that_is_missing_or_in_the_future_is_not_stale(make_facts: MakeFacts) -> None:
    chain = admission_chain()
    ahead = make_facts(created_at=make_facts().received_at + timedelta(days=1))
    assert chain.verdict(ahead, Policy()).allowed
    unknown = chain.verdict(make_facts(created_at=None), Policy())
    assert unknown.allowed
    assert Step(Reason.STALE, Outcome.SKIP) in unknown.trace


def test_the_order_is_the_documented_one(make_facts: MakeFacts) -> None:
    """Facts that offend everything: taking one offence away at a time shows the next reason in order."""
    expected = [
        Reason.CONNECTOR_DISABLED,
        Reason.TOKEN_MISMATCH,
        Reason.DUPLICATE,
        Reason.STALE,
        Reason.OWN_MESSAGE,
        Reason.BOT_MESSAGE,
        Reason.DM_NOT_ALLOWED,
        Reason.CHAT_NOT_ALLOWED,
        Reason.USER_NOT_ALLOWED,
        Reason.RATE_LIMITED,
    ]
    ok: list[dict[str, Any]] = [
        {"enabled": True},
        {"token": "t"},
        {"duplicate": False},
        {"created_at": make_facts().created_at},
        {"own": False},
        {"sender_type": "user"},
        {"chat_type": "group"},
        {"chat_id": "oc_1"},
        {"sender_open_id": "ou_1"},
    ]
    offences: dict[str, Any] = {
        "enabled": False,
        "token": "x",
        "expected_token": "t",
        "duplicate": True,
        "created_at": make_facts().created_at - timedelta(days=1),
        "own": True,
        "sender_type": "bot",
        "chat_type": "p2p",
        "chat_id": "oc_2",
        "sender_open_id": "ou_2",
    }
    policy = Policy(
        allow_dm=False, allowed_chat_ids=("oc_1",), user_whitelist=("ou_1",), rate_limit_per_minute=1
    )
    chain = admission_chain()
    assert chain.reasons == (*expected[:7], Reason.GROUP_NOT_ALLOWED, *expected[7:])
    seen = [chain.verdict(make_facts(**offences), policy).reason]
    for change in ok:
        offences |= change
        verdict = chain.verdict(make_facts(**offences), policy)
        seen.append(verdict.reason)
    assert seen == [*expected[:-1], None]
    again = chain.verdict(make_facts(**offences), policy)
    assert again.reason == Reason.RATE_LIMITED
    assert [step.reason for step in again.trace] == list(chain.reasons)


def test_the_trace_says_what_each_filter_answered(make_facts: MakeFacts) -> None:
    verdict = admission_chain().verdict(make_facts(), Policy(allowed_chat_ids=("oc_1",)))
    assert {step.reason: step.outcome.value for step in verdict.trace} == {
        "connector_disabled": "pass",
        "token_mismatch": "skip",
        "duplicate": "pass",
        "stale": "pass",
        "own_message": "pass",
        "bot_message": "pass",
        "dm_not_allowed": "skip",
        "group_not_allowed": "pass",
        "chat_not_allowed": "pass",
        "user_not_allowed": "skip",
        "rate_limited": "skip",
    }


def test_tokens_are_never_shown(make_facts: MakeFacts) -> None:
    facts = make_facts(token="canary-given", expected_token="canary-stored")
    assert "canary" not in repr(facts)


def test_admission_costs_microseconds(make_facts: MakeFacts) -> None:
    """Five microseconds are the aim; the bound and the best of many runs leave room for a busy machine."""
    policy = Policy(
        allowed_chat_ids=tuple(f"oc_{n}" for n in range(1000)),
        user_whitelist=tuple(f"ou_{n}" for n in range(1000)),
        rate_limit_per_minute=1000,
    )
    facts = make_facts(token="t", expected_token="t")
    chain = admission_chain(clock=lambda: 0.0)
    runs = []
    for _ in range(40):
        started = time.perf_counter()
        for _ in range(20):
            chain.verdict(facts, policy)
        runs.append((time.perf_counter() - started) / 20)
    assert chain.verdict(facts, policy).allowed
    assert min(runs) < 15e-6, f"{min(runs) * 1e6:.1f} µs"
