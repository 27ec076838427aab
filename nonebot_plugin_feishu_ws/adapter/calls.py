"""`call_api` as the stock adapter has it, carried by our REST client."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from aiohttp import FormData
from nonebot.drivers import Response
from typing_extensions import override

from ..openapi import FeishuClient, Form
from .errors import translated
from .normalise import is_object

FILE_TIMEOUT = 120.0
# Answers that are files, not JSON (open.larkoffice.com …/im-v1: images, files, message resources; drive-v1: download).
_FILE = re.compile(r"(?:/open-apis/)?(im/v1/(messages/[^/]+/resources|images|files)/[^/]+|.+/download)")


class Body(dict[str, Any]):
    """Feishu's whole answer, as the stock adapter gives it. Keys it lacks are looked up in its `data`.

    Plugins written for the stock adapter read both `body["data"]["message_id"]` and `body["message_id"]`.
    """

    def __missing__(self, key: str) -> Any:
        data = super().get("data")
        if not is_object(data):
            raise KeyError(key)
        return data[key]

    @override
    def get(self, key: str, default: Any = None, /) -> Any:
        try:
            return self[key]
        except KeyError:
            return default


async def call(client: FeishuClient, api: str, data: Mapping[str, Any]) -> Any:
    """Call one API.

    Parameters:
        api: `im/v1/messages`, or with `/open-apis/` before it.
        data: `method` (GET), `params` or `query`, `json` or `body`, `data` and `files` (a form), `_timeout`
            (seconds) and `_return_response`, as the stock adapter takes them.

    Returns:
        The whole JSON body, the bytes of a file, or with `_return_response` a NoneBot `Response`.

    Raises:
        ActionFailed: Feishu answered with an error.
        NetworkError: no usable answer.
        ValueError: the path or an argument cannot be sent.
    """
    if refused := {"content", "cookies", "headers"} & {key for key, value in data.items() if value}:
        raise ValueError(
            f"call_api cannot send {', '.join(sorted(refused))}; use json, params, or data with files"
        )
    method = str(data.get("method", "GET")).upper()
    params = data.get("params") or data.get("query")
    form = form_of(data.get("data") or {}, data["files"]) if data.get("files") else None
    body = data.get("json") or data.get("body") or (None if form else data.get("data"))
    timeout = data.get("_timeout") or (FILE_TIMEOUT if form else None)
    with translated():
        if method == "GET" and _FILE.fullmatch(api):
            file = await client.download(api, params=params)
            headers, content = {"Content-Type": file.content_type}, file.content
            result: object = content
        else:
            result = Body(
                await client.request(method, api, params=params, json=body, data=form, timeout=timeout)
            )
            headers = {"Content-Type": "application/json"}
            content = json.dumps(result, ensure_ascii=False).encode()
    return Response(200, headers=headers, content=content) if data.get("_return_response") else result


def form_of(fields: Mapping[str, Any], files: object) -> Form:
    """A multipart form that can be built again, should the token be refused."""
    pairs = files.items() if is_object(files) else cast("Iterable[tuple[str, Any]]", files)
    contents = [(name, _content(value)) for name, value in pairs]

    def build() -> FormData:
        form = FormData()
        for name, value in fields.items():
            form.add_field(name, str(value))
        for name, content in contents:
            # A part must have a file name; what Feishu shows is the field `file_name`.
            form.add_field(name, content, filename=name, content_type="application/octet-stream")
        return form

    return build


def _content(value: Any) -> bytes:
    """The bytes of a file in one of NoneBot's notations: content, or (name, content[, type])."""
    content: Any = cast("tuple[Any, ...]", value)[1] if isinstance(value, tuple) else value
    content = content.read() if hasattr(content, "read") else content
    return content.encode() if isinstance(content, str) else bytes(content)
