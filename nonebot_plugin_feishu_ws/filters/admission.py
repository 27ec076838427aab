"""Admission: which events reach NoneBot at all.

The order is that of the classes below. First what is true whoever speaks (switched off, forged, seen before,
too old), then who speaks, then where, then to whom we listen. The rate limit is last and counts only what all
others let through, so that messages nobody wants cannot use up a sender's allowance.
"""

import hmac
import time
from collections.abc import Callable
from datetime import timedelta

from .chain import Chain, Filter, Outcome
from .facts import Facts
from .policy import Policy
from .ratelimit import RateLimited
from .reasons import Reason

STALE_AFTER = timedelta(hours=8)
"""Feishu pushes an event again up to 7.1 h after the first time (feishu-facts.md, Platform limits): a limit
below that throws away exactly the messages that were in trouble."""

_PASS, _FAIL, _SKIP = Outcome.PASS, Outcome.FAIL, Outcome.SKIP


class ConnectorDisabled:
    """Events may still be in flight when a connector is switched off."""

    reason = Reason.CONNECTOR_DISABLED

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        return _PASS if facts.enabled else _FAIL


class TokenMismatch:
    """A stored verification token must be the event's; an event without one does not match."""

    reason = Reason.TOKEN_MISMATCH

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if not facts.expected_token:
            return _SKIP
        given = (facts.token or "").encode("utf-8", "surrogatepass")
        return _PASS if hmac.compare_digest(facts.expected_token.encode(), given) else _FAIL


class Duplicate:
    """The inbox has seen the event or the message before."""

    reason = Reason.DUPLICATE

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        return _FAIL if facts.duplicate else _PASS


class Stale:
    """Older than `limit` when it came in. An event dated in the future (a clock is off) is not old."""

    reason = Reason.STALE

    def __init__(self, limit: timedelta = STALE_AFTER) -> None:
        self._limit = limit

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if facts.created_at is None:
            return _SKIP
        return _FAIL if facts.received_at - facts.created_at > self._limit else _PASS


class OwnMessage:
    """The bot's own messages, which come back where an app reads all of a group: answering never ends."""

    reason = Reason.OWN_MESSAGE

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        return _FAIL if facts.own else _PASS


class BotMessage:
    """Other bots: `sender_type` is `app` or `bot` (feishu-facts.md, Identity)."""

    reason = Reason.BOT_MESSAGE

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if not policy.ignore_bot_messages:
            return _SKIP
        return _FAIL if facts.sender_type in ("app", "bot") else _PASS


class DmNotAllowed:
    """Direct messages, where `allow_dm` is off."""

    reason = Reason.DM_NOT_ALLOWED

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if facts.chat_type != "p2p":
            return _SKIP
        return _PASS if policy.allow_dm else _FAIL


class GroupNotAllowed:
    """Messages from groups, where `allow_group_mention` is off."""

    reason = Reason.GROUP_NOT_ALLOWED

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if facts.chat_type != "group":
            return _SKIP
        return _PASS if policy.allow_group_mention else _FAIL


class ChatNotAllowed:
    """Chats, direct ones included, that are not in `allowed_chat_ids`. Events outside any chat pass."""

    reason = Reason.CHAT_NOT_ALLOWED

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if not policy.allowed_chat_ids or not (facts.chat_id or facts.chat_type):
            return _SKIP
        return _PASS if facts.chat_id in policy.chat_set else _FAIL


class UserNotAllowed:
    """Senders none of whose ids is in `user_whitelist`; an event without a sender is nobody on the list."""

    reason = Reason.USER_NOT_ALLOWED

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if not policy.user_whitelist:
            return _SKIP
        return _PASS if facts.sent_by_any_of(policy.user_set) else _FAIL


def admission_chain(
    *, stale_after: timedelta = STALE_AFTER, clock: Callable[[], float] = time.monotonic
) -> Chain:
    """The admission chain. It remembers senders for the rate limit: make one per process and keep it.

    Args:
        stale_after: older events are refused.
        clock: monotonic seconds, for the rate limit.
    """
    filters: list[Filter] = [
        ConnectorDisabled(),
        TokenMismatch(),
        Duplicate(),
        Stale(stale_after),
        OwnMessage(),
        BotMessage(),
        DmNotAllowed(),
        GroupNotAllowed(),
        ChatNotAllowed(),
        UserNotAllowed(),
    ]
    return Chain(filters, last=RateLimited(clock))
