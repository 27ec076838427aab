"""Uploads, and downloads of what is in messages (facts, "Messages")."""

from urllib.parse import quote

from aiohttp import BodyPartReader, web

from ..world import Json
from ..world.contents import SAMPLES
from .call import Call
from .errors import (
    BAD_RESOURCE_REQUEST,
    EMPTY_FILE,
    FILE_NOT_IN_MESSAGE,
    FILE_TOO_LARGE,
    RESOURCE_NOT_IN_CHAT,
    ApiError,
)

MAX_IMAGE = 10 * 2**20
MAX_FILE = 30 * 2**20
FILE_TYPES = ("opus", "mp4", "pdf", "doc", "xls", "ppt", "stream")


async def upload_image(call: Call) -> Json:
    """``POST /im/v1/images``: multipart ``image_type`` (message, avatar) and ``image``, at most 10 MB."""
    fields, data, name, kind = await _multipart(call.request, "image", MAX_IMAGE)
    if fields.get("image_type") not in ("message", "avatar"):
        raise ApiError(*BAD_RESOURCE_REQUEST)
    resource = call.world.add_resource(call.app, "image", data, name or "image", kind)
    return {"image_key": resource.key}


async def upload_file(call: Call) -> Json:
    """``POST /im/v1/files``: multipart ``file_type``, ``file_name``, ``duration`` (ms), ``file`` (30 MB)."""
    fields, data, name, kind = await _multipart(call.request, "file", MAX_FILE)
    file_name = fields.get("file_name") or name
    if fields.get("file_type") not in FILE_TYPES or not file_name:
        raise ApiError(*BAD_RESOURCE_REQUEST)
    resource = call.world.add_resource(call.app, "file", data, file_name, kind)
    return {"file_key": resource.key}


async def _multipart(
    request: web.Request, part_name: str, limit: int
) -> tuple[dict[str, str], bytes, str, str]:
    """The form's text fields and its file: data, file name, content type."""
    if not request.content_type.startswith("multipart/"):
        raise ApiError(*BAD_RESOURCE_REQUEST)
    fields: dict[str, str] = {}
    data, name, kind = None, "", "application/octet-stream"
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                raise ApiError(*BAD_RESOURCE_REQUEST)
            if part.name == part_name:
                data = bytes(await part.read(decode=False))
                name = part.filename or ""
                kind = part.headers.get("Content-Type", kind)
                if len(data) > limit:
                    raise ApiError(*FILE_TOO_LARGE)
            else:
                fields[part.name or ""] = await part.text()
    except ValueError as error:
        raise ApiError(*BAD_RESOURCE_REQUEST) from error
    if data is None:
        raise ApiError(*BAD_RESOURCE_REQUEST)
    if not data:
        raise ApiError(*EMPTY_FILE)
    return fields, data, name, kind


async def resource(call: Call) -> web.StreamResponse:
    """``GET /im/v1/messages/:message_id/resources/:file_key?type=image|file``: the bytes."""
    kind = call.query("type")
    message = call.world.messages.get(call.part("message_id"))
    key = call.part("file_key")
    if kind not in ("image", "file") or message is None:
        raise ApiError(*BAD_RESOURCE_REQUEST)
    if call.app not in message.chat.apps:
        raise ApiError(*RESOURCE_NOT_IN_CHAT)
    found = call.world.resources.get(key)
    if f'"{key}"' not in str(message.content).replace("'", '"') or message.recalled:
        raise ApiError(*FILE_NOT_IN_MESSAGE)
    if found is None:
        if not any(key in sample.values() for sample in SAMPLES.values()):
            raise ApiError(*FILE_NOT_IN_MESSAGE)
        return web.Response(body=b"sample", content_type="application/octet-stream")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name)}"}
    return web.Response(body=found.data, content_type=found.content_type, headers=headers)
