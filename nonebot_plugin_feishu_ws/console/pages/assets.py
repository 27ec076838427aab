"""The console's own files, from inside the package (also when it is a zip)."""

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import Response

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@cache
def _assets() -> dict[str, bytes]:
    folder = files(__name__.rpartition(".")[0]) / "static"
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in _TYPES}


@cache
def version() -> str:
    """Another one whenever a file has changed; part of their addresses."""
    together = hashlib.sha256()
    for name, content in sorted(_assets().items()):
        together.update(name.encode() + b"\0" + content)
    return together.hexdigest()[:12]


def asset(name: str) -> Response | None:
    """One of the style sheets, scripts or drawings; None: there is none of that name."""
    content = _assets().get(name)
    if content is None:
        return None
    kind = _TYPES[name.rpartition(".")[2]]
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=kind, headers=headers)
