"""What the log is told: of events on their way through, and of connections."""

import logging
from collections.abc import Callable
from typing import Any

from nonebot.adapters.feishu import Event
from nonebot.log import logger as told

from ..adapter import CardActionEvent, MessageEvent, Reading
from ..connectors import Link
from ..delivery import Incoming, LogAction, LogBook, LogLevel
from ..gateway import State, Status
from ..screening import Screened
from .takers import Taker
from .tally import Fate, Tally

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_LOGGED = {
    State.CONNECTING: (LogAction.WS_CONNECTING, LogLevel.INFO, logging.INFO),
    State.CONNECTED: (LogAction.WS_CONNECTED, LogLevel.INFO, logging.INFO),
    State.RECONNECTING: (LogAction.WS_RECONNECTING, LogLevel.WARNING, logging.WARNING),
    State.DISCONNECTED: (LogAction.WS_DISCONNECTED, LogLevel.INFO, logging.INFO),
    State.BLOCKED: (LogAction.WS_BLOCKED, LogLevel.ERROR, logging.ERROR),
}


class Notes:
    """Writes the log rows of events and connections.

    Args:
        logbook: Where they go.
        link_of: The link that runs an app now.
        tally: Counts what is filtered, given up, and connected again.
    """

    def __init__(self, logbook: LogBook, link_of: Callable[[str], Link | None], tally: Tally) -> None:
        self._logbook = logbook
        self._link_of = link_of
        self._tally = tally

    def screened(self, link: Link, reading: Reading, screened: Screened) -> None:
        """One row for every message and click, and for every other event that was stopped."""
        admission, addressing = screened.admission, screened.addressing
        if admission.allowed and reading.kind == "notice":
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
            self._tally.filtered.add(str(reason))
            # Not by way of the standard library's logging: that takes 20 µs, whoever reads it.
            told.debug("{}: event {} is filtered: {}", link.spec.name, reading.event_id, reason)
        self._logbook.write(
            LogAction.WS_FILTERED if refused else LogAction.WS_ROUTED,
            connector=link.spec.app_id,
            name=link.spec.name,
            event_id=reading.event_id,
            message_id=reading.message_id,
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

    def dead(self, event: Incoming, why: str) -> None:
        """An event was given up."""
        link = self._link_of(event.app_id)
        self._tally.events.add(event.event_type, Fate.DEAD)
        self._logbook.write(
            LogAction.WS_DEAD_LETTER,
            level=LogLevel.ERROR,
            connector=event.app_id,
            name=None if link is None else link.spec.name,
            event_id=event.event_id,
            message_id=event.message_id,
            detail={"error": why},
        )

    def status(self, link: Link, status: Status) -> None:
        """One of a link's connections is in another state."""
        action, level, logged_as = _LOGGED[status.state]
        if status.state is State.RECONNECTING:
            self._tally.reconnects.add(link.spec.name)
        error = "" if status.error is None else f": {status.error}"
        standing = link.status
        several = {"open": standing.connections, "wanted": standing.wanted} if standing.wanted > 1 else {}
        count = " ({open} of {wanted} open)".format_map(several) if several else ""
        logger.log(logged_as, "%s: %s%s%s", link.spec.name, status.state, error, count)
        self._logbook.write(
            action,
            level=level,
            connector=link.spec.app_id,
            name=link.spec.name,
            detail={
                "attempt": status.attempt,
                "error": str(status.error) if status.error else None,
                **several,
            },
        )
