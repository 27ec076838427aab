"""Addressing: whether an admitted message speaks to the Butler.

The order is that of the classes below: mention, prefix, and whether anything is left to say.
"""

from .chain import Chain, Outcome
from .facts import Facts
from .policy import Policy
from .reasons import Reason

_PASS, _FAIL, _SKIP = Outcome.PASS, Outcome.FAIL, Outcome.SKIP


def strip_prefix(text: str, prefix: str) -> str | None:
    """The text for the Butler: without `prefix` and the white space around it; None where it does not match.

    A prefix that ends like an English word must end where the word ends: `/ai` begins `/ai help` and
    `/ai：help`, not `/aid`. Chinese knows no such gaps: `小助手` begins `小助手帮我`.
    """
    text = text.strip()
    if not prefix:
        return text
    if not text.startswith(prefix):
        return None
    rest = text[len(prefix) :]
    if rest and _wordlike(prefix[-1]) and _wordlike(rest[0]):
        return None
    return rest.lstrip()


def _wordlike(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


class MentionRequired:
    """In groups the bot must be mentioned by name: neither `@all` nor a prefix stands in for it."""

    reason = Reason.MENTION_REQUIRED

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if facts.chat_type != "group" or not policy.mention_required:
            return _SKIP
        return _PASS if facts.mentioned else _FAIL


class PrefixNotMatched:
    """Where `prefix_command` is set, the text must begin with it, in direct chats too."""

    reason = Reason.PREFIX_NOT_MATCHED

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if not policy.prefix_command:
            return _SKIP
        return _FAIL if strip_prefix(facts.text, policy.prefix_command) is None else _PASS


class EmptyText:
    """Nothing is left to answer: a bare mention, a bare prefix.

    A picture, a file or forwarded messages without a word are for the bot in direct chats, and where it is mentioned;
    in a group that needs no mention people show them to each other.
    """

    reason = Reason.EMPTY_TEXT

    def check(self, facts: Facts, policy: Policy) -> Outcome:
        if strip_prefix(facts.text, policy.prefix_command):
            return _PASS
        return _PASS if facts.brings and (facts.mentioned or facts.chat_type == "p2p") else _FAIL


def addressing_chain() -> Chain:
    """The addressing chain."""
    return Chain([MentionRequired(), PrefixNotMatched(), EmptyText()])
