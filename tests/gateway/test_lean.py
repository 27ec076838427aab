"""What an open WebSocket costs: memory while idle, system calls while busy."""

import asyncio
import gc
import ssl
from asyncio.sslproto import SSLProtocol

import pytest
import uvloop
from aiohttp import WSMsgType

from nonebot_plugin_feishu_ws.gateway import Ack, State, link
from nonebot_plugin_feishu_ws.gateway.lean import Corked, make_lean

TLS_BUFFER = 4096
COUNT = 50


class Counted:
    """A transport, and what is written to it."""

    def __init__(self, transport):
        self._transport = transport
        self.writes = []

    def write(self, data):
        self.writes.append(data)
        self._transport.write(data)

    def is_closing(self):
        return self._transport.is_closing()


@pytest.fixture
async def websocket(platform, session):
    """A lean WebSocket, the other end of it, and what is written between them."""
    opened = await session.ws_connect(platform.url + "/ws")
    make_lean(opened)
    corked = opened._writer.transport
    assert isinstance(corked, Corked), "aiohttp is another one: see lean.py"
    corked._transport = counted = Counted(corked._transport)
    yield opened, await platform.peer(), counted
    await opened.close()


async def test_what_is_sent_in_one_turn_is_written_at_once(websocket, wire):
    ours, peer, counted = websocket
    frames = [wire.data_frame(message_id=f"m{number}").SerializeToString() for number in range(100)]
    await asyncio.gather(*map(ours.send_bytes, frames))
    acks = [await asyncio.wait_for(peer.acks.get(), 5) for _ in frames]
    assert [ack.SerializeToString() for ack in acks] == frames, "complete, and in order"
    assert len(counted.writes) == 1
    await ours.send_bytes(frames[0])
    await peer.ack()
    assert len(counted.writes) == 2


async def test_acks_of_handlers_that_end_together_are_written_at_once(platform, connect, wire, monkeypatch):
    made = []
    monkeypatch.setattr(link, "make_lean", lambda opened: (make_lean(opened), made.append(opened)))
    gate, arrived = asyncio.Event(), asyncio.Semaphore(0)

    async def handler(inbound):
        arrived.release()
        await gate.wait()
        return Ack()

    connection = connect(platform, handler)
    peer = await platform.peer()
    await asyncio.wait_for(connection.wait_for(State.CONNECTED), 5)
    peer.send(*(wire.data_frame(message_id=f"m{number}") for number in range(COUNT)))
    async with asyncio.timeout(5):
        for _ in range(COUNT):
            await arrived.acquire()
    corked = made[0]._writer.transport
    corked._transport = counted = Counted(corked._transport)
    gate.set()
    names = [wire.headers_of((await peer.ack())[0])["message_id"] for _ in range(COUNT)]
    assert names == [f"m{number}" for number in range(COUNT)]
    assert len(counted.writes) == 1
    assert connection.counters["acked"] == COUNT


async def test_a_goodbye_takes_along_what_was_sent_before_it(websocket, wire):
    ours, peer, counted = websocket
    await ours.send_bytes(wire.data_frame().SerializeToString())
    await ours.close()
    await asyncio.wait_for(peer.closed.wait(), 5)
    assert (peer.acks.qsize(), peer.close_code, len(counted.writes)) == (1, 1000, 1)


async def test_an_ack_beside_the_platforms_goodbye_still_goes_out(websocket, wire):
    """The answer to a close frame ends the connection at once: what waits must not come after it."""
    ours, peer, _ = websocket
    peer.writer.write(wire.encode_message(b"an event") + wire.encode_message(b"\x03\xe8", wire.CLOSE))
    assert await ours.receive_bytes() == b"an event"
    await ours.send_bytes(wire.data_frame().SerializeToString())
    assert (await ours.receive()).type is WSMsgType.CLOSE
    await asyncio.wait_for(peer.closed.wait(), 5)
    assert (peer.acks.qsize(), peer.close_code) == (1, 1000)


async def test_much_does_not_wait_for_the_end_of_the_turn(websocket):
    ours, _, counted = websocket
    await ours.send_bytes(b"x" * 40_000)
    assert counted.writes == []
    await ours.send_bytes(b"x" * 40_000)
    assert [len(data) for data in counted.writes] == [2 * (40_000 + 8)]


async def test_nothing_is_written_after_the_connection_is_gone(websocket):
    ours, peer, counted = websocket
    await ours.send_bytes(b"late")
    counted._transport.abort()
    await asyncio.wait_for(peer.closed.wait(), 5)
    assert counted.writes == []


@pytest.fixture
async def secure(wire, certificate):
    platform = wire.Platform()
    platform.scheme = "wss"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    await platform.start(ssl=context)
    yield platform
    await platform.stop()


@pytest.fixture
async def trusting(wire, certificate):
    context = ssl.create_default_context(cafile=str(certificate))
    async with wire.new_session(ssl=context) as session:
        yield session


def buffers():
    """Bytes that asyncio's TLS keeps for each client's connection to read into."""
    found = (one for one in gc.get_objects() if isinstance(one, SSLProtocol))
    return [len(one._ssl_buffer) for one in found if one._transport is not None and not one._server_side]


async def test_idle_tls_connections_keep_small_buffers(secure, trusting, connect, until):
    """A failure means that asyncio is another one, and costs 252 KiB of memory for each connection: see lean.py."""
    connections = [
        connect(secure, session=trusting, app_id=f"cli_{number}", secret="s" * 32) for number in range(COUNT)
    ]
    await until(lambda: all(one.status.last_heartbeat for one in connections))
    await until(lambda: len(buffers()) == COUNT)  # those of the endpoint's requests are gone
    assert max(buffers()) <= TLS_BUFFER


async def test_tls_carries_what_is_larger_than_the_buffer(secure, trusting, connect, inbox, wire):
    first = wire.data_frame({"number": 1}, message_id="behind the 101")
    secure.behind_101 = wire.encode_message(first.SerializeToString())
    connect(secure, inbox, session=trusting)
    peer = await secure.peer()
    assert (await inbox.next()).message_id == "behind the 101"
    await peer.ack()
    payloads = [bytes([65 + number]) * (number * 100_000 + 1) for number in range(8)]
    for number, payload in enumerate(payloads):
        peer.send(wire.data_frame(payload, message_id=f"m{number}"))
    for payload in payloads:
        assert (await inbox.next()).payload == payload
        await peer.ack()


def test_on_another_event_loop(wire, certificate, inbox):
    """uvloop shows nothing of its TLS: there is nothing to be done, and nothing fails."""

    async def talk():
        platform = wire.Platform()
        platform.scheme = "wss"
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(certificate)
        await platform.start(ssl=server)
        context = ssl.create_default_context(cafile=str(certificate))
        async with wire.new_session(ssl=context) as session:
            ours = await session.ws_connect(f"{platform.url}/ws")
            make_lean(ours)
            peer = await platform.peer()
            frames = [wire.data_frame(message_id=f"m{number}").SerializeToString() for number in range(100)]
            await asyncio.gather(*map(ours.send_bytes, frames))
            acks = [await asyncio.wait_for(peer.acks.get(), 5) for _ in frames]
            peer.writer.write(wire.encode_message(b"x" * 300_000))
            received = await ours.receive_bytes()
            await ours.close()
        await platform.stop()
        return [ack.SerializeToString() for ack in acks] == frames, len(received)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(talk()) == (True, 300_000)
