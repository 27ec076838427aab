"""Filters of one's own, and that a broken one lets nothing through."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.filters import (
    Chain,
    Facts,
    FilterOrderError,
    Outcome,
    Policy,
    Reason,
    Step,
    admission_chain,
)

MakeFacts = Callable[..., Facts]


class Own:
    def __init__(self, reason: Any = "quiet_hours", answer: Any = Outcome.PASS) -> None:
        self.reason = reason
        self.answer = answer
        self.asked = 0

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        self.asked += 1
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class AsyncOwn:
    reason = "later"

    async def check(self, facts: Facts, policy: Policy) -> Outcome:
        return Outcome.PASS


def test_places() -> None:
    chain = Chain([Own("one"), Own("two")])
    chain.add(Own("end"))
    chain.add(Own("after_one"), after="one")
    chain.add(Own("before_one"), before="one")
    assert chain.reasons == ("before_one", "one", "after_one", "two", "end")


def test_nothing_comes_after_the_rate_limit() -> None:
    chain = admission_chain()
    chain.add(Own("mine"))
    chain.add(Own("also_mine"), before=Reason.RATE_LIMITED)
    assert chain.reasons[-3:] == ("mine", "also_mine", "rate_limited")
    with pytest.raises(FilterOrderError, match="nothing can follow"):
        chain.add(Own("third"), after="rate_limited")


@pytest.mark.parametrize(
    ("own", "where", "message"),
    [
        (Own("stale"), {}, "already"),
        (Own("mine"), {"after": "stalle"}, "no filter 'stalle'; filters: connector_disabled, "),
        (Own("mine"), {"before": ""}, "no filter ''"),
        (Own("mine"), {"before": "stale", "after": "stale"}, "not both"),
        (Own("Not A Name"), {}, "a-z"),
        (Own(None), {}, "a-z"),
        (object(), {}, "a-z"),
        (AsyncOwn(), {}, "not async"),
    ],
)
def test_a_filter_that_cannot_be_added_is_explained(own: Any, where: dict[str, str], message: str) -> None:
    chain = admission_chain()
    before = chain.reasons
    with pytest.raises(FilterOrderError, match=message):
        chain.add(own, **where)
    assert chain.reasons == before


@pytest.mark.parametrize(
    "answer", [RuntimeError("boom"), None, True, False, "pass", Reason.STALE, Outcome.ERROR]
)
def test_a_broken_filter_lets_nothing_through(
    make_facts: MakeFacts, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    broken, behind = Own("mine", answer), Own("behind")
    chain = Chain([broken, behind])
    with caplog.at_level(logging.ERROR):
        verdict = chain.verdict(make_facts(), Policy())
    assert (verdict.allowed, verdict.reason) == (False, "mine")
    assert verdict.trace == (Step("mine", Outcome.ERROR),)
    assert behind.asked == 0
    if answer is not Outcome.ERROR:
        assert "mine" in caplog.text


def test_a_filter_added_is_asked(make_facts: MakeFacts) -> None:
    chain = admission_chain()
    own = Own(answer=Outcome.FAIL)
    chain.add(own, after="stale")
    assert chain.verdict(make_facts(), Policy()).reason == "quiet_hours"
    assert own.asked == 1


@given(st.lists(st.sampled_from([Outcome.PASS, Outcome.SKIP, Outcome.FAIL]), max_size=12))
def test_the_first_fail_decides(make_facts: MakeFacts, answers: list[Outcome]) -> None:
    chain = Chain([Own(f"f{n}", answer) for n, answer in enumerate(answers)])
    verdict = chain.verdict(make_facts(), Policy())
    first = answers.index(Outcome.FAIL) if Outcome.FAIL in answers else None
    assert verdict.allowed is (first is None)
    assert verdict.reason == (None if first is None else f"f{first}")
    asked = answers if first is None else answers[: first + 1]
    assert verdict.trace == tuple(Step(f"f{n}", answer) for n, answer in enumerate(asked))
