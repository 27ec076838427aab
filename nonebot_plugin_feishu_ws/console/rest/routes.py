"""Every route, in one table."""

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.routing import Match

from ...config import Settings
from ...runtime import Management
from ..auth import Gate
from . import approvals, connections, connectors
from .guard import guarded
from .problems import MEDIA_TYPE, Code, Problem, ProblemDetails

PREFIX = "/api/integrations/feishu"
"""Where the routes are."""

_ANYWHERE = (
    Code.INVALID,
    Code.UNAUTHORIZED,
    Code.CLOSED,
    Code.TOO_LARGE,
    Code.UNSUPPORTED_MEDIA_TYPE,
    Code.TOO_MANY_FAILURES,
    Code.INTERNAL,
    Code.DATABASE_UNAVAILABLE,
)
_UNKNOWN, _LOCKED = Code.NOT_FOUND, Code.SECRETS_LOCKED
_FEISHU = (Code.FEISHU_REFUSED, Code.FEISHU_UNAVAILABLE)
_WRITING = (_UNKNOWN, Code.READ_ONLY, _LOCKED)

# method, path, what it does, what it answers with, and why it may refuse.
# A path without braces comes before those that it would fit, too.
_Endpoint = Callable[..., Any]
_ROUTES: tuple[tuple[str, str, _Endpoint, int, tuple[Code, ...]], ...] = (
    ("GET", "", connectors.listed, 200, ()),
    ("POST", "", connectors.add, 201, (Code.FORBIDDEN, Code.TAKEN)),
    ("GET", "/ws/status", connections.status_of_all, 200, ()),
    ("POST", "/ws/connect", connections.connect_all, 200, ()),
    ("POST", "/ws/disconnect", connections.disconnect_all, 200, ()),
    ("GET", "/approvals", approvals.waiting, 200, ()),
    (
        *("POST", "/approvals/{action_id}", approvals.decide, 200),
        (Code.MAY_NOT_DECIDE, _UNKNOWN, Code.ALREADY_DECIDED),
    ),
    ("GET", "/{id}", connectors.get, 200, (_UNKNOWN,)),
    ("PATCH", "/{id}", connectors.change, 200, (*_WRITING, Code.FORBIDDEN, Code.TAKEN)),
    ("DELETE", "/{id}", connectors.remove, 204, (_UNKNOWN, Code.READ_ONLY)),
    ("POST", "/{id}/verify-callback", connectors.verify, 200, (_UNKNOWN, _LOCKED, *_FEISHU)),
    ("PATCH", "/{id}/enable", connectors.enable, 200, (*_WRITING, Code.NOT_VERIFIED)),
    ("GET", "/{id}/logs", connections.log, 200, (_UNKNOWN,)),
    (
        *("POST", "/{id}/test-message", connectors.test, 200),
        (_UNKNOWN, _LOCKED, Code.NO_TARGET, Code.CHAT_NOT_ALLOWED, *_FEISHU),
    ),
    ("GET", "/{id}/ws/status", connections.status, 200, (_UNKNOWN,)),
    ("POST", "/{id}/ws/connect", connections.connect, 200, (_UNKNOWN, _LOCKED, Code.NOT_ENABLED)),
    ("POST", "/{id}/ws/disconnect", connections.disconnect, 200, (_UNKNOWN, _LOCKED)),
)

_bearer = HTTPBearer(
    auto_error=False,  # the guard has looked already; this is for the document
    scheme_name="feishu-ws",
    description="FEISHU_WS__API_TOKEN, or a JWT signed with FEISHU_WS__JWT_SECRET (HS256; sub, role, aud, exp)",
)


def router(management: Management, gate: Gate, settings: Settings) -> APIRouter:
    """The REST interface.

    Args:
        management: What is looked at and managed; it need not have started.
        gate: Knows who calls.
        settings: For the language of callers who ask for none.
    """
    made = APIRouter(
        prefix=PREFIX,
        tags=["feishu"],
        route_class=guarded(management, gate, settings),
        dependencies=[Security(_bearer)],
    )
    for method, path, endpoint, status, codes in _ROUTES:
        made.add_api_route(
            path,
            endpoint,
            methods=[method],
            status_code=status,
            summary=(endpoint.__doc__ or "").partition(".")[0],
            operation_id=f"feishu_{endpoint.__name__}_{method.lower()}",
            responses=_refusals((*codes, *_ANYWHERE)),
        )
    routes = [route for route in made.routes if isinstance(route, APIRoute)]
    _catch_all(made, routes)
    return made


def _catch_all(made: APIRouter, routes: list[APIRoute]) -> None:
    """Addresses below ours that nobody serves: what is said about them is ours, too."""

    async def unknown(request: Request) -> None:
        allowed = {
            method
            for route in routes
            if route.matches(request.scope)[0] is not Match.NONE
            for method in route.methods or ()
        }
        if allowed:
            raise Problem(Code.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(sorted(allowed))})
        raise Problem(Code.NOT_FOUND)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]
    for path in ("", "/{rest:path}"):
        made.add_api_route(path, unknown, methods=methods, include_in_schema=False)


def _refusals(codes: tuple[Code, ...]) -> dict[int | str, dict[str, Any]]:
    """The problems of a route, by status."""
    schema = _problem()
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({code.status for code in codes}):
        of_status = [code for code in codes if code.status == status]
        found[int(status)] = {
            "description": ", ".join(of_status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
    # FastAPI would add a 422 otherwise, which never comes.
    found["default"] = {"description": "Any other problem", "content": {MEDIA_TYPE: {"schema": schema}}}
    return found


@cache
def _problem() -> dict[str, Any]:
    return ProblemDetails.model_json_schema()
