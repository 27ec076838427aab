"""Through an HTTP proxy, with TLS end to end, from an argument or from the environment."""

import asyncio
import base64
import ssl
from contextlib import asynccontextmanager

import pytest

from nonebot_plugin_feishu_ws.gateway import Reason, State

HOST = "feishu.test"  # resolved by nobody: only a proxy can know it; the certificate is for it, too


class ConnectProxy:
    """Takes CONNECT for anything and leads it to one port."""

    def __init__(self, port, credentials=None):
        self.port, self.credentials = port, credentials
        self.connects = []
        self._pipes = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await asyncio.gather(*self._pipes)
        await self._server.wait_closed()

    @property
    def address(self):
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader, writer):
        self._pipes.add(asyncio.current_task())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.connects.append(head.split(" ")[1])
        if self.credentials and f"Basic {base64.b64encode(self.credentials.encode()).decode()}" not in head:
            writer.write(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(self._pipe(reader, back), self._pipe(there, writer))

    async def _pipe(self, reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except OSError:
            pass
        writer.close()


@pytest.fixture
async def secure(wire, certificate):
    """The platform behind TLS, under a name only the proxy resolves."""
    platform = wire.Platform()
    platform.scheme, platform.host = "wss", HOST
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    await platform.start(ssl=context)
    yield platform
    await platform.stop()


@pytest.fixture
async def trusting(wire, certificate):
    """A session which knows the platform's certificate."""
    context = ssl.create_default_context(cafile=str(certificate))
    async with wire.new_session(ssl=context) as session:
        yield session


@asynccontextmanager
async def conversation(platform, connection, wire):
    peer = await platform.peer()
    assert await peer.ask(wire.data_frame()) == {"code": 200}
    yield peer
    await connection.stop()


async def test_argument(secure, trusting, connect, wire):
    async with ConnectProxy(secure.port) as proxy:
        connection = connect(secure, session=trusting, proxy=f"http://{proxy.address}")
        async with conversation(secure, connection, wire):
            assert proxy.connects == [f"{HOST}:{secure.port}"] * 2, "bootstrap and WebSocket"


async def test_argument_with_credentials(secure, trusting, connect, wire):
    async with ConnectProxy(secure.port, "user:pass") as proxy:
        connection = connect(secure, session=trusting, proxy=f"http://user:pass@{proxy.address}")
        async with conversation(secure, connection, wire):
            pass


async def test_refused_by_the_proxy(secure, trusting, connect, caplog):
    async with ConnectProxy(secure.port, "user:pass") as proxy:
        connection = connect(secure, session=trusting, proxy=f"http://user:canary@{proxy.address}")
        await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
        assert connection.status.error.reason is Reason.NETWORK
        assert "407" in connection.status.error.msg
        await connection.stop()
    assert "canary" not in caplog.text


async def test_a_proxy_of_the_environment_we_cannot_speak_to_is_named(connect, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:canary@127.0.0.1:9")
    connection = connect("https://feishu.test")
    await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
    assert "the proxy must be http://" in connection.status.error.msg
    assert "canary" not in connection.status.error.msg


async def test_environment(secure, trusting, connect, wire, monkeypatch):
    async with ConnectProxy(secure.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        connection = connect(secure, session=trusting)
        async with conversation(secure, connection, wire):
            assert len(proxy.connects) == 2


async def test_no_proxy(secure, trusting, connect, monkeypatch):
    async with ConnectProxy(secure.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", HOST)
        connection = connect(secure, session=trusting)
        await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
        assert connection.status.error.reason is Reason.NETWORK, "nobody resolves the name"
        assert proxy.connects == []
        await connection.stop()


async def test_loopback_is_never_sent_to_a_proxy_of_the_environment(platform, connect, wire, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    connection = connect(platform)
    async with conversation(platform, connection, wire):
        pass


async def test_unknown_certificate_is_refused_and_named(secure, session, connect):
    async with ConnectProxy(secure.port) as proxy:
        connection = connect(secure, session=session, proxy=f"http://{proxy.address}")
        await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
        assert "CERTIFICATE_VERIFY_FAILED" in connection.status.error.msg
        await connection.stop()


async def test_stop_over_tls_leaves_nothing(secure, trusting, connect, wire, footprint):
    before = footprint.now()
    async with ConnectProxy(secure.port) as proxy:
        for _ in range(3):
            connection = connect(secure, session=trusting, proxy=f"http://{proxy.address}")
            async with conversation(secure, connection, wire) as peer:
                pass
            await asyncio.wait_for(peer.closed.wait(), 5)
            assert peer.close_code == 1000
    await footprint.restored(before)
