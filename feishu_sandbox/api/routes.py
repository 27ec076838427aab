"""The table of endpoints."""

from aiohttp import web

from . import auth, card_update, cardkit, chats, media, messages, reactions
from .gateway import Gateway

_MESSAGE = "/im/v1/messages/{message_id}"
_CARD = "/cardkit/v1/cards/{card_id}"
_ELEMENT = f"{_CARD}/elements/{{element_id}}"


def add_routes(gateway: Gateway, app: web.Application) -> None:
    """Register every endpoint the sandbox has; anything else is Feishu's 404."""
    for slash in ("", "/"):
        path = f"/auth/v3/tenant_access_token/internal{slash}"
        gateway.route(app, "POST", path, auth.tenant_access_token, needs_token=False)
    for method, path, handler in (
        ("GET", "/bot/v3/info", auth.bot_info),
        ("GET", "/bot/v3/info/", auth.bot_info),
        ("GET", "/event/v1/connection", auth.connections),
        ("GET", "/application/v6/scopes", auth.scopes),
        ("POST", "/im/v1/messages", messages.create),
        ("GET", "/im/v1/messages", messages.listing),
        ("GET", _MESSAGE, messages.get),
        ("PUT", _MESSAGE, messages.edit),
        ("PATCH", _MESSAGE, messages.patch_card),
        ("DELETE", _MESSAGE, messages.recall),
        ("POST", f"{_MESSAGE}/reply", messages.reply),
        ("POST", f"{_MESSAGE}/reactions", reactions.add),
        ("GET", f"{_MESSAGE}/reactions", reactions.listing),
        ("DELETE", f"{_MESSAGE}/reactions/{{reaction_id}}", reactions.remove),
        ("GET", f"{_MESSAGE}/resources/{{file_key}}", media.resource),
        ("POST", "/im/v1/images", media.upload_image),
        ("POST", "/im/v1/files", media.upload_file),
        ("GET", "/im/v1/chats", chats.listing),
        ("GET", "/im/v1/chats/{chat_id}", chats.get),
        ("GET", "/im/v1/chats/{chat_id}/members", chats.members),
        ("POST", "/interactive/v1/card/update", card_update.update),
        ("POST", "/cardkit/v1/cards", cardkit.create),
        ("POST", "/cardkit/v1/cards/id_convert", cardkit.id_convert),
        ("PUT", _CARD, cardkit.update),
        ("PATCH", f"{_CARD}/settings", cardkit.settings),
        ("POST", f"{_CARD}/batch_update", cardkit.batch_update),
        ("POST", f"{_CARD}/elements", cardkit.add),
        ("PUT", _ELEMENT, cardkit.replace),
        ("PATCH", _ELEMENT, cardkit.patch),
        ("DELETE", _ELEMENT, cardkit.delete),
        ("PUT", f"{_ELEMENT}/content", cardkit.content),
    ):
        gateway.route(app, method, path, handler)
