"""The chat page: the local Feishu in a browser. :func:`attach` adds it to a web application."""

from aiohttp import web

from ..registration import CONFIRM_PATH
from . import actions, confirm, routes
from .assets import static
from .guard import guarded
from .live import close_streams
from .platform import PAGE, Page, Platform

__all__ = ["Platform", "attach"]


def attach(app: web.Application, sandbox: Platform) -> None:
    """Add the chat page to `app`: the page at `/`, everything it needs below `/sandbox/page/`; and the page
    where an app's registration is confirmed.

    Open event streams end when the application shuts down.
    """
    app[PAGE] = Page(sandbox)
    app.on_shutdown.append(close_streams)
    for method, path, handler in (
        ("GET", "/", routes.index),
        ("GET", "/sandbox/page/live", routes.live),
        ("GET", "/sandbox/page/static/{name}", static),
        ("GET", "/sandbox/page/media/{key}", actions.media),
        ("POST", "/sandbox/page/users", routes.add_user),
        ("POST", "/sandbox/page/apps", routes.add_app),
        ("POST", "/sandbox/page/webhook", routes.set_webhook),
        ("POST", "/sandbox/page/groups", routes.add_group),
        ("POST", "/sandbox/page/members", routes.change_members),
        ("POST", "/sandbox/page/say", actions.say),
        ("POST", "/sandbox/page/upload", actions.upload),
        ("POST", "/sandbox/page/click", actions.click),
        ("POST", "/sandbox/page/react", actions.react),
        ("POST", "/sandbox/page/withdraw", actions.withdraw),
        ("GET", CONFIRM_PATH, confirm.show),
        ("POST", CONFIRM_PATH, confirm.decide),
    ):
        app.router.add_route(method, path, guarded(handler))
