"""From the JSON of one callback to the event NoneBot's matchers see."""

from collections.abc import Mapping
from typing import Any

from nonebot.adapters import feishu as stock
from pydantic import ValidationError

from .card_action import CardActionEvent
from .events import FeishuEvent, GroupMessageEvent, NoticeEvent, PrivateMessageEvent
from .lenient import lenient_notice
from .reading import Reading


def parse_event(payload: Mapping[str, Any], *, app_id: str) -> FeishuEvent:
    """Type one callback. Total: every JSON object gives an event, every message a message event.

    Parameters:
        payload: the JSON as Feishu sent it: schema 2.0, schema 1.0 or the old card callback. Not changed.
        app_id: the receiving app, for payloads that do not name it.

    Returns:
        `GroupMessageEvent` (every chat type but p2p) or `PrivateMessageEvent`; `CardActionEvent`; for the
        event types they know, a subclass of the stock class or of one added with `Adapter.add_custom_model`;
        `NoticeEvent` with the raw body for all others, so that `on_notice` sees them.
    """
    return event_of(Reading(payload, app_id=app_id))


def event_of(reading: Reading) -> FeishuEvent:
    """The event of a callback that was read before."""
    outer: dict[str, Any] = {"schema": reading.schema, "header": reading.header, "event": reading.body}
    match reading.kind:
        case "message":
            private = reading.body["message"]["chat_type"] == "p2p"
            event = (PrivateMessageEvent if private else GroupMessageEvent).model_validate(outer)
            event.take_over(reading.message)
            return event
        case "click":
            return CardActionEvent.model_validate(outer)
        case "notice":
            try:
                return _notice_class(reading.header["event_type"]).model_validate(outer)
            except ValidationError:
                return NoticeEvent.model_validate(outer)


def _notice_class(event_type: str) -> type[NoticeEvent]:
    # Looked up every time: plugins add classes of their own with `add_custom_model`.
    known = stock.Adapter.get_event_model(event_type) if event_type else []
    if not known or issubclass(known[0], stock.MessageEvent):
        return NoticeEvent
    return lenient_notice(known[0])
