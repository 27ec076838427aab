"""A platform of bare sockets: for what a well-behaved one cannot do, and for what it must not see of us.

Every byte is under the test's control: frames in the segment of the 101, silence, resets, junk, refusals.
"""

import asyncio
import base64
import hashlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from feishu_sandbox.longconn import Frame

if TYPE_CHECKING:  # the root conftest loads the plugin after this file is read
    from nonebot_plugin_feishu_ws.gateway import Ack, Inbound, LongConnection

SECRET = "canary-app-secret"
TICKET = "canary-url-ticket"

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def encode_message(data: bytes, opcode: int = BINARY) -> bytes:
    """One unmasked WebSocket frame."""
    size = len(data)
    if size < 126:
        return bytes((0x80 | opcode, size)) + data
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + data
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + data


def data_frame(
    payload: bytes | Mapping[str, object] = b"{}",
    *,
    kind: str = "event",
    message_id: str = "m1",
    seq_id: int = 7,
    log_id: int = 9,
    method: int = 1,
    **headers: object,
) -> Frame:
    frame = Frame(SeqID=seq_id, LogID=log_id, service=1, method=method)
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    frame.payload = payload
    for key, value in {"type": kind, "message_id": message_id, "trace_id": "t1", **headers}.items():
        frame.headers.add(key=key, value=str(value))
    return frame


