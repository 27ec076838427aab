"""The page's own files, from inside the package (also when it is a zip)."""

from functools import lru_cache
from importlib.resources import files

from aiohttp import web

__all__ = ["static"]

TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@lru_cache
def _assets() -> dict[str, bytes]:
    folder = files("feishu_sandbox.page") / "static"
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in TYPES}


async def static(request: web.Request) -> web.StreamResponse:
    """One of the page's style sheets, scripts or drawings."""
    name = request.match_info["name"]
    body = _assets().get(name)
    if body is None:
        raise web.HTTPNotFound
    kind = TYPES[name.rpartition(".")[2]]
    return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": "no-cache"})
