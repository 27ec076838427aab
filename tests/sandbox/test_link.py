"""An open connection: pings, silence, drops, what arrives raw (facts, "Frame"; clients.md)."""

import asyncio
import json
import socket
import sys

import aiohttp
import pytest

from feishu_sandbox import Drop, GreetFault, PongFault, SendRaw, SilenceFault


async def test_a_ping_is_answered_with_the_client_config(company):
    link = await company.client.connect()
    await link.ping()
    pong = await link.frame()
    assert pong.method == 0
    assert {h.key: h.value for h in pong.headers} == {"type": "pong"}
    assert json.loads(pong.payload)["PingInterval"] == 120
    await company.sandbox.hub.wait_pings(link.connection)


@pytest.mark.parametrize("payload", ["", "{}", '{"PingInterval":0}', '{"PingInterval":-1}', "\x00garbage"])
async def test_pong_payload_as_told(company, payload):
    company.sandbox.faults.add(PongFault(payload=payload, times=1))
    link = await company.client.connect()
    await link.ping()
    assert (await link.frame()).payload.decode() == payload
    await link.ping()
    assert (await link.frame()).payload != payload.encode()


async def test_silence_swallows_pongs_events_and_websocket_pings(company):
    link = await company.client.connect(autoping=False)
    company.sandbox.faults.add(SilenceFault(times=1))
    await link.ws.ping()
    await link.ping()
    await company.world.say(company.ada, company.direct, "hi")
    await company.sandbox.hub.wait_pings(link.connection)
    event_id = company.sandbox.hub.deliveries[-1].event_id
    await company.sandbox.hub.wait_pushed(event_id)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(link.ws.receive(), 0.1)
    assert link.connection.open
    assert link.connection.websocket_pings == 1


async def test_silence_may_still_answer_websocket_pings(company):
    link = await company.client.connect(autoping=False)
    company.sandbox.faults.add(SilenceFault(answer_websocket_pings=True))
    await link.ws.ping(b"x")
    message = await asyncio.wait_for(link.ws.receive(), 5)
    assert (message.type, bytes(message.data)) == (aiohttp.WSMsgType.PONG, b"x")


async def test_silence_ends_with_its_connection(company):
    link = await company.client.connect()
    company.sandbox.faults.add(SilenceFault(times=1))
    await link.ping()
    await company.sandbox.hub.wait_pings(link.connection)
    second = await company.client.connect()
    await second.ping()
    assert (await second.frame()).method == 0


@pytest.mark.parametrize(("how", "code"), [("fin", 1006), ("rst", 1006), ("close", 1001)])
async def test_drop(company, how, code):
    link = await company.client.connect()
    company.sandbox.faults.add(Drop(how=how, close_code=1001))
    message = await asyncio.wait_for(link.ws.receive(), 5)
    assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
    assert link.ws.close_code == code
    await company.sandbox.hub.wait_disconnected(company.app)


async def test_rst_is_a_reset_and_fin_is_not(company):
    for how, reset in (("rst", True), ("fin", False)):
        url = (await company.client.bootstrap())["data"]["URL"]
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(company.sandbox.url.rsplit(":", 1)[1])
        )
        path = url.split("/", 3)[3]
        writer.write(
            f"GET /{path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        await company.sandbox.hub.wait_connected(company.app)
        company.sandbox.hub.drop(company.app, how)
        if reset:
            with pytest.raises(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 5)
        else:
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await company.sandbox.hub.wait_disconnected(company.app)


async def test_raw_bytes_arrive_as_they_are(company):
    link = await company.client.connect()
    company.sandbox.faults.add(SendRaw(data=b"\xff\x00"))
    assert (await link.ws.receive()).data == b"\xff\x00"


async def test_an_event_in_the_same_segment_as_the_101(company):
    company.sandbox.faults.add(GreetFault(event_type="im.x", event={"a": 1}, times=1))
    url = (await company.client.bootstrap())["data"]["URL"]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(company.sandbox.url.rsplit(":", 1)[1]))
    writer.write(
        f"GET /{url.split('/', 3)[3]} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    first = await asyncio.wait_for(reader.read(65536), 5)
    assert b" 101 " in first
    assert b'"event_type":"im.x"' in first
    if sys.platform == "linux":
        info = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160)
        assert int.from_bytes(info[152:156], sys.byteorder) == 1  # tcpi_data_segs_in
    writer.close()


async def test_what_is_no_frame_is_kept_as_garbage(company):
    link = await company.client.connect()
    await link.ws.send_bytes(b"\xff\xff\xff")
    await link.ws.send_str("hello")
    await link.ping()
    await company.sandbox.hub.wait_pings(link.connection)
    assert link.connection.garbage == [b"\xff\xff\xff", b"hello"]


async def test_the_clients_close_code_is_known(company):
    link = await company.client.connect()
    await link.ws.close(code=1000)
    await company.sandbox.hub.wait_disconnected(company.app)
    assert link.connection.close_code == 1000
