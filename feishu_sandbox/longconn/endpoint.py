"""Getting a connection: the bootstrap call and the WebSocket handshake (facts, "Bootstrap", "Handshake")."""

import hmac
import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from ..faults import BootstrapFault, Faults, HandshakeFault
from ..rules import Rules
from ..world import App, World
from ..world.loose import parse_object
from .connection import Connection, corked, sleep_for_ever
from .hub import Hub

ENDPOINT_PATH = "/callback/ws/endpoint"
SOCKET_PATH = "/ws/v2"
NO_CREDENTIAL = 1000040344
BAD_APP_ID = 1000040346
BAD_SECRET = 10014
EXCEED_CONNECTION_LIMIT = 1000040350
INTERNAL_ERROR = 1000040343


@dataclass(frozen=True, slots=True)
class _Ticket:
    app: App
    device_id: str
    service_id: int
    expires_at: float


class Endpoint:
    """Hands out one-time URLs and takes the sockets that come with them."""

    def __init__(self, world: World, hub: Hub, faults: Faults, rules: Rules) -> None:
        self._world = world
        self._hub = hub
        self._faults = faults
        self._rules = rules
        self._tickets: dict[str, _Ticket] = {}

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(ENDPOINT_PATH, self.bootstrap)
        app.router.add_get(SOCKET_PATH, self.connect)

    async def bootstrap(self, request: web.Request) -> web.StreamResponse:
        """``POST /callback/ws/endpoint`` with ``{AppID, AppSecret}``."""
        fields = parse_object(await request.read()) or {}
        app_id, secret = str(fields.get("AppID") or ""), str(fields.get("AppSecret") or "")
        if fault := self._faults.take(BootstrapFault, app_id):
            return await self._failed(fault)
        app = self._world.apps.get(app_id)
        if not app_id or not secret:
            return web.json_response({"code": NO_CREDENTIAL, "msg": "no credential"})
        if app is None:
            return web.json_response({"code": BAD_APP_ID, "msg": "app_id is invalid"})
        if not hmac.compare_digest(app.app_secret.encode(), secret.encode()):
            return web.json_response({"code": BAD_SECRET, "msg": "app secret invalid"})
        data = {"URL": self._new_url(app, request.host), "ClientConfig": self._rules.client_config.to_json()}
        return web.json_response({"code": 0, "msg": "", "data": data})

    async def _failed(self, fault: BootstrapFault) -> web.StreamResponse:
        match fault.how:
            case "status":
                return web.json_response({"code": fault.code, "msg": fault.msg}, status=fault.status)
            case "code":
                return web.json_response({"code": fault.code, "msg": fault.msg})
            case "no_data":
                return web.json_response({"code": 0, "msg": ""})
            case "not_json":
                return web.Response(text="<html>bad gateway</html>", content_type="text/html")
            case _:
                return await sleep_for_ever()

    def _new_url(self, app: App, host: str) -> str:
        """A URL that works once, its parameters in Feishu's order (clients parse them in naive ways).

        It leads to where the client found the platform, as ``host`` says.
        """
        now = self._rules.clock()
        self._tickets = {key: kept for key, kept in self._tickets.items() if kept.expires_at >= now}
        ticket, device_id = secrets.token_urlsafe(24), str(secrets.randbits(62))
        service_id = 33554678
        self._tickets[ticket] = _Ticket(app, device_id, service_id, now + self._rules.endpoint_ttl)
        query = urlencode(
            {
                "fpid": 493,
                "aid": 552564,
                "device_id": device_id,
                "access_key": secrets.token_hex(16),
                "service_id": service_id,
                "ticket": ticket,
            }
        )
        return f"ws://{host}{SOCKET_PATH}?{query}"

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket handshake with a bootstrap URL."""
        ticket = self._tickets.pop(request.query.get("ticket", ""), None)
        if ticket is None or ticket.expires_at < self._rules.clock():
            return _refused(514, "ticket is invalid or expired", INTERNAL_ERROR)
        if fault := self._faults.take(HandshakeFault, ticket.app.app_id):
            if fault.how == "hang":
                await sleep_for_ever()
            return _refused(fault.status, fault.msg, fault.autherrcode, fault.http_status)
        if len(self._hub.online(ticket.app)) >= self._rules.max_connections:
            return _refused(514, "exceed connection limit", EXCEED_CONNECTION_LIMIT)
        ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=16 * 2**20, timeout=1.0)
        if not ws.can_prepare(request):
            return web.Response(status=400, text="websocket upgrade expected")
        connection = Connection(
            app=ticket.app,
            conn_id=ticket.device_id,
            service_id=ticket.service_id,
            ws=ws,
            request=request,
            faults=self._faults,
        )
        with corked(request):
            await ws.prepare(request)
            await self._hub.greet(connection)
        await self._hub.serve(connection)
        return ws


def _refused(
    status: int, msg: str, autherrcode: int | None = None, http_status: int | None = None
) -> web.Response:
    """A refused handshake (facts, "Handshake refusal headers")."""
    headers = {"Handshake-Status": str(status), "Handshake-Msg": msg}
    if autherrcode is not None:
        headers["Handshake-Autherrcode"] = str(autherrcode)
    http = http_status or (status if 400 <= status <= 599 else 403)
    return web.Response(status=http, reason="Handshake Refused", headers=headers)
