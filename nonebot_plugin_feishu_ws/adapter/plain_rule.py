"""A rule whose check is plain code."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from nonebot.adapters import Bot, Event
from nonebot.rule import Rule
from nonebot.typing import T_DependencyCache, T_RuleChecker, T_State
from typing_extensions import override


class PlainRule(Rule):
    """A rule that looks at the event alone and waits for nothing: 1 µs, where NoneBot's injection takes some 100.

    Alone it is that cheap; combined with others by `&` it is a rule like any other.

    Args:
        check: Whether the event passes.
    """

    __slots__ = ("_check",)

    def __init__(self, check: Callable[[Event], bool]) -> None:
        async def injected(event: Event) -> bool:
            return check(event)

        super().__init__(injected)
        self._check = check

    @override
    async def __call__(
        self,
        bot: Bot,
        event: Event,
        state: T_State,
        stack: AsyncExitStack | None = None,
        dependency_cache: T_DependencyCache | None = None,
    ) -> bool:
        return self._check(event)

    @override
    def __rand__(self, other: Rule | T_RuleChecker | None) -> Rule:
        """NoneBot makes every matcher's rule by `Rule() & rule`: with nothing before it, it stays what it is."""
        if isinstance(other, Rule) and not other.checkers:
            return self
        return super().__rand__(other)
