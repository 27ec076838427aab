"""The side pane's rows: every frame and API call as one line with its JSON beneath."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ..world import Change, ChangeKind, World
from .markup import clean
from .nodes import as_map

__all__ = ["RAW_KINDS", "Row", "row_of", "rows_of"]

RAW_KINDS = frozenset(
    {
        ChangeKind.FRAME_IN,
        ChangeKind.FRAME_OUT,
        ChangeKind.API_CALL,
        ChangeKind.CONNECTED,
        ChangeKind.DISCONNECTED,
    }
)
ROWS = 200
"""Rows on a freshly opened page."""
DETAIL = 20_000
"""Characters of one row's JSON; longer ones are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`group` is what the pane's switches filter by, `tone` colours the status."""

    seq: int
    group: Literal["event", "api", "control"]
    arrow: Literal["in", "out", "api", "link"]
    clock: str
    app: str
    label: str
    status: str = ""
    tone: Literal["", "good", "bad"] = ""
    detail: str = ""


def rows_of(changes: Iterable[Change], world: World) -> list[Row]:
    """The rows of all frames and calls among these changes, the last 200."""
    return [row_of(change, world) for change in [one for one in changes if one.kind in RAW_KINDS][-ROWS:]]


def row_of(change: Change, world: World) -> Row:
    """One change of a kind in RAW_KINDS as a row."""
    data = change.data
    app = world.apps.get(clean(data.get("app_id")))
    name = clean(app.name) if app else clean(data.get("app_id"))
    clock = datetime.fromtimestamp(change.at / 1000).astimezone().strftime("%H:%M:%S")
    if change.kind is ChangeKind.API_CALL:
        return _call(change, clock, name)
    if change.kind in (ChangeKind.CONNECTED, ChangeKind.DISCONNECTED):
        up = change.kind is ChangeKind.CONNECTED
        return Row(
            seq=change.seq, group="control", arrow="link", clock=clock, app=name, label=change.kind.value,
            status=clean(data.get("reason")), tone="good" if up else "bad", detail=_pretty(data),
        )  # fmt: skip
    return _frame(change, clock, name)


def _call(change: Change, clock: str, name: str) -> Row:
    data = change.data
    code, status = data.get("code"), data.get("status")
    took = f" · {data['duration_ms']:.0f} ms" if isinstance(data.get("duration_ms"), int | float) else ""
    shown = {**data, "request": _parsed(data.get("request")), "response": _parsed(data.get("response"))}
    return Row(
        seq=change.seq,
        group="api",
        arrow="api",
        clock=clock,
        app=name,
        label=f"{clean(data.get('method'))} {clean(data.get('path')).removeprefix('/open-apis')}",
        status=f"{clean(status)}{f' · {clean(code)}' if code else ''}{took}",
        tone="bad" if code else "good",
        detail=_pretty(shown),
    )


def _frame(change: Change, clock: str, name: str) -> Row:
    data = change.data
    payload = _parsed(data.get("payload"))
    kind = clean(data.get("type"))
    control = data.get("method") == "control"
    event_type = clean(as_map(as_map(payload).get("header")).get("event_type"))
    code = as_map(payload).get("code")
    inward = change.kind is ChangeKind.FRAME_IN
    total = clean(data.get("sum"))
    part = f" {clean(data.get('seq'))}/{total}" if total not in ("", "0", "1") else ""
    shown = {**data, "payload": payload}
    return Row(
        seq=change.seq,
        group="control" if control else "event",
        arrow="in" if inward else "out",
        clock=clock,
        app=name,
        label=f"{event_type or ('ack' if inward and not control else kind)}{part}",
        status=clean(code) if inward else "",
        tone="" if code is None or not inward else "good" if code == 200 else "bad",
        detail=_pretty(shown),
    )


def _parsed(value: object) -> Any:
    """Text that holds JSON, as JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _pretty(value: object) -> str:
    try:
        text = clean(json.dumps(value, ensure_ascii=False, indent=2, default=repr))
    except (ValueError, RecursionError):
        text = clean(repr(value))
    return text if len(text) <= DETAIL else f"{text[:DETAIL]}…"
