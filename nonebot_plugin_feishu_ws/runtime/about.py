"""Which event it is that lines of the log and spans of traces are about."""

from collections.abc import Generator
from contextlib import contextmanager

from nonebot.log import logger

from ..connectors import Link
from ..telemetry import belonging_to, trace_id_of


@contextmanager
def about(link: Link, event_id: str) -> Generator[None]:
    """Everything that is logged inside, by whoever, has `connector`, `event_id` and `trace_id` among its `extra`; spans
    that are begun inside belong to the event's trace."""
    app_id = link.spec.app_id
    facts = {"connector": link.spec.name, "event_id": event_id, "trace_id": trace_id_of(app_id, event_id)}
    with logger.contextualize(**facts), belonging_to(app_id, event_id):
        yield
