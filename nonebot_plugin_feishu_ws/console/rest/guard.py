"""What is done for every route: nobody comes in unknown, nothing large comes in, and every error leaves as a problem.

It is a route class rather than a middleware or a handler of errors, because the app is not ours alone: nothing is
changed for what others serve on it.
"""

from collections.abc import Callable, Collection, Coroutine
from typing import Any, get_type_hints

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive
from typing_extensions import override

from ...config import Settings
from ...runtime import Management
from ...texts.language import Locale, locale_for
from ...texts.rest import RestTexts
from ..auth import Gate
from .calls import Call
from .models import Body
from .problems import LONGEST_FIELD, Code, Problem, problem_of

LARGEST_BODY = 64 * 1024
"""Bytes."""

_MOST_NAMED = 10  # parameters that do not exist
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(management: Management, gate: Gate, settings: Settings) -> type[APIRoute]:
    """A class of routes that let in whom a gate lets in.

    Args:
        management: What the routes look at and manage.
        gate: Knows who calls.
        settings: For the language of callers who ask for none.
    """
    usual: Locale = locale_for(settings.locale, settings.url)

    class Guarded(APIRoute):
        @override
        def get_route_handler(self) -> Handler:
            handle, fields = super().get_route_handler(), _fields_of(self.endpoint)
            known = {parameter.alias for parameter in self.dependant.query_params}

            async def answer(request: Request) -> Response:
                locale = _locale(request, usual)
                try:
                    actor = gate.admit(_token(request), request.client.host if request.client else "")
                    _check(request)
                    _check_query(request, known, locale)
                    Call(management, actor, locale).attach(request)
                    response = await handle(Request(request.scope, _bounded(request.receive)))
                except Exception as error:
                    response = problem_of(error, locale, fields).response(locale)
                response.headers.update(_HEADERS)
                return response

            return answer

    return Guarded


def _fields_of(endpoint: Callable[..., Any]) -> Collection[str]:
    """The fields of the body that an endpoint takes."""
    body = get_type_hints(endpoint).get("body")
    return body.model_fields if isinstance(body, type) and issubclass(body, Body) else ()


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _locale(request: Request, usual: Locale) -> Locale:
    """The language that is asked for first, of those there are."""
    wanted = request.headers.get("Accept-Language", "").lower()[:100].split(",")
    for language in wanted:
        if language.strip().startswith("zh"):
            return "zh_CN"
        if language.strip().startswith("en"):
            return "en_US"
    return usual


def _check(request: Request) -> None:
    """What a request says of its body."""
    length = request.headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdecimal()) or int(length[:20]) > LARGEST_BODY:
        raise Problem(Code.TOO_LARGE)
    has_body = length != "0" or "Transfer-Encoding" in request.headers
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if has_body and kind != "application/json":
        raise Problem(Code.UNSUPPORTED_MEDIA_TYPE)


def _check_query(request: Request, known: Collection[str], locale: Locale) -> None:
    """A parameter that is misspelt must not silently mean its default."""
    if unknown := set(request.query_params) - set(known):
        texts = RestTexts(locale)
        errors = {name[:LONGEST_FIELD]: texts.unknown_field(known) for name in sorted(unknown)[:_MOST_NAMED]}
        raise Problem(Code.INVALID, texts.fields_invalid(), errors)


def _bounded(receive: Receive) -> Receive:
    """The same, until it is too much."""
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise HTTPException(413)  # FastAPI lets its own through, and makes a 400 of all others
        return message

    return bounded
