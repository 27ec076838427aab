"""What every answer of the console carries, and which requests it refuses.

Names, log details and the arguments of an approval may come from anybody, so nothing but the console's own files may
run (no inline code, no inline style), no page of others may frame it, and no other web site may press its buttons.
"""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import Request, Response

COOKIE = "feishu-ws"

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer a form would come with Origin: null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_OURS = ("same-origin",)
_TYPED = ("same-origin", "none")  # `none`: typed into the address bar, or a bookmark
_HSTS = "max-age=31536000"
_SAFE = ("GET", "HEAD")


def is_secure(request: Request, public_url: str | None) -> bool:
    """Whether the browser came over https, as far as it can be known behind a proxy.

    Args:
        request: Any.
        public_url: `FEISHU_WS__CONSOLE_URL`: what people open.
    """
    return request.url.scheme == "https" or (public_url or "").startswith("https://")


def is_private(request: Request) -> bool:
    """Whether the other end of the connection is on this machine or a network of one's own."""
    try:
        return not ipaddress.ip_address(request.client.host if request.client else "").is_global
    except ValueError:  # a Unix socket, or a test's name
        return True


def cookie_name(*, secure: bool) -> str:
    """Over https a name that browsers take from this host alone, over https alone (RFC 6265bis, 4.1.3)."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def is_foreign(request: Request, public_url: str | None, *, stream: bool = False) -> bool:
    """Whether another site's page has caused a request that changes something, or reads a stream.

    Browsers say so themselves, in one of two headers; what says nothing is no browser, and changes nothing here.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if request.method in _SAFE and not stream:
        return False
    if site is not None and site not in (_TYPED if stream else _OURS):
        return True
    if origin is not None:
        ours = {request.headers.get("Host", ""), urlsplit(public_url or "").netloc}
        return urlsplit(origin).netloc not in ours - {""}
    return site is None and not stream


def protected(response: Response, *, secure: bool) -> Response:
    """Add what every answer carries."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    if secure:
        response.headers["Strict-Transport-Security"] = _HSTS
    return response
