"""Connectors switched on and off, by the service and with the rights of whoever asks."""

from ...connectors import ConnectorError
from ...texts.connectors import ConnectorTexts
from ..turn import Turn
from .rights import actor_of


async def enable_connector(turn: Turn, name: str) -> str:
    return await _set_enabled(turn, name, True)


async def disable_connector(turn: Turn, name: str) -> str:
    return await _set_enabled(turn, name, False)


async def _set_enabled(turn: Turn, name: str, enabled: bool) -> str:
    assert turn.connectors is not None, "permitted"
    texts = ConnectorTexts(turn.texts.locale)
    try:
        connector = await turn.connectors.set_enabled(actor_of(turn), name, enabled)
    except ConnectorError as error:
        return texts.error(error)
    return texts.enabled(connector.spec.name, enabled)
