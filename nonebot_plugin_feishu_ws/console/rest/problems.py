"""Problem details (RFC 9457): one form for everything that is not done, whoever finds out."""

import logging
import math
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from ...butler.approvals import MayNotDecide, UnknownApproval
from ...connectors import (
    ConnectorError,
    ForeignChat,
    InvalidFields,
    NotAllowed,
    NoTarget,
    NotEnabled,
    NotSent,
    NotVerified,
    ReadOnly,
    SecretsLocked,
    Taken,
    UnknownConnector,
    VerificationFailed,
)
from ...openapi import ApiError, FeishuError, RateLimited, ServerError
from ...storage import DatabaseUnavailable
from ...texts.approvals import ApprovalTexts
from ...texts.connectors import ConnectorTexts
from ...texts.language import Locale
from ...texts.rest import RestTexts
from ..auth import BadToken, Closed, NoToken, TooManyFailures

logger = logging.getLogger("nonebot_plugin_feishu_ws.console")

MEDIA_TYPE = "application/problem+json"
_AGAIN_IN = 5  # seconds, where nothing better is known
LONGEST_FIELD = 64
"""Characters that are repeated of a field that does not exist."""


class Code(StrEnum):
    """What kind of problem. Part of what is promised: renaming one is a breaking change (docs/rest.md)."""

    INVALID = "invalid"
    NOT_VERIFIED = "not_verified"
    NOT_ENABLED = "not_enabled"
    NO_TARGET = "no_target"
    CHAT_NOT_ALLOWED = "chat_not_allowed"
    FEISHU_REFUSED = "feishu_refused"
    UNAUTHORIZED = "unauthorized"
    CLOSED = "closed"
    FORBIDDEN = "forbidden"
    MAY_NOT_DECIDE = "may_not_decide"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    TAKEN = "taken"
    READ_ONLY = "read_only"
    SECRETS_LOCKED = "secrets_locked"
    ALREADY_DECIDED = "already_decided"
    TOO_LARGE = "too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    TOO_MANY_FAILURES = "too_many_failures"
    INTERNAL = "internal"
    FEISHU_UNAVAILABLE = "feishu_unavailable"
    DATABASE_UNAVAILABLE = "database_unavailable"

    @property
    def status(self) -> HTTPStatus:
        return next(status for status, codes in _STATUSES.items() if self in codes)


_STATUSES: Mapping[HTTPStatus, tuple[Code, ...]] = {
    HTTPStatus.BAD_REQUEST: (
        Code.INVALID,
        Code.NOT_VERIFIED,
        Code.NOT_ENABLED,
        Code.NO_TARGET,
        Code.CHAT_NOT_ALLOWED,
        Code.FEISHU_REFUSED,
    ),
    HTTPStatus.UNAUTHORIZED: (Code.UNAUTHORIZED,),
    HTTPStatus.FORBIDDEN: (Code.CLOSED, Code.FORBIDDEN, Code.MAY_NOT_DECIDE),
    HTTPStatus.NOT_FOUND: (Code.NOT_FOUND,),
    HTTPStatus.METHOD_NOT_ALLOWED: (Code.METHOD_NOT_ALLOWED,),
    HTTPStatus.CONFLICT: (Code.TAKEN, Code.READ_ONLY, Code.SECRETS_LOCKED, Code.ALREADY_DECIDED),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (Code.TOO_LARGE,),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (Code.UNSUPPORTED_MEDIA_TYPE,),
    HTTPStatus.TOO_MANY_REQUESTS: (Code.TOO_MANY_FAILURES,),
    HTTPStatus.INTERNAL_SERVER_ERROR: (Code.INTERNAL,),
    HTTPStatus.BAD_GATEWAY: (Code.FEISHU_UNAVAILABLE,),
    HTTPStatus.SERVICE_UNAVAILABLE: (Code.DATABASE_UNAVAILABLE,),
}


class ProblemDetails(BaseModel):
    """What is not done, and why (RFC 9457)."""

    type: str = Field(
        description="the kind of problem, for programs", examples=["urn:feishu-ws:not_verified"]
    )
    title: str = Field(description="the same for people", examples=["Not verified yet"])
    status: int = Field(description="the HTTP status", examples=[400])
    detail: str = Field(
        description="what is the matter here, and what to do",
        examples=["butler is not verified yet; verify butler first."],
    )
    errors: dict[str, str] | None = Field(
        default=None,
        description="fields that cannot be used, and what they take; never what was given",
        examples=[{"name": "name: 1 to 32 of a-z, 0-9 and -"}],
    )


@dataclass(eq=False)
class Problem(Exception):  # noqa: N818 - as the RFC calls it
    """Something is not done.

    Attributes:
        code: Why.
        detail: In words; None: those of the code.
        errors: For each field that cannot be used what it takes.
        headers: To be sent along.
    """

    code: Code
    detail: str | None = None
    errors: Mapping[str, str] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def response(self, locale: Locale) -> JSONResponse:
        """As it is sent."""
        texts = RestTexts(locale)
        details = ProblemDetails(
            type=f"urn:feishu-ws:{self.code}",
            title=texts.title(self.code),
            status=self.code.status,
            detail=self.detail or texts.detail(self.code),
            errors=dict(self.errors) if self.errors is not None else None,
        )
        language = {"Content-Language": locale.replace("_", "-")}
        return JSONResponse(
            details.model_dump(exclude_none=True),
            self.code.status,
            {**self.headers, **language},
            media_type=MEDIA_TYPE,
        )


