"""A connector as programs are told of it: plain JSON values, and of secrets whether they are set."""

from typing import Any

from ..filters import Policy
from .record import SECRETS, Connector
from .spec import ConnectorSpec
from .standing import Standing
from .statuses import Part, Reported

_MOMENTS = ("connected_at", "last_heartbeat", "last_event_at")


def values_of(spec: ConnectorSpec) -> dict[str, Any]:
    """Every field as it may be shown, the policy's last."""
    values: dict[str, Any] = {}
    for field in ConnectorSpec.model_fields:
        value = getattr(spec, field)
        values[field] = value is not None if field in SECRETS else value
    first = [field for field in values if field not in Policy.model_fields]
    return {field: values[field] for field in (*first, *Policy.model_fields)}


def state_of(connector: Connector, reported: Reported) -> str:
    """The contract's state: what the links report, `disabled` where nothing is to run."""
    return reported.state if connector.runnable else "disabled"


def error_of(connector: Connector, reported: Reported) -> str | None:
    """What keeps it from being connected, if anything does."""
    return str(connector.locked) if connector.locked is not None else reported.error


def standing_of(connector: Connector, reported: Reported) -> dict[str, Any]:
    """How it is doing, in all and in each process that runs it."""
    return {
        "state": state_of(connector, reported),
        "held": reported.held,
        "connections": reported.connections,
        "wanted": reported.wanted,
        "strangers": reported.strangers,
        "attempt": reported.attempt,
        "error": error_of(connector, reported),
        **_moments(reported),
        "processes": [_part(part) for part in reported.parts],
    }


def _part(part: Part) -> dict[str, Any]:
    names = ("state", "connections", "wanted", "attempt", "error")
    return {"process": part.label, **{name: getattr(part, name) for name in names}, **_moments(part)}


def _moments(standing: Standing) -> dict[str, str | None]:
    times = {name: getattr(standing, name) for name in _MOMENTS}
    return {name: moment.isoformat() if moment else None for name, moment in times.items()}
