"""Which event it is that lines of the log and spans of traces are about."""

from collections.abc import Generator
from contextlib import contextmanager

from nonebot.log import logger

from .tracing import belonging_to, collected, trace_id_of


@contextmanager
def about(connector: str, app_id: str, event_id: str) -> Generator[None]:
    """Everything that is logged inside, by whoever, has `connector`, `event_id` and `trace_id` among its `extra`; spans
    that are begun inside belong to the event's trace.

    Args:
        connector: The name of the connector.
        app_id, event_id: Which event.
    """
    facts = {"connector": connector, "event_id": event_id, "trace_id": trace_id_of(app_id, event_id)}
    with logger.contextualize(**facts):
        if not collected():  # half of what this costs, for every event
            yield
            return
        with belonging_to(app_id, event_id):
            yield


@contextmanager
def about_connector(connector: str) -> Generator[None]:
    """The same for what is about no event; tasks that are begun inside take it along."""
    with logger.contextualize(connector=connector):
        yield
