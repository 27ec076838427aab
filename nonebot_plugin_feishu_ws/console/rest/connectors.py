"""Connectors: looked at, added, changed, verified, enabled, removed."""

from fastapi import Response

from ...runtime import send_test
from .calls import Call, ConnectorId, ThisCall
from .models import (
    ConnectorChanges,
    Connectors,
    ConnectorView,
    Enabling,
    NewConnector,
    Sent,
    TextToSend,
    Verified,
)


async def listed(call: ThisCall) -> Connectors:
    """The connectors one may see: an owner their own, an admin all."""
    pairs = await call.management.service.status(call.actor)
    return Connectors(connectors=[ConnectorView.of(*pair) for pair in pairs])


async def add(call: ThisCall, body: NewConnector, response: Response) -> ConnectorView:
    """Add a connector. It is neither verified nor enabled: that is what comes next. For admins."""
    connector = await call.management.service.create(call.actor, body.given())
    response.headers["Location"] = f"/api/integrations/feishu/{connector.id}"
    return await _view(call, connector.id)


async def get(call: ThisCall, id_: ConnectorId) -> ConnectorView:
    """One connector."""
    return await _view(call, id_)


async def change(call: ThisCall, id_: ConnectorId, body: ConnectorChanges) -> ConnectorView:
    """Change fields; those left out stay as they are, null is the default.

    A connector whose `app_id`, `app_secret` or `domain` changes is disabled until it is verified and enabled again.
    Only admins change `owner`, `domain` and `proxy`.
    """
    changed = await call.management.service.update(call.actor, id_, body.given())
    return await _view(call, changed.connector.id)


async def remove(call: ThisCall, id_: ConnectorId) -> None:
    """Forget a connector and its secrets. Its log stays."""
    await call.management.service.remove(call.actor, id_)


async def verify(call: ThisCall, id_: ConnectorId) -> Verified:
    """Ask Feishu whether the credentials are good and the app has a bot. Only success marks it verified."""
    connector, info = await call.management.service.verify(call.actor, id_)
    return Verified(connector=await _view(call, connector.id), bot=info.app_name)


async def enable(call: ThisCall, id_: ConnectorId, body: Enabling) -> ConnectorView:
    """Enable or disable a connector. Only a verified one can be enabled; it is connected then."""
    connector = await call.management.service.set_enabled(call.actor, id_, body.enabled)
    return await _view(call, connector.id)


async def test(call: ThisCall, id_: ConnectorId, body: TextToSend) -> Sent:
    """Send a text message as the bot.

    After a 502 nobody knows whether Feishu took it.
    """
    tried = await send_test(call.management, call.actor, id_, body.text, body.chat_id or "")
    return Sent(message_id=tried.message_id, chat_id=tried.chat)


async def _view(call: Call, id_: str) -> ConnectorView:
    ((connector, reported),) = await call.management.service.status(call.actor, id_)
    return ConnectorView.of(connector, reported)
