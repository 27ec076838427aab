"""Where events meet filters: the facts of an event, its two verdicts, and `addressed()` for matchers."""

from dataclasses import dataclass
from datetime import datetime

from nonebot.adapters import Event
from nonebot.rule import Rule

from .adapter import CardActionEvent, MessageEvent, NoticeEvent, PlainRule
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
    """

    admission: Verdict
    addressing: Verdict | None


def screen(
    event: Event, policy: Policy, *, bot_open_id: str, received_at: datetime, enabled: bool = True
) -> Screened:
    """Ask the filters about an event, and note on the event what was said to the Butler.

    Args:
        event: As `parse_event` made it.
        policy: Of the connector that received it.
        bot_open_id: Who the receiving bot is.
        received_at: When it was first received.
        enabled: Whether that connector still is.
    """
    if isinstance(event, MessageEvent):
        facts = _of_message(event, bot_open_id, received_at, enabled)
        admitted = admission.verdict(facts, policy)
        if not admitted.allowed:
            return Screened(admitted, None)
        spoken = addressing.verdict(facts, policy)
        if spoken.allowed:
            object.__setattr__(event, _SPEECH, strip_prefix(facts.text, policy.prefix_command))
        return Screened(admitted, spoken)
    facts = _of_notice(event, received_at, enabled)
    if not (facts.sender_open_id or facts.sender_union_id or facts.sender_user_id):
        policy = policy.model_copy(
            update={"user_whitelist": ()}
        )  # nobody sent it, so nobody is to be kept out
    return Screened(admission.verdict(facts, policy), None)


def speech(event: Event) -> str | None:
    """What was said to the Butler, without mention and prefix; empty if it was only shown something, None if it was not
    spoken to."""
    return getattr(event, _SPEECH, None)


def addressed() -> Rule:
    """A rule for messages that speak to the bot, as its connector's policy has it: mentioned in a group (or the policy
    needs no mention), the prefix if there is one, and not empty. In direct chats and with a mention, a
    picture, a file or forwarded messages are not empty either."""

    return PlainRule(lambda event: speech(event) is not None)


def _of_message(event: MessageEvent, bot_open_id: str, received_at: datetime, enabled: bool) -> Facts:
    sender, message = event.sender_id, event.get_message()
    return Facts(
        app_id=event.app_id,
        received_at=received_at,
        event_id=event.event_id,
        message_id=event.message_id,
        chat_id=event.chat_id,
        chat_type="group" if event.is_group else "p2p",
        thread_id=event.thread_id,
        sender_open_id=sender.open_id or None,
        sender_user_id=sender.user_id or None,
        sender_union_id=sender.union_id or None,
        sender_type=event.sender_type,
        own=bool(bot_open_id) and sender.open_id == bot_open_id,
        mentioned=event.is_mentioned(bot_open_id),
        mentioned_all=event.mentions_all,
        text=message.extract_plain_text(),
        brings=event.message_type in _BRINGING or any(segment.type == "image" for segment in message),
        created_at=event.created_at,
        enabled=enabled,
    )


def _of_notice(event: Event, received_at: datetime, enabled: bool) -> Facts:
    if not isinstance(event, NoticeEvent):
        return Facts(app_id="", received_at=received_at, enabled=enabled)
    operator = event.operator if isinstance(event, CardActionEvent) else None
    return Facts(
        app_id=event.app_id,
        received_at=received_at,
        event_id=event.event_id,
        message_id=event.message_id,
        chat_id=event.chat_id,
        sender_open_id=(operator.open_id or None) if operator else None,
        sender_user_id=(operator.user_id or None) if operator else None,
        sender_union_id=(operator.union_id or None) if operator else None,
        created_at=event.created_at,
        enabled=enabled,
    )
