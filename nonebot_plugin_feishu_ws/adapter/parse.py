"""From the JSON of one callback to the event NoneBot's matchers see."""

from collections.abc import Mapping
from typing import Any

from nonebot.adapters import feishu as stock
from pydantic import ValidationError

from .card_action import CardActionEvent
from .events import FeishuEvent, GroupMessageEvent, NoticeEvent, PrivateMessageEvent
from .lenient import lenient_notice
from .normalise import CARD_ACTION, MESSAGE, as_text, card_body, envelope, message_body


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
    header, body = envelope(payload, app_id)
    outer: dict[str, Any] = {"schema": as_text(payload.get("schema")), "header": header}
    event_type = header["event_type"]
    if event_type == MESSAGE:
        detail = message_body(body)
        private = detail["message"]["chat_type"] == "p2p"
        model = PrivateMessageEvent if private else GroupMessageEvent
        return model.model_validate({**outer, "event": detail})
    if event_type == CARD_ACTION:
        return CardActionEvent.model_validate({**outer, "event": card_body(body)})
    outer["event"] = dict(body)
    try:
        return _notice_class(event_type).model_validate(outer)
    except ValidationError:
        return NoticeEvent.model_validate(outer)


def _notice_class(event_type: str) -> type[NoticeEvent]:
    # Looked up every time: plugins add classes of their own with `add_custom_model`.
    known = stock.Adapter.get_event_model(event_type) if event_type else []
    if not known or issubclass(known[0], stock.MessageEvent):
        return NoticeEvent
    return lenient_notice(known[0])
