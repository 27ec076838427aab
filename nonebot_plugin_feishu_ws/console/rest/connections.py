"""Long connections: how they are, and opening and closing them. And the log, which says how they were."""

from typing import Annotated

from fastapi import Query

from .calls import Call, ConnectorId, ThisCall
from .models import Connection, Connections, Log, LogLine

_CURSOR = r"^[0-9]{1,18}$"


async def status_of_all(call: ThisCall) -> Connections:
    """How every connector one may see is connected."""
    return await _connections(call)


async def connect_all(call: ThisCall) -> Connections:
    """Connect every enabled connector one may see."""
    return await _set_all(call, connected=True)


async def disconnect_all(call: ThisCall) -> Connections:
    """Disconnect every enabled connector one may see, until it is connected or the bot is started again."""
    return await _set_all(call, connected=False)


async def status(call: ThisCall, id_: ConnectorId) -> Connection:
    """How a connector is connected, in all and in each process."""
    return await _connection(call, id_)


async def connect(call: ThisCall, id_: ConnectorId) -> Connection:
    """Connect an enabled connector now. The answer does not wait for it: `ws/status` says how it gets on."""
    connector = await call.management.service.set_connected(call.actor, id_, True)
    return await _connection(call, connector.id)


async def disconnect(call: ThisCall, id_: ConnectorId) -> Connection:
    """Disconnect a connector, until it is connected or the bot is started again; it stays enabled."""
    connector = await call.management.service.set_connected(call.actor, id_, False)
    return await _connection(call, connector.id)


async def log(
    call: ThisCall,
    id_: ConnectorId,
    limit: Annotated[int, Query(ge=1, le=500, description="lines at most")] = 50,
    cursor: Annotated[
        str | None, Query(pattern=_CURSOR, description="next_cursor of the page before")
    ] = None,
) -> Log:
    """What happened to a connector and to each of its messages, newest first."""
    page = await call.management.service.logs(call.actor, id_, limit=limit, cursor=cursor)
    return Log(
        entries=[
            LogLine.model_validate(
                {
                    "at": entry.at,
                    "level": entry.level,
                    "action": entry.action,
                    "message_id": entry.message_id,
                    "event_id": entry.event_id,
                    "detail": entry.detail,
                }
            )
            for entry in page.entries
        ],
        next_cursor=page.cursor,
    )


async def _set_all(call: Call, *, connected: bool) -> Connections:
    service = call.management.service
    for connector in await service.visible(call.actor):
        if connector.runnable:
            await service.set_connected(call.actor, connector.id, connected)
    return await _connections(call)


async def _connections(call: Call) -> Connections:
    pairs = await call.management.service.status(call.actor)
    return Connections(connections=[Connection.of(*pair) for pair in pairs])


async def _connection(call: Call, id_: str) -> Connection:
    ((connector, reported),) = await call.management.service.status(call.actor, id_)
    return Connection.of(connector, reported)
