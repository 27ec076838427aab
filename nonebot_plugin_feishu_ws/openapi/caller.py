"""Calls as the app: with its token, and with a new one if Feishu refuses that."""

import re
import time
from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from dataclasses import replace
from json import dumps
from typing import TypeVar

from .answers import Answer, Json, read, read_download
from .errors import MIB, ApiError, BadCredentials, Facts, FeishuError, ServerError, TokenInvalid
from .pace import ApiCall, Pace
from .tokens import TokenSource
from .transport import Request, Transport, absolute_path

_T = TypeVar("_T")

TOKEN_PATH = "/open-apis/auth/v3/tenant_access_token/internal"  # noqa: S105
TOKEN_TIMEOUT = 10.0
LARGEST_ANSWER = 16 * MIB


class Caller:
    """The one place where a request meets a token. Retries a refused token once, and nothing else."""

    def __init__(
        self,
        app_id: str,
        app_secret: str,
        transport: Transport,
        *,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app_id = app_id
        self._app_secret = app_secret
        self._transport = transport
        self._pace = pace
        self.tokens = TokenSource(self._grant, clock=clock)

    async def json(self, request: Request) -> Json:
        """The whole body of an answer with `code` 0."""
        return await self._paced(request, read)

    async def file(self, request: Request) -> Answer:
        """An answer whose body is a file."""
        return await self._paced(request, lambda answer: read_download(answer) or answer)

    async def _paced(self, request: Request, judge: Callable[[Answer], _T | ApiError]) -> _T:
        if self._pace is None:
            return await self._call(request, judge)
        path = absolute_path(request.path)
        call = ApiCall(self._app_id, request.method, path, request.params, request.json)
        return await self._pace.run(call, lambda: self._call(request, judge))

    async def _call(self, request: Request, judge: Callable[[Answer], _T | ApiError]) -> _T:
        with _unsent():
            token = await self.tokens.get()
        result = judge(await self._transport.exchange(request, token))
        if isinstance(result, TokenInvalid):
            with _unsent():
                renewed = await self.tokens.renew(token)
            if renewed is not None:
                token = renewed
                result = judge(await self._transport.exchange(request, token))
        if isinstance(result, ApiError):
            # Not in one line with the raise: some loggers print the values of the names on that line.
            result = _without(result, (self._app_secret, token.value, *request.secrets))
            raise result
        return result

    async def _grant(self) -> tuple[str, float]:
        request = Request(
            method="POST",
            path=TOKEN_PATH,
            timeout=TOKEN_TIMEOUT,
            limit=LARGEST_ANSWER,
            body=encode({"app_id": self._app_id, "app_secret": self._app_secret}),
        )
        answer = await self._transport.exchange(request, None)
        result = read(answer)
        if isinstance(result, ApiError):
            result = _without(result, (self._app_secret,))
            # Here the "invalid parameter" is an app_id that cannot be one.
            raise BadCredentials(result.facts) if result.code == 10003 else result
        grant = _grant_of(result)
        if grant is None:
            raise ServerError(Facts(msg="code 0, but no usable tenant_access_token", status=answer.status))
        return grant


@contextmanager
def _unsent() -> Generator[None]:
    """Whatever fails in here, the call itself was not made, or was refused."""
    try:
        yield
    except FeishuError as error:
        error.unsent = True
        raise


def encode(value: object) -> bytes:
    """Compact JSON in UTF-8, as Feishu's limits count bytes. Lone surrogates become `?`."""
    return compact(value).encode("utf-8", "replace")


def compact(value: object) -> str:
    """Compact JSON text.

    Raises:
        ValueError, TypeError: something JSON cannot say.
    """
    return dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _grant_of(body: Json) -> tuple[str, float] | None:
    token, expire = body.get("tenant_access_token"), body.get("expire")
    # It becomes a header: nothing may stand in it that ends one.
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
        return None
    return (token, float(expire)) if isinstance(expire, int | float) and expire > 0 else None


def _without(error: ApiError, secrets: Collection[str]) -> ApiError:
    """The same error, should Feishu (or something in between) have quoted a secret."""

    def clean(text: str) -> str:
        for secret in filter(None, secrets):
            text = text.replace(secret, "***")
        return text

    facts = error.facts
    return type(error)(
        replace(
            facts,
            msg=clean(facts.msg),
            troubleshooter=facts.troubleshooter and clean(facts.troubleshooter),
            help_url=facts.help_url and clean(facts.help_url),
        )
    )
