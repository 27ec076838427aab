"""One ordered chain of small filters, one verdict."""

import inspect
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from .facts import Facts
from .policy import Policy

_log = logging.getLogger(__name__)
_REASON = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Outcome(StrEnum):
    """What one filter said."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    SKIP = "skip"
    """The filter does not apply: the policy does not ask for it, or the event has nothing to check."""
    ERROR = "error"
    """The filter raised or answered nonsense. Counts as FAIL. Never returned by a filter."""


class Filter(Protocol):
    """A filter of one's own: an object with a `reason` and a quick, synchronous `check` without side effects.

    `reason` (a-z, 0-9 and _) is its name in the chain and what users see when it stops a message.
    """

    @property
    def reason(self) -> str: ...

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        """Answer `Outcome.PASS`, `FAIL` or `SKIP`. Raising counts as FAIL and is logged."""
        ...


class FilterOrderError(ValueError):
    """A filter cannot be added: its name is taken or malformed, or the place asked for does not exist."""


class Step(NamedTuple):
    """One filter that was asked, and its answer."""

    reason: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Verdict:
    """The chain's answer."""

    allowed: bool
    reason: str | None
    """Of the filter that stopped the event: a `Reason`, or that of a filter added by a plugin."""
    trace: tuple[Step, ...]
    """Every filter that was asked, in order. The one that stopped the event is the last."""


class Chain:
    """Filters in order; the first that does not let an event through decides.

    Args:
        filters: asked in this order.
        last: always asked last; for a filter that counts what all others let through.
    """

    def __init__(self, filters: Iterable[Filter], *, last: Filter | None = None) -> None:
        self._filters: list[Filter] = []
        self._last = last
        # What `verdict` needs, with the usual answers made beforehand: it runs for every event.
        self._order: tuple[tuple[Filter, Step, Step], ...] = ()
        for filter_ in filters:
            self.add(filter_)

    @property
    def reasons(self) -> tuple[str, ...]:
        """The filters' names, in the order in which they are asked."""
        return tuple(filter_.reason for filter_ in self._all())

    def add(self, filter_: Filter, *, after: str | None = None, before: str | None = None) -> None:
        """Add a filter at the end (but ahead of the one that is always last), or next to another one.

        Args:
            filter_: the filter.
            after, before: the reason of the filter next to which it goes; at most one of the two.

        Raises:
            FilterOrderError: the reason is malformed or taken, or the neighbour is unknown.
        """
        self._refuse_malformed(filter_)
        if after is not None and before is not None:
            raise FilterOrderError("give either after or before, not both")
        known = self.reasons
        if filter_.reason in known:
            raise FilterOrderError(
                f"there is a filter '{filter_.reason}' already; filters: {', '.join(known)}"
            )
        anchor = after if after is not None else before
        if anchor is not None and anchor not in known:
            raise FilterOrderError(f"there is no filter '{anchor}'; filters: {', '.join(known)}")
        if self._last is not None and after == self._last.reason:
            raise FilterOrderError(f"'{after}' counts what all others let through: nothing can follow it")
        place = len(self._filters) if anchor is None else known.index(anchor) + (after is not None)
        self._filters.insert(place, filter_)
        self._reorder()

    def remove(self, reason: str) -> None:
        """Take out a filter of one's own, e.g. when a plugin is unloaded.

        Raises:
            FilterOrderError: there is no such filter, or it is the one that is always last.
        """
        if reason not in (each.reason for each in self._filters):
            raise FilterOrderError(f"there is no filter '{reason}' to take out")
        self._filters = [each for each in self._filters if each.reason != reason]
        self._reorder()

    def _reorder(self) -> None:
        self._order = tuple(
            (each, Step(each.reason, Outcome.PASS), Step(each.reason, Outcome.SKIP)) for each in self._all()
        )

    def verdict(self, facts: Facts, policy: Policy) -> Verdict:
        """Ask the filters in order until one does not let the event through. Never raises."""
        trace: list[Step] = []
        for filter_, passed, skipped in self._order:
            try:
                outcome = filter_.check(facts, policy)
            except Exception:
                _log.exception("filter '%s' raised: the event is not let through", passed.reason)
                outcome = Outcome.ERROR
            if outcome is Outcome.PASS:
                trace.append(passed)
            elif outcome is Outcome.SKIP:
                trace.append(skipped)
            else:
                if outcome is not Outcome.FAIL and outcome is not Outcome.ERROR:
                    # Authors differ on what `None` or `False` means: a guess could let it through.
                    _log.error("filter '%s' answered %r, not an Outcome: refused", passed.reason, outcome)
                    outcome = Outcome.ERROR
                trace.append(Step(passed.reason, outcome))
                return Verdict(False, passed.reason, tuple(trace))
        return Verdict(True, None, tuple(trace))

    def _all(self) -> list[Filter]:
        return self._filters if self._last is None else [*self._filters, self._last]

    @staticmethod
    def _refuse_malformed(filter_: Filter) -> None:
        reason: object = getattr(filter_, "reason", None)
        if not isinstance(reason, str) or not _REASON.fullmatch(reason):
            raise FilterOrderError(
                f"a filter's reason is made of a-z, 0-9 and _, starting with a letter; got {reason!r}"
            )
        check: object = getattr(filter_, "check", None)
        if not callable(check) or inspect.iscoroutinefunction(check):
            raise FilterOrderError(f"filter '{reason}' needs a plain (not async) method check(facts, policy)")
