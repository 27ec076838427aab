"""Where events meet filters: the facts of an event, its two verdicts, and `addressed()` for matchers."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nonebot.adapters import Event
from nonebot.rule import Rule

from .adapter import FeishuEvent, PlainRule, Reading, event_of
from .filters import Facts, Policy, Verdict, addressing_chain, admission_chain, strip_prefix

admission = admission_chain()
"""Stops an event for every plugin. Filters of one's own are added with `admission.add(…)`."""

addressing = addressing_chain()
"""Decides whether the Butler (and every matcher with `addressed()`) is spoken to."""

_SPEECH = "_feishu_ws_speech"

_BRINGING = frozenset({"image", "file", "merge_forward"})
"""Types of messages that hold something to read, and no text."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What screening found out about one event.

    Attributes:
        admission: Whether it goes to NoneBot at all.
        addressing: Whether it speaks to the Butler; None for events that are not messages, or not admitted.
        speech: What was said to the Butler, see `speech`.
    """

    admission: Verdict
    addressing: Verdict | None
    speech: str | None = field(default=None, repr=False)


def screen(
    reading: Reading, policy: Policy, *, bot_open_id: str, received_at: datetime, enabled: bool = True
) -> Screened:
    """Ask the filters about an event. Before it is made: of what they stop nothing more is needed.

    Args:
        reading: What came.
        policy: Of the connector that received it.
        bot_open_id: Who the receiving bot is.
        received_at: When it was first received.
        enabled: Whether that connector still is.
    """
    if reading.kind == "message":
        facts = _of_message(reading, bot_open_id, received_at, enabled)
        admitted = admission.verdict(facts, policy)
        if not admitted.allowed:
            return Screened(admitted, None)
        spoken = addressing.verdict(facts, policy)
        return Screened(
            admitted, spoken, strip_prefix(facts.text, policy.prefix_command) if spoken.allowed else None
        )
    facts = _of_notice(reading, received_at, enabled)
    if not (facts.sender_open_id or facts.sender_union_id or facts.sender_user_id):
        policy = policy.model_copy(
            update={"user_whitelist": ()}
        )  # nobody sent it, so nobody is to be kept out
    return Screened(admission.verdict(facts, policy), None)


def admitted(reading: Reading, screened: Screened) -> FeishuEvent:
    """The event of what was let through; it knows what was said to the Butler."""
    event = event_of(reading)
    if screened.speech is not None:
        object.__setattr__(event, _SPEECH, screened.speech)
    return event


def speech(event: Event) -> str | None:
    """What was said to the Butler, without mention and prefix; empty if it was only shown something, None if it was not
    spoken to."""
    return getattr(event, _SPEECH, None)


def addressed() -> Rule:
    """A rule for messages that speak to the bot, as its connector's policy has it: mentioned in a group (or the policy
    needs no mention), the prefix if there is one, and not empty. In direct chats and with a mention, a
    picture, a file or forwarded messages are not empty either."""

    return PlainRule(lambda event: speech(event) is not None)


def _of_message(reading: Reading, bot_open_id: str, received_at: datetime, enabled: bool) -> Facts:
    message, sender = reading.body["message"], reading.body["sender"]
    ids, segments = sender["sender_id"], reading.message
    return Facts(
        app_id=reading.header["app_id"],
        received_at=received_at,
        event_id=reading.event_id,
        message_id=message["message_id"],
        chat_id=message["chat_id"],
        chat_type=message["chat_type"],
        thread_id=message["thread_id"],
        sender_open_id=ids["open_id"] or None,
        sender_user_id=ids["user_id"] or None,
        sender_union_id=ids["union_id"] or None,
        sender_type=sender["sender_type"],
        own=bool(bot_open_id) and ids["open_id"] == bot_open_id,
        mentioned=bool(bot_open_id)
        and any(mention["id"]["open_id"] == bot_open_id for mention in message["mentions"] or ()),
        mentioned_all=any(
            segment.type == "at" and segment.data.get("user_id") == "all" for segment in segments
        ),
        text=segments.extract_plain_text(),
        brings=message["message_type"] in _BRINGING or any(segment.type == "image" for segment in segments),
        created_at=reading.created_at or received_at,
        enabled=enabled,
    )


def _of_notice(reading: Reading, received_at: datetime, enabled: bool) -> Facts:
    operator: dict[str, Any] = reading.body["operator"] if reading.kind == "click" else {}
    return Facts(
        app_id=reading.header["app_id"],
        received_at=received_at,
        event_id=reading.event_id,
        message_id=reading.message_id,
        chat_id=reading.chat_id,
        sender_open_id=operator.get("open_id") or None,
        sender_user_id=operator.get("user_id") or None,
        sender_union_id=operator.get("union_id") or None,
        created_at=reading.created_at or received_at,
        enabled=enabled,
    )
