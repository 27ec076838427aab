"""The client asks before each call, and says of a failure whether Feishu can have seen the request."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from nonebot_plugin_feishu_ws.openapi import ApiCall, FeishuError, RateLimited, TransportError

MESSAGES = "/open-apis/im/v1/messages"


class Noted:
    """Lets every call through, and remembers it."""

    def __init__(self) -> None:
        self.calls: list[ApiCall] = []
        self.learnt: dict[str, str] = {}

    async def run(self, call: ApiCall, perform: Callable[[], Awaitable[Any]]) -> Any:
        self.calls.append(call)
        return await perform()

    def learn(self, message_id: str, chat_id: str) -> None:
        self.learnt[message_id] = chat_id


async def test_every_call_is_asked_for(make_client: Any, platform: Any, answers: Any) -> None:
    pace = Noted()
    client = make_client(pace=pace)
    platform.always(lambda: answers.ok({"message_id": "om_1", "image_key": "img_1"}))
    await client.send_message("oc_1", "text", {"text": "hi"})
    await client.reply_message("om_0", "text", {"text": "hi"})
    await client.update_card("om_0", {})
    await client.update_card_by_token("c-1", {})
    await client.upload_image(b"x")
    await client.request("GET", "im/v1/chats", params={"page_size": 1})
    assert [(call.method, call.path) for call in pace.calls] == [
        ("POST", MESSAGES),
        ("POST", f"{MESSAGES}/om_0/reply"),
        ("PATCH", f"{MESSAGES}/om_0"),
        ("POST", "/open-apis/interactive/v1/card/update"),
        ("POST", "/open-apis/im/v1/images"),
        ("GET", "/open-apis/im/v1/chats"),
    ]
    assert {call.app_id for call in pace.calls} == {answers.app_id}
    assert pace.calls[0].body["receive_id"] == "oc_1"
    assert pace.calls[0].params == {"receive_id_type": "chat_id"}
    assert "c-1" not in repr(pace.calls), "what is sent shows nowhere"
    platform.always(lambda: web.Response(body=b"file", content_type="image/png"))
    await client.download("im/v1/images/img_1")
    assert pace.calls[-1].path == "/open-apis/im/v1/images/img_1"


async def test_what_it_is_told(make_client: Any) -> None:
    pace = Noted()
    make_client(pace=pace).learn("om_1", "oc_1")
    make_client(pace=pace).learn("om_2", "")
    make_client().learn("om_3", "oc_1")
    assert pace.learnt == {"om_1": "oc_1"}


async def test_a_token_is_renewed_within_one_turn(make_client: Any, platform: Any) -> None:
    """faults.md 36: whoever waits behind does not overtake."""
    pace = Noted()
    client = make_client(pace=pace)
    await client.request("GET", "im/v1/chats")
    platform.revoked.add(platform.token)
    platform.token = "t-canary-token-2"
    await asyncio.gather(*(client.request("GET", "im/v1/chats") for _ in range(5)))
    assert len(pace.calls) == 6
    assert len(platform.grants) == 2


async def outcome(call: Awaitable[Any]) -> FeishuError:
    with pytest.raises(FeishuError) as caught:
        await call
    return caught.value


async def test_whether_feishu_can_have_seen_it(make_client: Any, platform: Any, answers: Any) -> None:
    nobody = make_client(base_url="http://127.0.0.1:9")
    assert (await outcome(nobody.request("GET", "im/v1/chats"))).unsent, "nobody listens"

    client = make_client(timeout=0.2)
    await client.tenant_access_token()
    for answer in (answers.refusal(500, status=500), answers.refusal(230049)):
        platform.always(lambda answer=answer: answer)
        assert not (await outcome(client.request("GET", "im/v1/chats"))).unsent

    async def hang(_: Any, __: Any) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return answers.ok()

    platform.reply = hang
    assert not (await outcome(client.request("GET", "im/v1/chats"))).unsent, "it may have been carried out"

    async def no_token(_: Any, __: Any) -> web.StreamResponse:
        return answers.refusal(99991400, status=429)

    platform.grant = no_token
    error = await outcome(make_client().request("GET", "im/v1/chats"))
    assert isinstance(error, RateLimited)
    assert error.unsent, "without a token there is no call"
    platform.revoked.add(platform.token)
    error = await outcome(client.request("GET", "im/v1/chats"))
    assert error.unsent, "the call was refused, and no token for another"


async def test_a_connection_that_does_not_come_about_in_time(make_client: Any, monkeypatch: Any) -> None:
    """A connect timeout is no try: 192.0.2.0/24 (RFC 5737) answers nobody, so the connector stands in for it."""

    async def never(*_: Any, **__: Any) -> Any:
        raise aiohttp.ConnectionTimeoutError("no connection")

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", never)
    client = make_client()
    error = await outcome(client.request("GET", "im/v1/chats"))
    assert isinstance(error, TransportError)
    assert error.unsent
