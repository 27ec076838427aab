"""What every call of Feishu's REST goes through: one app's token, its pace, its answers."""

import time
from collections.abc import AsyncGenerator, Callable
from typing import cast

import aiohttp
from typing_extensions import override

from .answers import Json
from .caller import LARGEST_ANSWER, Caller, encode
from .pace import Pace
from .transport import Form, Params, Request, Transport


class RestClient:
    """One app's REST client. It retries nothing but a refused token, once, with a really new one.

    Parameters:
        app_id, app_secret: the app's credentials; the secret shows in no repr, log or error.
        base_url: `https://open.feishu.cn`, `https://open.larksuite.com`, …; plain http only to loopback.
        session: shared by all clients, not owned. Feishu needs no cookies: give it a `DummyCookieJar`.
        proxy: http(s) proxy URL for this client.
        timeout: seconds for one request, from connect to the end of the answer.
        media_timeout: the same for uploads and downloads.
        pace: tells when a call may be made; shared by the clients of a process. Without one calls are made at once.
        clock: monotonic seconds, for the token's age.

    Calls raise `TransportError`, `AnswerTooLarge` or an `ApiError` (see `errors`); ValueError on misuse.
    """

    def __init__(
        self,
        app_id: str,
        app_secret: str,
        *,
        base_url: str,
        session: aiohttp.ClientSession,
        proxy: str | None = None,
        timeout: float = 15.0,
        media_timeout: float = 120.0,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app_id = app_id
        self._timeout = timeout
        self._media_timeout = media_timeout
        transport = Transport(session, base_url, proxy)
        self.base_url = str(transport.base_url)
        self._pace = pace
        self._caller = Caller(app_id, app_secret, transport, pace=pace, clock=clock)

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.app_id!r}, base_url={self.base_url!r})"

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: object = None,
        data: Form | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 (it is the exchange's, down to the socket)
    ) -> Json:
        """Call any API of Feishu's as the app.

        Parameters:
            path: `im/v1/messages` (relative to `/open-apis/`) or absolute on Feishu's host; no query.
            params: the query; None values are left out, booleans are `true` and `false`.
            json: the JSON body.
            data: makes a multipart form; called again should the token be refused.
            timeout: seconds, instead of the client's.

        Returns:
            The whole body, `{"code": 0, …}`.
        """
        request = self._request(method, path, params, json, data, timeout)
        return await self._caller.json(request)

    async def tenant_access_token(self) -> str:
        """A valid token, for a client that speaks to Feishu itself."""
        return (await self._caller.tokens.get()).value

    def learn(self, message_id: str, chat_id: str) -> None:
        """Tell whoever paces the calls which chat a message is in: replies count against that chat's limit."""
        if self._pace is not None and chat_id:
            self._pace.learn(message_id, chat_id)

    def evict_token(self) -> None:
        """Forget the token, because Feishu refused it to such a client."""
        self._caller.tokens.evict()

    def _request(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        json: object = None,
        form: Form | None = None,
        timeout: float | None = None,
    ) -> Request:
        return Request(
            method=method,
            path=path,
            params=params,
            body=None if json is None else encode(json),
            json=json,
            form=form,
            timeout=timeout or self._timeout,
            limit=LARGEST_ANSWER,
        )

    async def _data(self, method: str, path: str, params: Params | None = None, json: object = None) -> Json:
        request = self._request(method, path, params, json)
        data = (await self._caller.json(request)).get("data")
        return cast("Json", data) if isinstance(data, dict) else {}

    async def _listed(self, path: str, params: Params) -> AsyncGenerator[object]:
        """The items of a list, page by page as they are asked for."""
        page_token: str | None = None
        seen: set[str] = set()
        while True:
            data = await self._data("GET", path, {**params, "page_token": page_token})
            for item in items_of(data):
                yield item
            following = data.get("page_token")
            # A page that was there before would be there for ever.
            if not data.get("has_more") or not isinstance(following, str) or following in seen:
                return
            seen.add(following)
            page_token = following

    async def _upload(self, path: str, form: Form) -> object:
        request = self._request("POST", path, form=form, timeout=self._media_timeout)
        return (await self._caller.json(request)).get("data")


def items_of(data: Json) -> list[object]:
    """What a list's page holds."""
    items = data.get("items")
    return cast("list[object]", items) if isinstance(items, list) else []
