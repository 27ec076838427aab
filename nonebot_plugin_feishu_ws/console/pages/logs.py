"""The log, live and by page; and what became of one message."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar, cast

from fastapi import Response

from ...delivery import Handling, LogAction, LogEntry, LogLevel, LogPage, Said, Screening, why
from .visit import Visit

_AT_ONCE = 50
_LONGEST_ID = 128
_Choice = TypeVar("_Choice", bound=StrEnum)


async def index(visit: Visit) -> Response:
    """Lines, newest first, as they come; older ones by page."""
    level = _one_of(LogLevel, visit.query("level")) or LogLevel.DEBUG
    action = _one_of(LogAction, visit.query("action"))
    name, cursor = visit.query("connector"), visit.query("cursor")
    visible = await visit.management.service.visible(visit.actor)
    try:
        page = await visit.management.service.logs(
            visit.actor, name or None, limit=_AT_ONCE, cursor=cursor or None, action=action, level=level
        )
    except ValueError:  # not a cursor of ours
        page = LogPage((), None)
    chosen: Mapping[str, str] = {
        "connector": name,
        "level": "" if level is LogLevel.DEBUG else level.value,
        "action": action.value if action else "",
    }
    return await visit.page(
        "logs",
        section="logs",
        page=page,
        names=[connector.spec.name for connector in visible],
        levels=[one.value for one in LogLevel],
        actions=[one.value for one in LogAction],
        chosen=chosen,
        filtered=any(chosen.values()),
        first=not cursor,
        kept={key: value for key, value in chosen.items() if value},
    )


async def trace(visit: Visit) -> Response:
    """What became of a message, and why."""
    message_id = visit.query("message").strip()[:_LONGEST_ID]
    stories = []
    if message_id:
        visible = await visit.management.service.visible(visit.actor)
        mine = [connector.spec.app_id for connector in visible]
        stories = await why(visit.management.database, visit.management.logbook, message_id, mine)
    kinds = {Screening: "screened", Handling: "handled", Said: "answered"}
    told = [(story, [(kinds[type(chapter)], chapter) for chapter in story.chapters]) for story in stories]
    return await visit.page("trace", section="why", message_id=message_id, stories=told)


def facts(entry: LogEntry) -> list[tuple[str, str]]:
    """A line's detail, piece by piece; the filters' verdicts are what the trace is for."""
    return [
        (key, _text(value)) for key, value in entry.detail.items() if key != "trace" and value is not None
    ]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value)
        return ", ".join(f"{key}={_text(each)}" for key, each in pairs.items())
    if isinstance(value, list):
        return ", ".join(_text(item) for item in cast("list[Any]", value))
    return str(value)


def _one_of(kind: type[_Choice], value: str) -> _Choice | None:
    return kind(value) if value in {one.value for one in kind} else None
