"""Hostile answers and dead lines: each becomes one typed error, in time, in bounded memory."""

import asyncio
import contextlib
import gzip
import socket
import struct

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from nonebot_plugin_feishu_ws.openapi import (
    AnswerTooLarge,
    ApiError,
    FeishuClient,
    RequestTimeout,
    ServerError,
    TransportError,
)
from nonebot_plugin_feishu_ws.openapi.transport import absolute_path


@pytest.fixture
async def raw():
    """A TCP server that speaks the bytes a test wants: `raw(handler)` gives its URL."""
    servers = []

    async def start(handler):
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_an_answer_that_never_comes(platform, make_client):
    never = asyncio.Event()

    async def hang(_, __):
        await never.wait()
        return web.Response()

    platform.reply = hang
    client = make_client(timeout=0.2)
    await client.tenant_access_token()
    with pytest.raises(
        RequestTimeout, match=r"GET /open-apis/bot/v3/info: no answer after 0\.\d s"
    ) as caught:
        await client.bot_info()
    never.set()
    # The cause says what it was, and drags no frames of aiohttp's along.
    cause = caught.value.__cause__
    assert isinstance(cause, TimeoutError)
    assert (cause.__traceback__, cause.__cause__, cause.__context__) == (None, None, None)


async def test_a_body_that_never_ends_in_time(platform, make_client):
    never = asyncio.Event()

    async def trickle(request, _):
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b'{"code": 0, "data"')
        await never.wait()
        return response

    platform.reply = trickle
    client = make_client(timeout=0.2)
    await client.tenant_access_token()
    with pytest.raises(RequestTimeout):
        await client.bot_info()
    never.set()


async def test_the_timeout_of_one_request(platform, client):
    never = asyncio.Event()

    async def hang(_, __):
        await never.wait()
        return web.Response()

    platform.reply = hang
    await client.tenant_access_token()
    with pytest.raises(RequestTimeout):
        await client.request("GET", "bot/v3/info", timeout=0.1)
    never.set()


