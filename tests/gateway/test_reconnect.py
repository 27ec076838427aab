"""Links end in every way there is; bots come back."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nonebot_plugin_feishu_ws.gateway import Ack, LinkError, Reason, ReconnectPolicy, State


@pytest.fixture
def lively(wire):
    """A silent gateway is given up after a quarter of a second."""
    return replace(wire.QUICK, idle_ping=0.03, pong=0.25, tick=0.1, min_ping=0.01, close=0.2)


def endings(peer, wire):
    return {
        "rst": peer.reset,
        "fin": peer.fin,
        "close frame": lambda: peer.write(b"\x03\xe8bye", wire.CLOSE),
        "half a frame": lambda: (peer.writer.write(b"\x82\x7f\x00"), peer.fin()),
        "wild websocket": lambda: peer.writer.write(b"\xff\xff\xff\xff"),
        "bad utf-8 text": lambda: peer.write(b"\xff\xfe", wire.TEXT),
    }


@pytest.mark.parametrize(
    "ending", ["rst", "fin", "close frame", "half a frame", "wild websocket", "bad utf-8 text"]
)
async def test_ended_links_are_replaced(platform, connect, inbox, wire, ending):
    changes = []
    connection = connect(platform, inbox, on_status=changes.append)
    peer = await platform.peer()
    endings(peer, wire)[ending]()
    second = await platform.peer()
    assert peer.target != second.target, "a fresh URL"
    assert await second.ask(wire.data_frame()) == {"code": 200}
    assert [status.state for status in changes] == [
        State.CONNECTING,
        State.CONNECTED,
        State.RECONNECTING,
        State.CONNECTED,
    ]
    lost = changes[2]
    assert isinstance(lost.error, LinkError)
    assert lost.error.reason is Reason.CLOSED
    assert (lost.attempt, lost.connected_at) == (1, None)
    assert connection.counters["connections"] == 2


async def test_close_code_is_a_fact_of_the_error(platform, connect, wire):
    connection = connect(platform, policy=ReconnectPolicy(nonce=30))
    platform.config = {"ReconnectNonce": 30}
    (await platform.peer()).write(b"\x0f\xa1bye", wire.CLOSE)
    await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
    assert connection.status.error.code == 4001


async def test_the_servers_jitter_is_honoured(platform, connect):
    """`Backoff` is tested alone; here that the server's number reaches it."""
    platform.config = {"ReconnectNonce": 20}
    connection = connect(platform, policy=ReconnectPolicy(nonce=100))
    now = datetime.now(UTC)
    (await platform.peer()).reset()
    await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
    assert now <= connection.status.next_retry_at <= now + timedelta(seconds=21)


async def test_a_pong_may_bring_another_config(platform, connect, wire):
    platform.pong = b'{"ReconnectNonce": 0, "PingInterval": 7}'
    platform.config = {"ReconnectNonce": 100}
    connect(platform, policy=replace(wire.EAGER, nonce=100))
    peer = await platform.peer()
    await peer.pings.get()
    assert await peer.ask(wire.data_frame()) == {"code": 200}  # the pong came before this
    peer.reset()
    await platform.peer()


async def test_first_ping_comes_right_after_connecting(platform, connect, wire):
    connection = connect(platform)
    peer = await platform.peer()
    ping = await asyncio.wait_for(peer.pings.get(), 5)
    assert (ping.SeqID, ping.LogID, ping.service, ping.method) == (0, 0, 1, 0)
    assert await peer.ask(wire.data_frame()) == {"code": 200}
    status = connection.status
    assert status.connected_at <= status.last_heartbeat <= status.last_event_at <= datetime.now(UTC)


@pytest.mark.parametrize("pongs", [0, 3])
async def test_a_gateway_that_answers_only_websocket_pings_is_noticed(
    platform, connect, lively, until, pongs
):
    """As when a load balancer is alive and what is behind it is not."""
    connection = connect(platform, timings=lively)
    peer = await platform.peer()
    for _ in range(pongs):
        await asyncio.wait_for(peer.pings.get(), 5)
    peer.pong = None
    await platform.peer()
    await until(lambda: connection.counters["connections"] == 2)


