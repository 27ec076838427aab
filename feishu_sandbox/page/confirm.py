"""Where the link of a scan-to-create registration leads: somebody of the company confirms or declines."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from ..registration import CONFIRM_PATH, NotOpenError, read_addons
from ..world import Json
from .looks import face_of, ident
from .markup import clean
from .nodes import as_list, as_map
from .platform import PAGE
from .routes import ASSETS, NAME_LENGTH, texts_of

__all__ = ["decide", "show"]


async def show(request: web.Request) -> web.StreamResponse:
    """The question, or what was answered. Query: `user_code`; `name` and `addons` as clients add them."""
    page, texts, query = request.app[PAGE], texts_of(request), request.query
    registration = page.platform.registrations.find(query.get("user_code", ""))
    if not page.world.users:
        page.world.add_user("Ada")
    context: dict[str, Any] = {
        "t": texts,
        "assets": ASSETS,
        "action": CONFIRM_PATH,
        "registration": registration,
        "chat": "",
        "name": clean(query.get("name"))[:NAME_LENGTH],
        "users": [
            {"key": ident(one), "name": clean(one.name), "avatar": face_of(one)}
            for one in page.world.users.values()
        ],
        "asked": _asked(read_addons(query.get("addons", "")) or {}),
    }
    if registration is not None and registration.app is not None and registration.owner is not None:
        context["chat"] = urlencode({"user": ident(registration.owner), "app": registration.app.app_id})
    html = page.templates.get_template("confirm.html").render(context)
    return web.Response(text=html, content_type="text/html", status=200 if registration else 404)


def _asked(addons: Json) -> dict[str, Sequence[str]]:
    """What the app is to be allowed and sent, by kind; the sandbox grants everything to every app."""
    events, callbacks = as_map(as_map(addons.get("events")).get("items")), as_map(addons.get("callbacks"))
    scopes = as_map(addons.get("scopes"))
    return {
        "scopes": [clean(one) for side in ("tenant", "user") for one in as_list(scopes.get(side))],
        "events": [clean(one) for side in ("tenant", "user") for one in as_list(events.get(side))],
        "callbacks": [clean(one) for one in as_list(callbacks.get("items"))],
    }


async def decide(request: web.Request) -> web.StreamResponse:
    """The form: `user_code`, `do` (approve or deny), and to approve `user` and `name`."""
    page, texts = request.app[PAGE], texts_of(request)
    form = await request.post()
    user_code = str(form.get("user_code", ""))
    try:
        if form.get("do") == "approve":
            user = page.user(form.get("user"))
            name = " ".join(clean(form.get("name")).split())[:NAME_LENGTH]
            page.platform.registrations.approve(user_code, user, name or texts.default_app(clean(user.name)))
        elif form.get("do") == "deny":
            page.platform.registrations.deny(user_code)
        else:
            raise web.HTTPBadRequest(text="do: approve, deny")
    except KeyError:
        raise web.HTTPNotFound(text=texts.unknown_thing) from None
    except NotOpenError:
        pass  # the page says how it stands
    raise web.HTTPSeeOther(f"{CONFIRM_PATH}?{urlencode({'user_code': user_code})}")
