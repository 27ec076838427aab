"""What every answer of the page carries, and which requests it refuses.

A name, a card or a file may come from anywhere, so nothing but the page's own files may run (CSP without
inline code), and no other web site may press its buttons (what changes something must come from the page).
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

__all__ = ["guarded"]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, a form would come with Origin: null
    "Cross-Origin-Opener-Policy": "same-origin",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def guarded(handler: Handler) -> Handler:
    """Wrap a handler of the page."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        if request.method == "POST" and not _own(request):
            raise web.HTTPForbidden(text="this request did not come from the sandbox's page")
        try:
            return _protected(await handler(request))
        except web.HTTPException as answer:
            _protected(answer)
            raise

    return wrapped


def _protected(response: web.StreamResponse) -> web.StreamResponse:
    if not response.prepared:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _own(request: web.Request) -> bool:
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host
