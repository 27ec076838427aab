"""Signing in and out, and the language."""

import logging
import re
from http import HTTPStatus

from fastapi import Response
from fastapi.responses import RedirectResponse

from ...storage import SessionOrigin
from ..auth.sessions import LONGEST, Identity
from ..auth.tokens import API_TOKEN
from ..auth.visitors import proof_of
from .guard import cookie_name, is_private
from .visit import LANGUAGE, ROOT, Notice, Visit

logger = logging.getLogger("nonebot_plugin_feishu_ws.console")

_INSIDE = re.compile(r"/[A-Za-z0-9/_-]{0,200}(\?[A-Za-z0-9=&%+._:-]{0,500})?")
_YEAR = 365 * 86_400
_SEE_OTHER = 303


async def show(visit: Visit) -> Response:
    """The page that signs in. To look at it changes nothing: what previews a link does not use it up.

    The code of a link is behind its `#`, and reaches the server with the button alone.
    """
    if visit.visitor is not None:
        return await visit.go(_inside(visit.query("next")))
    return await _page(visit)


async def sign_in(visit: Visit) -> Response:
    """Use a link up, or compare a token."""
    failures = visit.console.failures
    if not visit.secure and not is_private(visit.request):
        return await _page(visit, HTTPStatus.FORBIDDEN, "plain_http")
    if wait := failures.wait(visit.address):
        response = await _page(visit, HTTPStatus.TOO_MANY_REQUESTS, "too_often")
        response.headers["Retry-After"] = str(wait)
        return response
    cookie = await _opened(visit)
    if cookie is None:
        failures.add(visit.address)
        logger.warning("console: a sign-in from %s is refused", visit.address)
        return await _page(visit, HTTPStatus.FORBIDDEN, "refused")
    response = RedirectResponse(ROOT + _inside(visit.form.get("next")), _SEE_OTHER)
    _set(visit, response, cookie_name(secure=visit.secure), cookie, int(LONGEST.total_seconds()))
    return response


async def sign_out(visit: Visit) -> Response:
    """Forget this session."""
    await visit.console.sessions.end(visit.here.session)
    return _signed_out(visit)


async def sign_out_everywhere(visit: Visit) -> Response:
    """Forget all of them."""
    await visit.console.sessions.end_all(visit.here.session.identity)
    return _signed_out(visit)


async def account(visit: Visit) -> Response:
    """Who is signed in, and as what."""
    return await visit.page("account", section="account", identity=visit.here.session.identity)


async def language(visit: Visit) -> Response:
    """Remember the language that was chosen, and go back."""
    response = RedirectResponse(ROOT + _inside(visit.query("next")), _SEE_OTHER)
    if visit.query("to") in ("zh_CN", "en_US"):
        _set(visit, response, LANGUAGE, visit.query("to"), _YEAR)
    return response


async def _page(visit: Visit, status: HTTPStatus = HTTPStatus.OK, problem: str = "") -> Response:
    text = visit.texts.word(problem) if problem else ""
    return await visit.page(
        "sign_in",
        status=status,
        notice=Notice("bad", text) if problem else None,
        next=_inside(visit.query("next") or visit.form.get("next")),
        with_token=visit.console.settings.api_token is not None,
    )


async def _opened(visit: Visit) -> str | None:
    """The cookie of a new session."""
    sessions = visit.console.sessions
    link, token = visit.form.secret("link"), visit.form.secret("token")
    if link.get_secret_value():
        opened = await sessions.redeem(link.get_secret_value())
        if opened is None:
            return None
        cookie, identity = opened
        logger.info("console: %s is signed in, by a link from a %s", identity.who, identity.origin)
        return cookie
    proof = proof_of(token.get_secret_value(), visit.console.settings)
    if proof is None:
        return None
    logger.info("console: somebody from %s is signed in, by the API token", visit.address)
    return await sessions.open(Identity(SessionOrigin.TOKEN, API_TOKEN, proof=proof))


def _set(visit: Visit, response: Response, name: str, value: str, seconds: int) -> None:
    # Lax, or a link from a chat into the console would look signed out.
    response.set_cookie(
        name, value, max_age=seconds, path="/", secure=visit.secure, httponly=True, samesite="lax"
    )


def _signed_out(visit: Visit) -> Response:
    response = RedirectResponse(f"{ROOT}/sign-in", _SEE_OTHER)
    name = cookie_name(secure=visit.secure)
    response.delete_cookie(name, path="/", secure=visit.secure, httponly=True, samesite="lax")
    return response


def _inside(path: str) -> str:
    """Where to go on: a page of the console, whatever was asked for."""
    return path if _INSIDE.fullmatch(path) and not path.startswith("//") else "/connectors"