def fragments(payload: bytes, count: int, **options: Any) -> list[Frame]:
    size = -(-len(payload) // count)
    parts = [payload[i * size : (i + 1) * size] for i in range(count)]
    return [
        data_frame(part, sum=count, seq=seq, seq_id=100 + seq, **options) for seq, part in enumerate(parts)
    ]


def headers_of(frame: Frame) -> dict[str, str]:
    return {header.key: header.value for header in frame.headers}


@dataclass(eq=False)
class Peer:
    """The gateway's side of one WebSocket."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    target: str
    pong: bytes | None = b""  # payload of the answers to pings; None does not answer
    pings: asyncio.Queue[Frame] = field(default_factory=asyncio.Queue)
    acks: asyncio.Queue[Frame] = field(default_factory=asyncio.Queue)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int | None = None
    paused: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, *frames: Frame | bytes) -> None:
        """Write frames, or the bytes of binary messages."""
        for frame in frames:
            self.write(frame if isinstance(frame, bytes) else frame.SerializeToString())

    def write(self, data: bytes, opcode: int = BINARY) -> None:
        self.writer.write(encode_message(data, opcode))

    async def ack(self) -> tuple[Frame, dict[str, Any]]:
        frame = await asyncio.wait_for(self.acks.get(), 5)
        return frame, json.loads(frame.payload)

    async def ask(self, frame: Frame) -> dict[str, Any]:
        """Send one frame and return the payload of its ack."""
        self.send(frame)
        return (await self.ack())[1]

    def reset(self) -> None:
        """RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def fin(self) -> None:
        self.writer.close()

    def freeze(self) -> None:
        """Neither read nor answer any more, as if packets were dropped."""
        self.writer.transport.pause_reading()
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.pong = None

    async def serve(self) -> None:
        try:
            while True:
                opcode, data = await self._message()
                if opcode == PING:
                    self.write(data, PONG)
                elif opcode == CLOSE:
                    self.close_code = struct.unpack("!H", data[:2])[0] if data else None
                    self.write(data[:2], CLOSE)
                    return
                elif opcode == BINARY:
                    self._frame(Frame.FromString(data))
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.closed.set()
            self.writer.close()

    def _frame(self, frame: Frame) -> None:
        if frame.method == 1:
            self.acks.put_nowait(frame)
            return
        assert headers_of(frame) == {"type": "ping"}
        self.pings.put_nowait(frame)
        if self.pong is not None:
            self.send(pong_frame(self.pong))

    async def _message(self) -> tuple[int, bytes]:
        first, size = await self.reader.readexactly(2)
        assert size & 0x80, "a client's frames are masked"
        size &= 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self.reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
        mask = await self.reader.readexactly(4)
        data = await self.reader.readexactly(size)
        long_mask = (mask * (size // 4 + 1))[:size]
        return first & 0x0F, (int.from_bytes(data, "big") ^ int.from_bytes(long_mask, "big")).to_bytes(
            size, "big"
        )


def pong_frame(payload: bytes = b"") -> Frame:
    frame = Frame(SeqID=0, LogID=0, service=1, method=0, payload=payload)
    frame.headers.add(key="type", value="pong")
    return frame


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def http(status: int, body: bytes | object = b"", **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


class Platform:
    """Bootstrap and gateway on one port."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.bootstrapped: asyncio.Queue[Request] = asyncio.Queue()
        self.config: dict[str, object] | None = {
            "ReconnectNonce": 0,
            "ReconnectInterval": 120,
            "PingInterval": 120,
        }
        self.bootstrap: bytes | None = None  # what to answer instead of a URL
        self.bootstraps: list[bytes] = []  # and before that, one by one
        self.refusals: list[bytes] = []  # what to answer to handshakes
        self.hangs: set[str] = set()  # "bootstrap", "handshake": take the request, never answer
        self.behind_101 = b""  # bytes in the very segment of the 101
        self.pong: bytes | None = b""
        self.scheme = "ws"
        self.host = "127.0.0.1"
        self.port = 0
        self.held_open = False  # keep the endpoint's connections after the answer
        self.held = asyncio.Event()  # something hangs now
        self._open: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http{'s' if self.scheme == 'wss' else ''}://{self.host}:{self.port}"

    async def start(self, ssl: Any = None) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=ssl)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)
        await self._server.wait_closed()

    async def peer(self) -> Peer:
        return await asyncio.wait_for(self.peers.get(), 10)

    def endpoint(self, number: int) -> dict[str, object]:
        url = f"{self.scheme}://{self.host}:{self.port}/ws?device_id=d{number}&service_id=1&ticket={TICKET}"
        return {"code": 0, "msg": "ok", "data": {"URL": url, "ClientConfig": self.config}}

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        task.add_done_callback(self._open.pop)
        try:
            request = await self._request(reader)
            self.requests.append(request)
            if request.method == "POST":
                await self._bootstrap(request, reader, writer)
            else:
                await self._handshake(request, reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def _hang(self, reader: asyncio.StreamReader) -> None:
        self.held.set()
        await reader.read()  # until the client goes away
        raise ConnectionResetError

    async def _bootstrap(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        number = sum(one.method == "POST" for one in self.requests)
        self.bootstrapped.put_nowait(request)
        if "bootstrap" in self.hangs:
            await self._hang(reader)
        canned = self.bootstraps.pop(0) if self.bootstraps else self.bootstrap
        writer.write(http(200, self.endpoint(number)) if canned is None else canned)
        await writer.drain()
        if self.held_open:
            await self._hang(reader)

    async def _handshake(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if "handshake" in self.hangs:
            await self._hang(reader)
        if self.refusals:
            writer.write(self.refusals.pop(0))
            await writer.drain()
            return
        key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n" + self.behind_101
        )
        peer = Peer(reader, writer, request.target, self.pong)
        self.peers.put_nowait(peer)
        await peer.serve()

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(method, target, headers, body)


@pytest.fixture
def wire() -> SimpleNamespace:
    """What tests need of this file: conftest cannot be imported from."""
    from nonebot_plugin_feishu_ws.gateway import ReconnectPolicy, Timings

    return SimpleNamespace(
        Frame=Frame,
        Platform=Platform,
        data_frame=data_frame,
        fragments=fragments,
        pong_frame=pong_frame,
        headers_of=headers_of,
        encode_message=encode_message,
        http=http,
        SECRET=SECRET,
        TICKET=TICKET,
        QUICK=Timings(bootstrap=2, handshake=2, drain=1, close=0.5),
        EAGER=ReconnectPolicy(first=0.01, cap=0.02, nonce=0, blocked_interval=0.02),
        new_session=new_session,
        TEXT=TEXT,
        PING=PING,
        CLOSE=CLOSE,
    )


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of a platform, in one file: for feishu.test and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "feishu.test")])
    names = [x509.DNSName("feishu.test"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "platform.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    await platform.start()
    yield platform
    await platform.stop()


@asynccontextmanager
async def new_session(**options: Any) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=0, **options)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with new_session() as session:
        yield session


@pytest.fixture
async def connect(
    session: aiohttp.ClientSession, wire: SimpleNamespace
) -> "AsyncIterator[Callable[..., LongConnection]]":
    """Makes started connections, and stops them in the end."""
    from nonebot_plugin_feishu_ws.gateway import Credentials, LongConnection

    made: list[LongConnection] = []

    def make(
        platform: Platform | str,
        handler: Any = None,
        *,
        app_id: str = "cli_a",
        secret: str = SECRET,
        **options: Any,
    ) -> LongConnection:
        url = platform if isinstance(platform, str) else platform.url
        options = {"session": session, "timings": wire.QUICK, "policy": wire.EAGER, **options}
        connection = LongConnection(Credentials(app_id, secret), url, handler or Inbox(), **options)
        connection.start()
        made.append(connection)
        return connection

    yield make
    for connection in made:
        await connection.stop()


class Inbox:
    """A handler that keeps what it gets."""

    def __init__(self, answer: "Ack | None" = None) -> None:
        from nonebot_plugin_feishu_ws.gateway import Ack

        self.answer = answer or Ack()
        self.events: asyncio.Queue[Inbound] = asyncio.Queue()

    async def __call__(self, inbound: "Inbound") -> "Ack":
        self.events.put_nowait(inbound)
        return self.answer

    async def next(self) -> "Inbound":
        return await asyncio.wait_for(self.events.get(), 5)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def inboxes() -> type[Inbox]:
    return Inbox


@dataclass(frozen=True)
class Footprint:
    """What a loop holds: tasks, registered file descriptors, timers; of uvloop, which shows no more, tasks."""

    tasks: frozenset[asyncio.Task[Any]]
    sockets: int
    timers: int

    @classmethod
    def now(cls) -> "Footprint":
        loop: Any = asyncio.get_running_loop()
        if not isinstance(loop, asyncio.SelectorEventLoop):
            return cls(frozenset(asyncio.all_tasks()), 0, 0)
        timers = sum(not handle.cancelled() for handle in loop._scheduled)
        return cls(frozenset(asyncio.all_tasks()), len(loop._selector.get_map()), timers)

    async def restored(self) -> None:
        """Wait until nothing is held beyond this."""
        clock = asyncio.get_running_loop().time  # no `asyncio.timeout`: that is a timer, too
        give_up = clock() + 20
        while True:
            now = self.now()
            ours = now.tasks - {asyncio.current_task()}
            if ours <= self.tasks and now.sockets <= self.sockets and now.timers <= self.timers:
                return
            assert clock() < give_up, f"left behind: {now}, was {self}"
            await asyncio.sleep(0)


@pytest.fixture
def footprint() -> type[Footprint]:
    return Footprint


async def _until(holds: Callable[[], object], within: float = 10) -> None:
    """Wait until a condition holds that nobody signals."""
    async with asyncio.timeout(within):
        while not holds():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    return _until


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