async def test_silence_is_named(platform, connect, lively):
    platform.pong = None
    connection = connect(platform, timings=lively)
    await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
    assert connection.status.error.reason is Reason.SILENT


async def test_half_open_link_is_noticed_even_with_a_full_send_buffer(
    platform, connect, wire, lively, footprint, until
):
    """The peer takes nothing any more: pings and acks pile up, and no FIN will ever come."""
    before = footprint.now()
    gate = asyncio.Event()

    async def handler(_):
        await gate.wait()
        return Ack(data={"big": "x" * 1_000_000})

    connection = connect(platform, handler, timings=lively)
    peer = await platform.peer()
    peer.send(*(wire.data_frame() for _ in range(12)))
    await until(lambda: connection.counters.get("events") == 12)
    peer.freeze()
    gate.set()
    await platform.peer()
    await until(lambda: connection.counters["connections"] == 2)
    await connection.stop()
    await until(lambda: footprint.now().sockets <= before.sockets)  # a paused one is not counted
    peer.writer.transport.abort()
    await footprint.restored(before)


async def test_healthy_idle_link_is_never_dropped(platform, connect, lively):
    connection = connect(platform, timings=lively)
    peer = await platform.peer()
    for _ in range(20):  # 20 x idle_ping, more than twice what a silent gateway is given
        await asyncio.wait_for(peer.pings.get(), 5)
    assert connection.counters["connections"] == 1


@pytest.mark.parametrize(
    "pong",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b"junk",
        b'{"PingInterval":0}',
        b'{"PingInterval":-1}',
        b'{"PingInterval":"x"}',
    ],
)
async def test_pong_config_without_sense_neither_stops_the_pings_nor_starts_a_storm(
    platform, connect, lively, until, pong
):
    platform.pong = pong
    loop = asyncio.get_running_loop()
    since = loop.time()
    connection = connect(platform, timings=replace(lively, min_ping=0.02, pong=5, tick=0.05))
    peer = await platform.peer()
    for _ in range(6):
        await asyncio.wait_for(peer.pings.get(), 5)
    assert loop.time() - since >= 5 * 0.02
    peer.reset()
    await platform.peer()
    await until(lambda: connection.counters["connections"] == 2)


async def test_pong_config_huge_does_not_stop_the_pings(platform, connect, lively):
    platform.pong = b'{"PingInterval": 1e300, "ReconnectInterval": 1e300}'
    connect(platform, timings=lively)
    peer = await platform.peer()
    for _ in range(4):
        await asyncio.wait_for(peer.pings.get(), 5)


async def test_pong_config_tiny_is_clamped(platform, connect, wire):
    platform.pong = b'{"PingInterval": 0.0001}'
    loop = asyncio.get_running_loop()
    since = loop.time()
    connect(platform, timings=replace(wire.QUICK, min_ping=0.05, tick=0.2))
    peer = await platform.peer()
    for _ in range(5):
        await asyncio.wait_for(peer.pings.get(), 5)
    assert loop.time() - since >= 4 * 0.05


async def test_flapping_gateway_is_met_with_backoff(platform, connect):
    waits = []

    def on_status(status):
        if status.state is State.RECONNECTING:
            waits.append((status.next_retry_at - datetime.now(UTC)).total_seconds())

    platform.config = {"ReconnectNonce": 0}
    connect(platform, policy=ReconnectPolicy(first=0.03, cap=0.12, spread=0), on_status=on_status)
    for _ in range(5):
        (await platform.peer()).reset()
    await platform.peer()
    assert waits == pytest.approx([0, 0.03, 0.06, 0.12, 0.12], abs=0.014)


