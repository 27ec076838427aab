"""How a connector is doing, as verbs and cards show it."""

from ..connectors import Connector, Reported, Standing, state_of
from ..texts.connectors import ConnectorTexts
from ..texts.standing import StandingTexts

_MOMENTS = ("connected_at", "last_heartbeat", "last_event_at")


def light_of(texts: ConnectorTexts, connector: Connector, reported: Reported) -> str:
    """Its state with its light, and how many connections are open, if there should be more than one."""
    return _light(texts, state_of(connector, reported), reported)


def summary_of(texts: ConnectorTexts, connector: Connector, reported: Reported) -> str:
    """The same where there is no room for `trouble_of`: that there is more to know."""
    light = light_of(texts, connector, reported)
    if not reported.strangers:
        return light
    return f"{light} {StandingTexts(texts.locale).strangers_in_short(reported.strangers)}"


def trouble_of(texts: ConnectorTexts, connector: Connector, reported: Reported) -> list[str]:
    """What keeps it from being connected, or from all its events, and what to do; one sentence or two each."""
    return StandingTexts(texts.locale).trouble(connector, reported)


def row_of(texts: ConnectorTexts, label: str, connector: Connector, reported: Reported) -> tuple[str, ...]:
    """The cells of `status`."""
    return _row(
        texts,
        label,
        light_of(texts, connector, reported),
        reported,
        "; ".join(trouble_of(texts, connector, reported)),
    )


def rows_of_parts(texts: ConnectorTexts, reported: Reported) -> list[tuple[str, ...]]:
    """The same of each process, if there is more than one."""
    if len(reported.parts) < 2:
        return []
    return [
        _row(texts, f"↳ {part.label}", _light(texts, part.state, part), part, part.error or "")
        for part in reported.parts
    ]


def _light(texts: ConnectorTexts, state: str, standing: Standing) -> str:
    light = texts.state(state)
    several = standing.wanted > 1 and standing.connections
    return f"{light} {standing.connections}/{standing.wanted}" if several else light


def _row(texts: ConnectorTexts, label: str, light: str, standing: Standing, trouble: str) -> tuple[str, ...]:
    times = [texts.moment(getattr(standing, name)) for name in _MOMENTS]
    return (label, light, *times, str(standing.attempt), trouble)
