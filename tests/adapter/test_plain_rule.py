"""A plain rule stays plain alone, and is a rule like any other among others."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from nonebot import on_message
from nonebot.adapters import Event
from nonebot.matcher import Matcher
from nonebot.rule import Rule

from nonebot_plugin_feishu_ws.adapter import PlainRule, parse_event


@pytest.fixture
def event(payload: Callable[[str], dict[str, Any]]) -> Event:
    return parse_event(payload("messages/text"), app_id="cli_a")


@pytest.fixture
def made() -> Iterator[list[type[Matcher]]]:
    matchers: list[type[Matcher]] = []
    yield matchers
    for matcher in matchers:
        matcher.destroy()


@pytest.mark.parametrize("passes", [True, False])
async def test_alone(passes: bool, event: Event, made: list[type[Matcher]]) -> None:
    seen: list[Event] = []

    def check(event: Event) -> bool:
        seen.append(event)
        return passes

    matcher = on_message(rule=PlainRule(check))
    made.append(matcher)
    bot: Any = object()  # nothing of it is injected: that is the point
    assert await matcher.rule(bot, event, {}) is passes
    assert seen == [event]
    assert isinstance(matcher.rule, PlainRule)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
async def test_with_others(first: bool, second: bool, event: Event, made: list[type[Matcher]]) -> None:
    async def injected(event: Event) -> bool:
        return second

    bot: Any = object()
    plain = PlainRule(lambda _: first)
    for rule in (plain & injected, injected & plain, plain & Rule(injected), Rule(injected) & plain):
        matcher = on_message(rule=rule)
        made.append(matcher)
        assert await matcher.rule(bot, event, {}) is (first and second)


def test_nothing_is_added_by_none() -> None:
    plain = PlainRule(lambda _: True)
    assert plain & None is plain
    assert None & plain is plain