async def test_the_callers_own_cancellation_stays_one(platform, client):
    never, arrived = asyncio.Event(), asyncio.Event()

    async def hang(_, __):
        arrived.set()
        await never.wait()
        return web.Response()

    platform.reply = hang
    task = asyncio.create_task(client.bot_info())
    await asyncio.wait_for(arrived.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    never.set()


async def test_nobody_listens(make_client):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(TransportError, match="ClientConnectorError: ") as caught:
        await make_client(base_url=url).bot_info()
    assert not isinstance(caught.value, RequestTimeout)
    assert isinstance(caught.value.__cause__, aiohttp.ClientConnectorError)


async def test_a_reset_connection(raw, make_client):
    async def reset(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        linger = struct.pack("ii", 1, 0)  # close with RST
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    with pytest.raises(TransportError):
        await make_client(base_url=await raw(reset)).bot_info()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02 what",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{"code":0',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
async def test_broken_http(raw, make_client, answer):
    async def speak(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    with pytest.raises(TransportError):
        await make_client(base_url=await raw(speak), timeout=2.0).bot_info()


async def test_a_huge_body_is_dropped_early(platform, client):
    sent = 0

    async def huge(request, _):
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(1024):
                await response.write(b" " * 1024 * 1024)
                sent += 1
        return response

    platform.reply = huge
    with pytest.raises(AnswerTooLarge) as caught:
        await client.bot_info()
    assert caught.value.limit == 16 * 1024 * 1024
    assert sent < 200


async def test_a_compressed_bomb_counts_unpacked(platform, client):
    bomb = gzip.compress(b" " * 64 * 1024 * 1024)
    platform.always(lambda: web.Response(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(AnswerTooLarge):
        await client.bot_info()


async def test_redirects_are_not_followed(platform, client):
    visits = []

    async def thief(request):
        visits.append(request)
        return web.json_response({"code": 0})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", thief)
    async with TestServer(app, host="127.0.0.1", port=0) as elsewhere:
        target = str(elsewhere.make_url("/steal"))
        for status in (301, 302, 303, 307, 308):
            platform.always(lambda status=status: web.Response(status=status, headers={"Location": target}))
            with pytest.raises(ServerError) as caught:
                await client.send_message("oc_1", "text", {"text": "hi"})
            assert caught.value.status == status
    assert visits == []
    assert len(platform.calls) == 5


async def test_a_proxy_of_its_own(platform, make_client):
    seen = []

    async def forward(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.decode())
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = make_client(proxy=f"http://user:canary-proxy-pw@127.0.0.1:{port}")
    with pytest.raises(ApiError, match="HTTP 407"):
        await client.bot_info()
    assert seen[0].startswith(f"POST {platform.url}/open-apis/auth/v3/tenant_access_token/internal HTTP/1.1")
    assert "Proxy-Authorization: Basic " in seen[0]
    assert platform.grants == []
    server.close()
    await server.wait_closed()


async def test_a_proxy_that_refuses_a_tunnel_shows_no_password(make_client, session):
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = make_client(
        base_url="https://open.feishu.cn", proxy=f"http://user:canary-proxy-pw@127.0.0.1:{port}"
    )
    with pytest.raises(TransportError, match="ClientHttpProxyError") as caught:
        await client.bot_info()
    assert "canary-proxy-pw" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.__context__!r}"
    server.close()
    await server.wait_closed()


async def test_a_closed_session_is_a_transport_error(platform, answers):
    async with aiohttp.ClientSession() as session:
        client = FeishuClient(answers.app_id, answers.secret, base_url=platform.url, session=session)
    with pytest.raises(TransportError, match="session is closed"):
        await client.bot_info()


@pytest.mark.parametrize(
    "url",
    [
        "feishu",
        "ftp://open.feishu.cn",
        "http://open.feishu.cn",
        "http://10.0.0.1",
        "https://",
        "https://user:pw@open.feishu.cn",
        "https://open.feishu.cn/?a=1",
        "https://open.feishu.cn/#a",
        "ws://127.0.0.1:1",
    ],
)
async def test_base_urls_that_are_refused(make_client, url):
    with pytest.raises(ValueError, match=r"base_url|plain http"):
        make_client(base_url=url)


@pytest.mark.parametrize(
    "url", ["https://open.feishu.cn", "https://open.larksuite.com/", "http://localhost:1", "http://[::1]:2"]
)
async def test_base_urls_that_are_taken(make_client, url):
    assert make_client(base_url=url).base_url == url.rstrip("/")


@pytest.mark.parametrize("proxy", ["proxy.example:3128", "socks5://127.0.0.1:1", "http://"])
async def test_proxies_that_are_refused(make_client, proxy):
    with pytest.raises(ValueError, match="proxy"):
        make_client(proxy=proxy)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//evil.example/open-apis/x",
        "https://evil.example/x",
        "/open-apis//im",
        "im/v1/../../secret",
        "im/v1/%2e%2E/x",
        "im/./v1",
        "im/v1/messages?x=1",
        "im/v1/messages#x",
        "im\\v1",
        "im/v1/a b",
        "im/v1/消息",
        "im/v1/a\r\nHost: evil",
        "im/v1/%zz",
        "im/v1/messages/",
    ],
)
async def test_paths_that_are_no_paths(platform, client, path):
    with pytest.raises(ValueError, match="not an API path"):
        await client.request("GET", path)
    assert platform.calls == []


async def test_paths_relative_and_absolute(platform, client):
    await client.request("GET", "im/v1/chats/oc_1")
    await client.request("GET", "/open-apis/im/v1/chats/oc_1")
    await client.request("GET", "im/v1/messages/om%2F..%2Fx")
    assert [call.path for call in platform.calls] == [
        "/open-apis/im/v1/chats/oc_1",
        "/open-apis/im/v1/chats/oc_1",
        "/open-apis/im/v1/messages/om%2F..%2Fx",
    ]
    assert absolute_path("/callback/ws/endpoint") == "/callback/ws/endpoint"


async def test_the_query(platform, client):
    await client.request(
        "GET", "im/v1/chats", params={"a": None, "b": True, "c": 3, "d": "x&y=é", "e": ["1", None, 2]}
    )
    (call,) = platform.calls
    assert call.query == {"b": "true", "c": "3", "d": "x&y=é", "e": "1"}


async def test_nothing_is_left_open(platform, make_client, session):
    """Failures of all kinds leave the shared connection pool usable."""
    never = asyncio.Event()

    async def hang(_, __):
        await never.wait()
        return web.Response()

    platform.reply = hang
    client = make_client(timeout=0.1)
    await client.tenant_access_token()
    for _ in range(5):
        with pytest.raises(RequestTimeout):
            await client.bot_info()
    never.set()
    assert session.connector is not None
    platform.always(lambda: web.json_response({"code": 0, "bot": {"open_id": "ou_b"}}))
    assert (await client.bot_info()).open_id == "ou_b"
