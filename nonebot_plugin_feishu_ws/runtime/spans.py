"""The spans of an event's trace: when it comes in, and when it is handled."""

from contextlib import AbstractContextManager

from ..connectors import Link
from ..telemetry import Kind, span


def receiving(link: Link, event_type: str, event_id: str) -> AbstractContextManager[object]:
    """Until it is stored."""
    return _span("receive", "receive", Kind.CONSUMER, link, event_type, event_id)


def processing(link: Link, event_type: str, event_id: str) -> AbstractContextManager[object]:
    """While NoneBot's matchers have it."""
    return _span("handle", "process", Kind.INTERNAL, link, event_type, event_id)


def _span(
    name: str, operation: str, kind: Kind, link: Link, event_type: str, event_id: str
) -> AbstractContextManager[object]:
    return span(
        f"{name} {event_type}",
        kind,
        messaging__system="feishu",
        messaging__operation__type=operation,
        messaging__operation__name=name,
        messaging__destination__name=event_type,
        messaging__message__id=event_id,
        feishu__connector=link.spec.name,
    )
