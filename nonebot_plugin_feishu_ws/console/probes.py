"""`GET /feishu/healthz` and `GET /feishu/metrics`, for what watches over processes, on any driver that serves HTTP."""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cache
from ipaddress import ip_address

from nonebot.drivers import URL, ASGIMixin, Driver, HTTPServerSetup, Request, Response

from ..config import Settings
from ..runtime import Runtime

HEALTH, METRICS = "/feishu/healthz", "/feishu/metrics"
_TEXT = "text/plain; version=0.0.4; charset=utf-8"
# By somebody before us, so that the request is not of this machine.
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_CLOSED = (
    "Set FEISHU_WS__API_TOKEN and send it as a bearer token. Without one, metrics are for this machine alone: "
    "HOST must be a loopback address, with no proxy before it."
)

_Handler = Callable[[Request], Awaitable[Response]]


def mount(runtime: Runtime, settings: Settings, driver: Driver) -> None:
    """Serve them, whether there is a console or not. Does nothing on a driver that serves no HTTP.

    Args:
        runtime: Who is asked; it need not have started.
        settings: As loaded.
        driver: NoneBot's.
    """
    if not isinstance(driver, ASGIMixin):
        return
    with suppress(NotImplementedError):  # it serves HTTP in name only
        for path, handler in (
            (HEALTH, _health(runtime)),
            (METRICS, _metrics(runtime, _Gate(settings, driver))),
        ):
            driver.setup_http_server(
                HTTPServerSetup(URL(path), "GET", path.strip("/").replace("/", "_"), handler)
            )


class _Gate:
    """Who may read metrics. Names of connectors are in them: no secrets, and nothing for strangers."""

    def __init__(self, settings: Settings, driver: Driver) -> None:
        token = settings.api_token
        self._token = None if token is None else token.get_secret_value().encode()
        self._local = _is_loopback(str(driver.config.host))

    def refuses(self, request: Request) -> Response | None:
        """The refusal; None: they may."""
        if self._token is not None:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token):
                return None
            return _plain(401, _CLOSED, {"WWW-Authenticate": "Bearer"})
        # NoneBot does not say who asks. Where only this machine can connect, it is somebody of this machine: unless a
        # proxy stands in between, or a browser was led here by a name (DNS rebinding).
        near = self._local and _is_loopback(request.url.host or "")
        if near and not any(name in request.headers for name in _FORWARDED):
            return None
        return _plain(403, _CLOSED)


def _health(runtime: Runtime) -> _Handler:
    async def health(request: Request) -> Response:
        probe = request.url.query.get("probe", "ready")
        if probe == "live":  # it is the event loop that answers
            return _json(200, {"status": "live"})
        if probe != "ready":
            return _json(400, {"error": "probe is live or ready"})
        found = runtime.vitals.health()
        status = "unavailable" if not found.ready else "degraded" if found.disconnected else "ready"
        return _json(
            200 if found.ready else 503,
            {"status": status, "reasons": found.reasons, "disconnected": found.disconnected},
        )

    return health


def _metrics(runtime: Runtime, gate: _Gate) -> _Handler:
    metrics_of = cache(runtime.vitals.metrics)  # at the first scrape

    async def metrics(request: Request) -> Response:
        if (refusal := gate.refuses(request)) is not None:
            return refusal
        return Response(200, headers={"Content-Type": _TEXT}, content=metrics_of()())

    return metrics


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _json(status: int, body: Mapping[str, object]) -> Response:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(status, headers=headers, content=json.dumps(body, ensure_ascii=False))


def _plain(status: int, text: str, more: Mapping[str, str] | None = None) -> Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", **(more or {})}
    return Response(status, headers=headers, content=text)
