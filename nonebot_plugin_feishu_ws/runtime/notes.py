"""What the log is told of an event on its way through."""

import logging
from typing import Any

from nonebot.adapters.feishu import Event

from ..adapter import CardActionEvent, MessageEvent
from ..connectors import Link
from ..delivery import LogAction, LogBook, LogLevel
from ..screening import Screened
from .takers import Taker

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")


class Notes:
    """Writes the log rows of events.

    Args:
        logbook: Where they go.
    """

    def __init__(self, logbook: LogBook) -> None:
        self._logbook = logbook

    def screened(self, link: Link, event: Any, screened: Screened) -> None:
        """One row for every message and click, and for every other event that was stopped."""
        admission, addressing = screened.admission, screened.addressing
        if admission.allowed and not isinstance(event, MessageEvent | CardActionEvent):
            return
        detail: dict[str, Any] = {
            "admitted": admission.allowed,
            "trace": [f"{step.reason}={step.outcome}" for step in admission.trace],
        }
        if addressing is not None:
            detail["trace"] += [f"{step.reason}={step.outcome}" for step in addressing.trace]
        refused = not admission.allowed or (addressing is not None and not addressing.allowed)
        if refused:
            reason = detail["reason"] = admission.reason or (addressing and addressing.reason)
            logger.debug("%s: event %s is filtered: %s", link.spec.name, event.event_id, reason)
        self._logbook.write(
            LogAction.WS_FILTERED if refused else LogAction.WS_ROUTED,
            connector=link.spec.app_id,
            name=link.spec.name,
            event_id=event.event_id,
            message_id=event.message_id,
            detail=detail,
        )

    def taken(self, link: Link, event: Event, takers: list[Taker]) -> None:
        """One more row for a message or click that some matchers took; an error if one of them failed."""
        if takers and isinstance(event, MessageEvent | CardActionEvent):
            failed = any(taker["error"] for taker in takers)
            self._logbook.write(
                LogAction.WS_ROUTED,
                level=LogLevel.ERROR if failed else LogLevel.INFO,
                connector=link.spec.app_id,
                name=link.spec.name,
                event_id=event.event_id,
                message_id=event.message_id,
                detail={"matchers": takers},
            )
