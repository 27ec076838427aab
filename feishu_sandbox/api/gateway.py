"""What every REST call passes: log id, faults, token, limits, one form of answer, a record for the page."""

import asyncio
import json
import math
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate

from aiohttp import web

from ..faults import ApiFault, Faults
from ..world import App, ChangeKind, Json
from ..world.loose import parse_object
from .call import Call, Handler, Platform, json_body
from .errors import BAD_TOKEN, NO_TOKEN, ApiError

ROOT = "/open-apis/"
BOOTSTRAP = "/callback/ws/endpoint"
_SECRET = re.compile(r'("(?:app_secret|AppSecret|tenant_access_token)"\s*:\s*"|"wss?://[^"?]*\?)[^"]*(")')
_SHOWN = 8000


class Gateway:
    """Registers endpoints and wraps them."""

    def __init__(self, platform: Platform, faults: Faults) -> None:
        self._platform = platform
        self._faults = faults

    def route(
        self, app: web.Application, method: str, path: str, handler: Handler, *, needs_token: bool = True
    ) -> None:
        """Serve ``/open-apis`` + ``path``."""

        async def serve(request: web.Request) -> web.StreamResponse:
            caller = self._caller(request) if needs_token else None
            if caller is not None:
                self._count(caller, f"{method} {path}")
            multipart = request.content_type.startswith("multipart/")
            body: Json = {} if multipart or method == "GET" else await json_body(request)
            # Endpoints without a token look at the body alone, so any app stands in.
            data = await handler(Call(self._platform, request, caller or _NOBODY, body))
            if isinstance(data, web.StreamResponse):
                return data
            return _json({"code": 0, "msg": "success", "data": data})

        app.router.add_route(method, ROOT.rstrip("/") + path, serve)

    def _caller(self, request: web.Request) -> App:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ApiError(*NO_TOKEN)
        app = self._platform.tokens.owner(token.strip())
        if app is None:
            raise ApiError(*BAD_TOKEN, status=self._platform.rules.token_error_status)
        return app

    def _count(self, app: App, api: str) -> None:
        """99991400 with its headers (facts, limits table)."""
        rules = self._platform.rules
        full = self._platform.limits.count(
            (app.app_id, api), (rules.api_per_second, 1.0), (rules.api_per_minute, 60.0)
        )
        if full is not None:
            raise ApiError(
                99991400,
                "request trigger frequency limit",
                status=rules.rate_limit_status,
                headers={
                    "x-ogw-ratelimit-limit": str(full.limit),
                    "x-ogw-ratelimit-reset": str(max(1, math.ceil(full.reset))),
                },
            )

    @web.middleware
    async def middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Around every request below ``/open-apis/``; the bootstrap call is only recorded."""
        started = time.monotonic()
        if request.path == BOOTSTRAP:
            text = await _readable(request)
            response = await handler(request)
            app = self._platform.world.apps.get(str((parse_object(text) or {}).get("AppID")))
            self._record(request, text, response, app, started)
            return response
        if not request.path.startswith(ROOT):
            return await handler(request)
        log_id = time.strftime("%Y%m%d%H%M%S") + secrets.token_hex(10).upper()
        request_text = await _readable(request)
        app = self._calling(request, request_text)
        fault = self._faults.take(ApiFault, app.app_id if app else None, lambda f: _fits(f, request))
        if fault is not None and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault is None or fault.only_delays:
            response = await self._answer(request, handler, log_id)
        else:
            if fault.after:
                await self._answer(request, handler, log_id)
            response = _faulty(fault, log_id, request)
        response.headers["X-Tt-Logid"] = log_id
        response.headers.setdefault("Date", formatdate(self._platform.rules.clock(), usegmt=True))
        self._record(request, request_text, response, app, started)
        return response

    def _calling(self, request: web.Request, text: str) -> App | None:
        """The app that calls, by its token, or by its id when it asks for one."""
        token = request.headers.get("Authorization", "").partition(" ")[2].strip()
        named = str((parse_object(text) or {}).get("app_id")) if not token else ""
        return self._platform.tokens.owner(token) or self._platform.world.apps.get(named)

    async def _answer(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        log_id: str,
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            body = {"code": error.code, "msg": error.msg, "error": {"log_id": log_id, **error.detail}}
            return _json(body, status=error.status, headers=error.headers)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            # What Feishu's gateway says to a path or method it does not have (seen in oapi-sdk-go issue 64).
            return web.Response(status=404, text="404 page not found")

    def _record(
        self,
        request: web.Request,
        request_text: str,
        response: web.StreamResponse,
        app: App | None,
        started: float,
    ) -> None:
        raw = response.body if isinstance(response, web.Response) else None
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
        self._platform.world.feed.publish(
            ChangeKind.API_CALL,
            data={
                "app_id": app.app_id if app else None,
                "method": request.method,
                "path": request.path_qs,
                "status": response.status,
                "code": (parse_object(text) or {}).get("code"),
                "duration_ms": round((time.monotonic() - started) * 1000, 1),
                "request": redacted(request_text),
                "response": redacted(text),
            },
        )


def redacted(text: str) -> str:
    """Without tokens and secrets, at most 8,000 characters."""
    return _SECRET.sub(r"\1***\2", text)[:_SHOWN]


def _fits(fault: ApiFault, request: web.Request) -> bool:
    return bool(
        re.fullmatch(fault.method, request.method, re.IGNORECASE) and re.search(fault.path, request.path)
    )


def _faulty(fault: ApiFault, log_id: str, request: web.Request) -> web.StreamResponse:
    if fault.drop:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)
    if fault.body is not None:
        headers = {"Content-Type": "application/json; charset=utf-8", **fault.headers}
        return web.Response(status=fault.status, body=fault.body.encode(), headers=headers)
    code = fault.status if fault.code is None else fault.code
    return _json(
        {"code": code, "msg": fault.msg, "error": {"log_id": log_id}},
        status=fault.status,
        headers=fault.headers,
    )


def _json(body: Json, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)


async def _readable(request: web.Request) -> str:
    if request.content_type.startswith("multipart/"):
        return f"<{request.content_type}, {request.content_length} bytes>"
    return (await request.read()).decode("utf-8", "replace")


_NOBODY = App(name="", app_id="", app_secret="", verification_token="")
