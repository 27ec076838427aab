"""``/sandbox/…``: faults and request URLs over HTTP, and bots' avatars. No part of Feishu."""

from aiohttp import web
from pydantic import BaseModel

from .faults import KINDS, FaultError, Faults, read_fault
from .posts import Posts, RequestUrlError
from .world import World
from .world.loose import parse_object

_WEBHOOK = ("request_url", "encrypt_key")


class Control:
    """Switching faults and request URLs from outside, for clients in other languages and the page."""

    def __init__(self, world: World, faults: Faults, posts: Posts) -> None:
        self._world = world
        self._faults = faults
        self._posts = posts

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/sandbox/faults", self.show)
        app.router.add_post("/sandbox/faults", self.add)
        app.router.add_delete("/sandbox/faults", self.clear)
        app.router.add_get("/sandbox/apps", self.apps)
        app.router.add_put("/sandbox/apps/{app_id}/webhook", self.set_webhook)
        app.router.add_get("/sandbox/avatar/{app_id}", self.avatar)

    async def show(self, request: web.Request) -> web.Response:  # noqa: ARG002
        """The standing faults, and the kinds there are with their fields."""
        return web.json_response(
            {
                "active": [
                    {**active.fault.model_dump(mode="json"), "left": active.left, "struck": active.struck}
                    for active in self._faults.active
                ],
                "kinds": {kind: _fields(model) for kind, model in KINDS.items()},
            }
        )

    async def add(self, request: web.Request) -> web.Response:
        """A fault as JSON, e.g. ``{"kind": "bootstrap", "how": "code", "code": 1, "times": 2}``."""
        if request.content_type != "application/json":  # a foreign web page can not send that unasked
            return web.json_response({"error": "Content-Type must be application/json"}, status=415)
        try:
            body: object = await request.json()
            fault = read_fault(body)
            app_id = fault.app_id
            if app_id is not None and app_id not in self._world.apps:
                raise FaultError(f"unknown app_id {app_id!r}, one of: {', '.join(self._world.apps)}")
        except FaultError as error:
            return web.json_response({"error": str(error)}, status=400)
        except ValueError:
            return web.json_response({"error": "the body is not JSON"}, status=400)
        self._faults.add(fault)
        return await self.show(request)

    async def clear(self, request: web.Request) -> web.Response:
        """End all standing faults, or those of ``?kind=``."""
        kind = request.query.get("kind")
        if kind is not None and kind not in KINDS:
            error = f"unknown fault kind {kind!r}, one of: {', '.join(KINDS)}"
            return web.json_response({"error": error}, status=400)
        self._faults.clear(kind)
        return await self.show(request)

    async def apps(self, request: web.Request) -> web.Response:  # noqa: ARG002
        """The apps, with what their developer console shows."""
        fields = ("app_id", "name", "app_secret", "verification_token", "encrypt_key", "request_url")
        return web.json_response(
            [{name: getattr(app, name) for name in fields} for app in self._world.apps.values()]
        )

    async def set_webhook(self, request: web.Request) -> web.Response:
        """An app's request URL, e.g. ``{"request_url": "http://127.0.0.1:8080/feishu/cli_…", "encrypt_key": "…"}``.

        It is saved if it answers the challenge. Null ends it, and so does an empty encrypt key; what is left out stays.
        """
        app = self._world.apps.get(request.match_info["app_id"])
        if app is None:
            return web.json_response({"error": "unknown app_id"}, status=404)
        if request.content_type != "application/json":
            return web.json_response({"error": "Content-Type must be application/json"}, status=415)
        body = parse_object(await request.read()) or {}
        unfit = [
            name for name, value in body.items() if name not in _WEBHOOK or not isinstance(value, str | None)
        ]
        if unfit or not body:
            return web.json_response({"error": f"fields: {', '.join(_WEBHOOK)}"}, status=400)
        if "encrypt_key" in body:
            app.encrypt_key = body["encrypt_key"] or None
        try:
            if "request_url" in body:
                await self._posts.save_url(app, body["request_url"] or None)
        except RequestUrlError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"request_url": app.request_url})

    async def avatar(self, request: web.Request) -> web.Response:
        """A bot's picture: its first letter on a colour of its own."""
        app = self._world.apps.get(request.match_info["app_id"])
        if app is None:
            return web.Response(status=404, text="404 page not found")
        letter = app.name[:1].replace("<", "").replace("&", "")
        hue = sum(app.app_id.encode()) % 360
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
            f'<rect width="64" height="64" rx="14" fill="hsl({hue} 55% 48%)"/>'
            '<text x="32" y="43" text-anchor="middle" font-family="sans-serif" font-size="30" fill="#fff">'
            f"{letter}</text></svg>"
        )
        return web.Response(text=svg, content_type="image/svg+xml")


def _fields(model: type[BaseModel]) -> dict[str, str]:
    return {name: str(field.annotation) for name, field in model.model_fields.items() if name != "kind"}