async def test_late_ack_is_never_written_to_another_connection(platform, connect, wire):
    gate, started = asyncio.Event(), asyncio.Event()

    async def handler(inbound):
        if inbound.message_id == "late":
            started.set()
            await gate.wait()
        return Ack()

    connection = connect(platform, handler)
    first = await platform.peer()
    first.send(wire.data_frame(message_id="late", seq_id=111))
    await asyncio.wait_for(started.wait(), 5)
    first.reset()
    second = await platform.peer()
    await asyncio.wait_for(connection.wait_for(State.CONNECTED), 5)
    gate.set()
    second.send(wire.data_frame(message_id="m2", seq_id=222))
    assert (await second.ack())[0].SeqID == 222
    assert second.acks.empty()
    assert connection.counters["lost_acks"] == 1
    assert connection.counters["acked"] == 1


async def test_socket_dying_between_handling_and_ack_leaves_the_repush_to_be_handled(platform, connect, wire):
    """The gateway's half of fault 9: nothing claims an ack that was not sent, and the re-push arrives."""
    seen = asyncio.Queue()
    sockets = []

    async def handler(inbound):
        seen.put_nowait(inbound.message_id)
        if seen.qsize() == 1:
            sockets[0].reset()
            await sockets[0].closed.wait()
        return Ack()

    connection = connect(platform, handler)
    sockets.append(await platform.peer())
    sockets[0].send(wire.data_frame(message_id="once"))
    second = await platform.peer()
    assert sockets[0].acks.empty()
    assert await second.ask(wire.data_frame(message_id="once")) == {"code": 200}
    assert [seen.get_nowait() for _ in range(2)] == ["once", "once"]
    assert connection.counters["acked"] == 1


async def test_fragments_of_two_connections_are_not_joined(platform, connect, inbox, wire):
    connect(platform, inbox)
    parts = wire.fragments(b"x" * 99, 3, message_id="torn")
    first = await platform.peer()
    first.send(*parts[:2])
    await first.ask(wire.data_frame(message_id="between"))
    first.reset()
    second = await platform.peer()
    second.send(parts[2], wire.data_frame(message_id="after"))
    assert [(await inbox.next()).message_id for _ in range(2)] == ["between", "after"]


async def test_a_defect_of_ours_does_not_make_a_bot_deaf(platform, connect, monkeypatch, caplog):
    from nonebot_plugin_feishu_ws.gateway import connection as module

    real, calls = module.fetch_endpoint, []

    async def broken(*args, **options):
        calls.append(args)
        if len(calls) == 1:
            raise KeyError("oops")
        return await real(*args, **options)

    monkeypatch.setattr(module, "fetch_endpoint", broken)
    connection = connect(platform)
    await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
    assert connection.status.error.reason is Reason.INTERNAL
    await platform.peer()
    assert "oops" in caplog.text


async def test_on_status_that_raises_is_logged_and_harmless(platform, connect, wire, caplog):
    def on_status(status):
        raise RuntimeError("bad listener")

    connect(platform, on_status=on_status)
    assert await (await platform.peer()).ask(wire.data_frame()) == {"code": 200}
    assert "bad listener" in caplog.text


SLEEPER = """
import asyncio, sys, nonebot
nonebot.init(driver="~none", log_level="CRITICAL")
nonebot.load_plugin("nonebot_plugin_feishu_ws")
import aiohttp
from nonebot_plugin_feishu_ws.gateway import *

async def main(url):
    async def handler(_):
        return Ack()
    async with aiohttp.ClientSession() as session:
        connection = LongConnection(
            Credentials("cli_a", "s"), url, handler, session=session,
            policy=ReconnectPolicy(nonce=0, first=0.01), timings=Timings(idle_ping=0.2, pong=0.2, tick=0.1,
            close=0.1),
        )
        connection.start()
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""


async def test_host_frozen_reconnects_on_wake(platform):
    """A real process, really stopped; meanwhile its gateway forgets it without a word."""
    platform.config = {"ReconnectNonce": 0}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SLEEPER, platform.url)
    try:
        peer = await asyncio.wait_for(platform.peers.get(), 30)
        await asyncio.wait_for(peer.pings.get(), 5)
        process.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED)
        peer.freeze()
        process.send_signal(signal.SIGCONT)
        await platform.peer()
    finally:
        process.kill()
        await process.wait()