def problem_of(error: Exception, locale: Locale, fields: Collection[str] = ()) -> Problem:
    """The problem behind an error.

    Args:
        error: What was raised; a defect of ours is logged here.
        locale: Whoever calls reads.
        fields: Those of the body that was expected.
    """
    for kind, tell in _TELL:
        if isinstance(error, kind):
            return tell(error, locale, fields)
    # Frames alone: some loggers print the values of names, and a request's are secrets.
    frames = "".join(traceback.format_tb(error.__traceback__))
    logger.error("a REST call fails: %s\n%s", type(error).__name__, frames)
    return Problem(Code.INTERNAL)


# --- one function for each room's errors ----------------------------------------------------------------------


def _told(error: Problem, _locale: Locale, _fields: Collection[str]) -> Problem:
    return error


def _refused(error: Exception, _locale: Locale, _fields: Collection[str]) -> Problem:
    if isinstance(error, Closed):
        return Problem(Code.CLOSED)
    if isinstance(error, TooManyFailures):
        return Problem(Code.TOO_MANY_FAILURES, headers={"Retry-After": str(error.retry_after)})
    # RFC 6750, 3.1: why a token is no good is not said to somebody who showed none.
    shown = ', error="invalid_token"' if isinstance(error, BadToken) else ""
    return Problem(Code.UNAUTHORIZED, headers={"WWW-Authenticate": f'Bearer realm="feishu-ws"{shown}'})


def _unread(error: RequestValidationError, locale: Locale, fields: Collection[str]) -> Problem:
    """The request is not what the route takes. What it is stays out of the answer."""
    texts, errors = RestTexts(locale), dict[str, str]()
    for problem in error.errors():
        where = [str(part) for part in problem["loc"][1:]]
        if problem["type"] == "json_invalid":
            return Problem(Code.INVALID)
        name = where[0][:LONGEST_FIELD] if where else "body"
        unknown = problem["type"] == "extra_forbidden"
        errors[name] = texts.unknown_field(fields) if unknown else texts.takes(name)
    return Problem(Code.INVALID, texts.fields_invalid(), errors)


_HTTP: Mapping[int, Code] = {
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED_MEDIA_TYPE,
}


def _http(error: HTTPException, _locale: Locale, _fields: Collection[str]) -> Problem:
    return Problem(_HTTP.get(error.status_code, Code.INVALID), headers=error.headers or {})


_KINDS: Mapping[type[ConnectorError], Code] = {
    UnknownConnector: Code.NOT_FOUND,
    NotAllowed: Code.FORBIDDEN,
    Taken: Code.TAKEN,
    ReadOnly: Code.READ_ONLY,
    NotVerified: Code.NOT_VERIFIED,
    NotEnabled: Code.NOT_ENABLED,
    SecretsLocked: Code.SECRETS_LOCKED,
    NoTarget: Code.NO_TARGET,
    ForeignChat: Code.CHAT_NOT_ALLOWED,
}
_UNIFORM = (UnknownConnector, NotAllowed)  # nothing of what was asked for is repeated


def _connector(error: ConnectorError, locale: Locale, fields: Collection[str]) -> Problem:
    texts = RestTexts(locale)
    if isinstance(error, InvalidFields):
        errors = {name: texts.takes(name) for name in error.problems}
        errors |= {name[:LONGEST_FIELD]: texts.unknown_field(fields) for name in error.unknown}
        return Problem(Code.INVALID, texts.fields_invalid(), errors)
    detail = None if isinstance(error, _UNIFORM) else ConnectorTexts(locale).error(error)
    if isinstance(error, VerificationFailed | NotSent):
        return _feishu(error.error, detail)
    errors = {error.field: texts.takes(error.field)} if isinstance(error, Taken) else None
    return Problem(_KINDS[type(error)], detail, errors)


def _feishu(error: FeishuError, detail: str | None) -> Problem:
    if isinstance(error, ApiError) and not isinstance(error, RateLimited | ServerError):
        return Problem(Code.FEISHU_REFUSED, detail)
    after = (isinstance(error, ApiError) and error.retry_after) or _AGAIN_IN
    return Problem(Code.FEISHU_UNAVAILABLE, detail, headers={"Retry-After": str(math.ceil(after))})


def _approval(error: UnknownApproval | MayNotDecide, locale: Locale, _fields: Collection[str]) -> Problem:
    if isinstance(error, MayNotDecide):
        return Problem(Code.MAY_NOT_DECIDE, ApprovalTexts(locale).refused(error.refusal))
    return Problem(Code.NOT_FOUND)


def _away(_error: DatabaseUnavailable, locale: Locale, _fields: Collection[str]) -> Problem:
    detail = ConnectorTexts(locale).database_away()
    return Problem(Code.DATABASE_UNAVAILABLE, detail, headers={"Retry-After": str(_AGAIN_IN)})


_Tell = Callable[[Any, Locale, Collection[str]], Problem]
_TELL: tuple[tuple[type[Exception] | tuple[type[Exception], ...], _Tell], ...] = (
    (Problem, _told),
    ((Closed, NoToken, BadToken, TooManyFailures), _refused),
    (RequestValidationError, _unread),
    (HTTPException, _http),
    (ConnectorError, _connector),
    ((UnknownApproval, MayNotDecide), _approval),
    (DatabaseUnavailable, _away),
)
