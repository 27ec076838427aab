"""lark_oapi's typed client on a connector's own REST client.

Its calls find their transport and their check of tokens among the names of their modules. Here each call is made of the
same code with these two names exchanged, so that it goes out by our session: the connector's host and proxy, its token,
its pace, and our errors. lark_oapi itself is left as it is, for whoever else uses it.
"""

import asyncio
import importlib
import inspect
import json
from collections import defaultdict
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

from ..openapi import FeishuClient
from .calls import FILE_TIMEOUT, form_of

if TYPE_CHECKING:
    from lark_oapi import Client  # pyright: ignore[reportMissingTypeStubs] (it is annotated)

_TIMEOUT = 30.0  # seconds, as lark_oapi has it


class BlockingCallError(RuntimeError):
    """A call of lark_oapi's that would stop all bots of this process until Feishu has answered.

    Attributes:
        name: the call's; with an `a` before it there is one to be awaited.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} would block the event loop; use `await ….a{name}(…)`")


async def lark_client(client: FeishuClient) -> "Client":
    """lark_oapi's client for an app. The first one takes seconds, in which lark_oapi is imported; the loop goes on.

    Its calls raise as `FeishuClient` does, so their `success()` is always true.
    """
    lark: Any = await asyncio.to_thread(importlib.import_module, "lark_oapi")
    made: Any = lark.Client.builder().app_id(client.app_id).domain(client.base_url.rstrip("/")).build()
    transport = _Transport(client, lark)
    for name, part in cast("dict[str, Any]", vars(made)).copy().items():
        if not name.startswith("_"):
            setattr(made, name, _Calls(part, transport))
    made.request = _refused("request")
    made.arequest = _rebound(made.arequest, transport)
    return made


class _Calls:
    """A part of lark_oapi's client: parts of it, and calls."""

    def __init__(self, part: object, transport: "_Transport") -> None:
        self._part = part
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if inspect.iscoroutinefunction(found):
            return _rebound(found, self._transport)
        return _refused(name) if callable(found) else _Calls(found, self._transport)


def _refused(name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise BlockingCallError(name)

    return refuse


def _rebound(call: Callable[..., Any], transport: "_Transport") -> Callable[..., Any]:
    """The call with our transport in place of lark_oapi's."""
    function = cast("MethodType", call).__func__
    ours = {**function.__globals__, "Transport": transport, "verify": _verify}
    made = FunctionType(
        function.__code__, ours, function.__name__, function.__defaults__, function.__closure__
    )
    return MethodType(made, cast("MethodType", call).__self__)


def _verify(_: Any, __: Any, option: Any) -> None:
    """Instead of fetching a token, which would block the loop."""
    if option.user_access_token or option.app_access_token:
        raise ValueError(
            "this client calls as the app (bot); make a lark_oapi client of your own for other tokens"
        )


class _Transport:
    """Where lark_oapi's calls have theirs."""

    def __init__(self, client: FeishuClient, lark: Any) -> None:
        self._client = client
        self._lark = lark

    async def aexecute(self, _: Any, request: Any, __: Any) -> Any:
        """Carry out a request.

        Returns:
            lark_oapi's `RawResponse`.
        """
        path: str = request.uri
        paths: dict[str, Any] = request.paths or {}
        for name, value in paths.items():
            path = path.replace(f":{name}", quote(str(value), safe=""))
        params: dict[str, list[str]] = defaultdict(list)
        for name, value in request.queries:
            params[name].append(value)
        method: str = request.http_method.name
        raw = self._lark.RawResponse()
        raw.status_code = 200
        if method == "GET":  # may be a file
            file = await self._client.download(path, params=params)
            raw.content, raw.headers = file.content, {"Content-Type": file.content_type}
            if file.file_name:
                raw.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.file_name)}"
            return raw
        body: Any = None if request.body is None else json.loads(self._lark.JSON.marshal(request.body))
        if request.files:
            form = form_of({key: value for key, value in body.items() if value is not None}, request.files)
            answer = await self._client.request(method, path, params=params, data=form, timeout=FILE_TIMEOUT)
        else:
            answer = await self._client.request(method, path, params=params, json=body, timeout=_TIMEOUT)
        raw.content, raw.headers = json.dumps(answer).encode(), {"Content-Type": "application/json"}
        return raw
