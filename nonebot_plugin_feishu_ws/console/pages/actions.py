"""What the buttons of a connector do. Afterwards the page they are on says what came of it."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Response

from ...connectors import ConnectorError, UnknownConnector
from .visit import Notice, NotThereError, Visit


async def _verify(visit: Visit, name: str) -> str:
    connector, info = await visit.management.service.verify(visit.actor, name)
    return visit.texts.done("verify", connector.spec.name, info.app_name)


def _enabled(verb: str) -> Callable[[Visit, str], Awaitable[str]]:
    async def do(visit: Visit, name: str) -> str:
        await visit.management.service.set_enabled(visit.actor, name, verb == "enable")
        return visit.texts.done(verb, name)

    return do


def _connected(verb: str) -> Callable[[Visit, str], Awaitable[str]]:
    async def do(visit: Visit, name: str) -> str:
        await visit.management.service.set_connected(visit.actor, name, verb == "connect")
        return visit.texts.done(verb, name)

    return do


_VERBS: Mapping[str, Callable[[Visit, str], Awaitable[str]]] = {
    "verify": _verify,
    "enable": _enabled("enable"),
    "disable": _enabled("disable"),
    "connect": _connected("connect"),
    "disconnect": _connected("disconnect"),
}


async def act(visit: Visit) -> Response:
    """Do what a button says."""
    verb = _VERBS.get(visit.path("verb"))
    if verb is None:
        raise NotThereError
    connector = await visit.management.service.get(visit.actor, visit.path("name"))
    name = connector.spec.name
    try:
        notice = Notice("good", await verb(visit, name))
    except UnknownConnector:
        raise
    except ConnectorError as error:
        notice = Notice("bad", visit.texts.error(error))
    return await visit.go(
        "/connectors" if visit.form.get("from") == "list" else f"/connectors/{name}", notice
    )


async def remove(visit: Visit) -> Response:
    """Remove a connector; somebody was asked whether they are sure."""
    try:
        connector = await visit.management.service.remove(visit.actor, visit.path("name"))
    except UnknownConnector:
        raise
    except ConnectorError as error:
        return await visit.go(f"/connectors/{visit.path('name')}", Notice("bad", visit.texts.error(error)))
    return await visit.go("/connectors", Notice("good", visit.texts.done("remove", connector.spec.name)))
