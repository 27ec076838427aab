"""From a request to an answer: who asks, whether they may, and what every answer carries."""

import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from ...connectors import NotAllowed, UnknownConnector
from ...storage import DatabaseUnavailable
from ...texts import Locale
from ...texts.console import accepted
from ..auth.sessions import csrf_of
from ..auth.visitors import visitor_of
from .forms import CSRF, BadFormError, form_of
from .guard import cookie_name, is_foreign, is_secure, protected
from .visit import LANGUAGE, ROOT, Access, Console, NotThereError, Route, Visit

logger = logging.getLogger("nonebot_plugin_feishu_ws.console")

_LOCALES: Mapping[str, Locale] = {"zh_CN": "zh_CN", "en_US": "en_US"}
_SEE_OTHER = 303


def endpoint(console: Console, route: Route) -> Callable[[Request], Awaitable[Response]]:
    """What answers one route."""

    async def answer(request: Request) -> Response:
        secure = is_secure(request, console.settings.console_url)
        visit = Visit(console, request, _locale(console, request), secure)
        try:
            response = await _answer(visit, route)
        except (UnknownConnector, NotThereError):
            response = await _trouble(visit, HTTPStatus.NOT_FOUND, "not_found")
        except NotAllowed:
            response = await _trouble(visit, HTTPStatus.FORBIDDEN, "forbidden")
        except DatabaseUnavailable:
            response = await _trouble(visit, HTTPStatus.SERVICE_UNAVAILABLE, "database_away")
        except Exception as error:
            reference = secrets.token_hex(4)
            # Frames alone: some loggers print the values of names.
            frames = "".join(traceback.format_tb(error.__traceback__))
            logger.error(
                "console %s: %s %s: %s\n%s", reference, route.method, route.path, type(error).__name__, frames
            )
            response = await _trouble(visit, HTTPStatus.INTERNAL_SERVER_ERROR, "defect", reference=reference)
        return protected(response, secure=secure)

    return answer


async def _answer(visit: Visit, route: Route) -> Response:
    console, request = visit.console, visit.request
    if is_foreign(request, console.settings.console_url, stream=route.stream):
        return await _trouble(visit, HTTPStatus.FORBIDDEN, "foreign")
    if route.access is not Access.PUBLIC:
        await _recognise(visit)
    if route.access in (Access.SIGNED_IN, Access.SUPERUSER):
        if visit.visitor is None:
            return _to_sign_in(visit)
        if route.access is Access.SUPERUSER and not visit.actor.superuser:
            console.management.service.denied(visit.actor, f"console {route.path.removeprefix(ROOT)}")
            return await _trouble(visit, HTTPStatus.FORBIDDEN, "forbidden")
    if request.method == "POST":
        try:
            visit.form = await form_of(request)
        except BadFormError:
            return await _trouble(visit, HTTPStatus.BAD_REQUEST, "bad_form")
        if visit.visitor is not None and not _from_here(visit):
            return await _trouble(visit, HTTPStatus.FORBIDDEN, "stale_form")
    if request.method == "HEAD" and route.stream:
        return Response()
    return await route.handler(visit)


async def _recognise(visit: Visit) -> None:
    console = visit.console
    cookie = visit.request.cookies.get(cookie_name(secure=visit.secure), "")
    session = await console.sessions.find(cookie) if cookie else None
    if session is None:
        return
    visit.visitor = await visitor_of(session, console.management, console.settings)
    if visit.visitor is None:  # their rights were taken away
        await console.sessions.end(session)
    else:
        visit.cookie = cookie


def _from_here(visit: Visit) -> bool:
    return secrets.compare_digest(visit.form.get(CSRF).encode(), csrf_of(visit.cookie).encode())


def _to_sign_in(visit: Visit) -> Response:
    request = visit.request
    back = request.url.path.removeprefix(ROOT) if request.method == "GET" and not visit.partial else ""
    if back and request.url.query:
        back += f"?{request.url.query}"
    target = f"{ROOT}/sign-in" + (f"?{urlencode({'next': back})}" if back not in ("", "/") else "")
    if visit.partial or request.url.path == f"{ROOT}/live":
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": target})
    return RedirectResponse(target, _SEE_OTHER)


async def _trouble(visit: Visit, status: HTTPStatus, what: str, reference: str = "") -> Response:
    """A page that says why there is no other."""
    return await visit.page("trouble", status=status, what=what, reference=reference)


def _locale(console: Console, request: Request) -> Locale:
    """The one chosen on a page, the one of the settings, or what the browser asks for."""
    for choice in (request.cookies.get(LANGUAGE, ""), console.settings.locale):
        if choice in _LOCALES:
            return _LOCALES[choice]
    return accepted(request.headers.get("Accept-Language", ""))
