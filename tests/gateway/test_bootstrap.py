"""Every answer of the endpoint and of the handshake: retry, or blocked."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nonebot_plugin_feishu_ws.gateway import (
    BootstrapError,
    BootstrapPacer,
    HandshakeError,
    Reason,
    ReconnectPolicy,
    State,
)


async def outcome(platform, connection):
    """The status after the first failed attempt, and that the next attempt succeeds."""
    seen = await next_failure(connection)
    await platform.peer()
    await asyncio.wait_for(connection.wait_for(State.CONNECTED), 5)
    assert connection.status.error is None
    assert connection.status.attempt == 0
    return seen


async def next_failure(connection):
    states = {State.RECONNECTING, State.BLOCKED}
    waits = [asyncio.ensure_future(connection.wait_for(state)) for state in states]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    for wait in waits:
        wait.cancel()
    return connection.status


async def test_request(platform, connect, wire):
    connect(platform, app_id="cli_x")
    await platform.peer()
    post, get = platform.requests
    assert (post.method, post.target) == ("POST", "/callback/ws/endpoint")
    assert json.loads(post.body) == {"AppID": "cli_x", "AppSecret": wire.SECRET}
    assert post.headers["locale"] == "zh"
    assert post.headers["connection"] == "close", "a kept-alive connection would outlive stop()"
    assert get.target.startswith("/ws?device_id=d1&service_id=1&ticket=")


RETRY = {
    "busy": ({"code": 1, "msg": "system busy"}, Reason.BUSY, 1),
    "internal": ({"code": 1000040343, "msg": "internal"}, Reason.BUSY, 1000040343),
    "busy too": ({"code": 1000040345, "msg": "system busy"}, Reason.BUSY, 1000040345),
    "no data": ({"code": 0, "msg": "ok"}, Reason.PROTOCOL, None),
    "data null": ({"code": 0, "data": None}, Reason.PROTOCOL, None),
    "no url": ({"code": 0, "data": {}}, Reason.PROTOCOL, None),
    "url a number": ({"code": 0, "data": {"URL": 7}}, Reason.PROTOCOL, None),
    "url not ws": ({"code": 0, "data": {"URL": "https://x/?service_id=1"}}, Reason.PROTOCOL, None),
    "url broken": ({"code": 0, "data": {"URL": "wss://[x/?service_id=1"}}, Reason.PROTOCOL, None),
    "url without service": ({"code": 0, "data": {"URL": "wss://x/"}}, Reason.PROTOCOL, None),
    "service not a number": ({"code": 0, "data": {"URL": "wss://x/?service_id=a"}}, Reason.PROTOCOL, None),
    "service too large": (
        {"code": 0, "data": {"URL": "wss://x/?service_id=9999999999"}},
        Reason.PROTOCOL,
        None,
    ),
    "plain ws to a remote host": (
        {"code": 0, "data": {"URL": "ws://10.0.0.1/?service_id=1"}},
        Reason.PROTOCOL,
        None,
    ),
    "not json": (b"<html>502</html>", Reason.PROTOCOL, None),
    "a list": ([1, 2], Reason.PROTOCOL, None),
    "code a word": ({"code": "0"}, Reason.PROTOCOL, None),
    "empty": (b"", Reason.PROTOCOL, None),
    "deep": (b"[" * 20_000, Reason.PROTOCOL, None),
    "endless": (b" " * 200_000, Reason.PROTOCOL, None),
}
BLOCKED = {
    "no credential": (1000040344, Reason.BAD_CREDENTIALS),
    "app id invalid": (1000040346, Reason.BAD_CREDENTIALS),
    "secret invalid": (10014, Reason.BAD_CREDENTIALS),
    "auth failed": (514, Reason.BAD_CREDENTIALS),
    "forbidden": (403, Reason.FORBIDDEN),
    "limit": (1000040350, Reason.CONNECTION_LIMIT),
    "domain": (1000040351, Reason.WRONG_DOMAIN),
    "unknown": (424242, Reason.REJECTED),
    "negative": (-1, Reason.REJECTED),
}


@pytest.mark.parametrize(("body", "reason", "code"), RETRY.values(), ids=RETRY)
async def test_retried(platform, connect, wire, body, reason, code):
    platform.bootstraps = [wire.http(200, body)]
    status = await outcome(platform, connect(platform))
    assert status.state is State.RECONNECTING
    assert isinstance(status.error, BootstrapError)
    assert (status.error.reason, status.error.code) == (reason, code)
    assert status.attempt == 1
    assert status.next_retry_at is not None


@pytest.mark.parametrize(("code", "reason"), BLOCKED.values(), ids=BLOCKED)
async def test_blocked_and_tried_again_later(platform, connect, wire, code, reason):
    platform.bootstraps = [wire.http(200, {"code": code, "msg": "no"})]
    status = await outcome(platform, connect(platform))
    assert status.state is State.BLOCKED
    assert (status.error.reason, status.error.code, status.error.msg) == (reason, code, "no")
    assert status.next_retry_at is not None


@pytest.mark.parametrize("http_status", [302, 400, 404, 500, 502, 503])
async def test_http_errors_are_retried(platform, connect, wire, http_status):
    platform.bootstraps = [wire.http(http_status, b"<html>", Location="http://127.0.0.1:9/")]
    status = await outcome(platform, connect(platform))
    assert (status.state, status.error.reason, status.error.code) == (
        State.RECONNECTING,
        Reason.UNAVAILABLE,
        http_status,
    )


async def test_a_known_code_counts_on_an_http_error_too(platform, connect, wire):
    platform.bootstraps = [wire.http(400, {"code": 1000040351, "msg": "Incorrect domain name"})]
    status = await outcome(platform, connect(platform))
    assert (status.state, status.error.reason) == (State.BLOCKED, Reason.WRONG_DOMAIN)


async def test_an_endless_answer_is_not_read_to_its_end(platform, connect, wire):
    platform.bootstraps = [b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" + b" " * 200_000]
    platform.held_open = True
    status = await outcome(platform, connect(platform))
    assert status.error.reason is Reason.PROTOCOL


async def test_redirects_are_not_followed(platform, connect, wire):
    elsewhere = wire.Platform()
    await elsewhere.start()
    try:
        for code in (301, 307, 308):
            platform.bootstraps.append(wire.http(code, Location=f"{elsewhere.url}/callback/ws/endpoint"))
        connect(platform)
        await platform.peer()
        assert elsewhere.requests == []
    finally:
        await elsewhere.stop()


HANDSHAKES = {
    "forbidden": (403, {"Handshake_Status": "403", "Handshake_Msg": "go away"}, Reason.FORBIDDEN, 403),
    "forbidden, bare": (403, {}, Reason.FORBIDDEN, 403),
    "limit": (
        514,
        {"handshake_status": "514", "handshake_msg": "full", "handshake_autherrcode": "1000040350"},
        Reason.CONNECTION_LIMIT,
        1000040350,
    ),
    "limit behind another status": (
        400,
        {"Handshake_Status": "514", "Handshake_Autherrcode": "1000040350"},
        Reason.CONNECTION_LIMIT,
        1000040350,
    ),
    "other auth error": (
        514,
        {"Handshake_Status": "514", "Handshake_Autherrcode": "7"},
        Reason.UNAVAILABLE,
        7,
    ),
    "auth error without code": (514, {"Handshake_Status": "514"}, Reason.UNAVAILABLE, 514),
    "bad gateway": (502, {}, Reason.UNAVAILABLE, 502),
    "junk headers": (500, {"Handshake_Status": "x", "Handshake_Autherrcode": "y"}, Reason.UNAVAILABLE, 500),
    "not an upgrade": (200, {}, Reason.UNAVAILABLE, 200),
}


@pytest.mark.parametrize(("http_status", "headers", "reason", "code"), HANDSHAKES.values(), ids=HANDSHAKES)
async def test_handshake_refusals(platform, connect, wire, http_status, headers, reason, code):
    platform.refusals = [wire.http(http_status, b"", **headers)]
    status = await outcome(platform, connect(platform))
    assert isinstance(status.error, HandshakeError)
    assert (status.error.reason, status.error.code) == (reason, code)
    assert status.state is (State.BLOCKED if reason.blocks else State.RECONNECTING)
    posts = [request for request in platform.requests if request.method == "POST"]
    assert len(posts) == 2, "a fresh URL for each attempt"


@pytest.mark.parametrize("stage", ["bootstrap", "handshake"])
async def test_a_hanging_platform_times_out_and_others_go_on(platform, connect, wire, stage):
    platform.hangs = {stage}
    stuck = connect(platform, timings=replace(wire.QUICK, bootstrap=0.1, handshake=0.1), app_id="stuck")
    await asyncio.wait_for(platform.held.wait(), 5)
    platform.hangs = set()
    other = connect(platform, app_id="other")
    await asyncio.wait_for(other.wait_for(State.CONNECTED), 5)
    status = await outcome(platform, stuck)
    assert status.error.reason is Reason.TIMEOUT


async def test_nobody_listens(platform, connect):
    await platform.stop()
    status = await next_failure(connection := connect(platform))
    assert (status.state, status.error.reason) == (State.RECONNECTING, Reason.NETWORK)
    await platform.start()
    await platform.peer()
    await connection.wait_for(State.CONNECTED)


async def test_timeouts_are_at_most_ten_seconds(wire):
    timings = type(wire.QUICK)()
    assert timings.bootstrap <= 10
    assert timings.handshake <= 10
    assert timings.idle_ping + timings.pong + timings.close <= 45


async def test_bad_secret_is_no_hot_loop(platform, connect, wire):
    """And a new secret needs a new connection, not a new process."""
    platform.bootstrap = wire.http(200, {"code": 10014, "msg": "app secret invalid"})
    connection = connect(platform, policy=ReconnectPolicy(first=0.001, cap=0.001, nonce=0))
    await asyncio.wait_for(connection.wait_for(State.BLOCKED), 5)
    status = connection.status
    assert len(platform.requests) == 1
    wait = status.next_retry_at - datetime.now(UTC)
    assert timedelta(minutes=3) < wait < timedelta(minutes=7)
    await connection.stop()
    platform.bootstrap = None
    connect(platform, secret="right")
    await platform.peer()
    assert json.loads(platform.requests[1].body)["AppSecret"] == "right"


async def test_giving_up_and_starting_anew(platform, connect, wire):
    platform.bootstraps = [wire.http(500)] * 3
    connection = connect(platform, policy=replace(wire.EAGER, max_attempts=3))
    await asyncio.wait_for(connection.wait_for(State.BLOCKED), 5)
    status = connection.status
    assert status.error.reason is Reason.GAVE_UP
    assert (status.error.attempts, status.error.last.code) == (3, 500)
    assert status.next_retry_at is None
    assert len(platform.requests) == 3
    connection.start()
    await platform.peer()
    await asyncio.wait_for(connection.wait_for(State.CONNECTED), 5)
    assert connection.status.attempt == 0


async def test_stop_after_giving_up(platform, connect, wire):
    platform.bootstrap = wire.http(500)
    connection = connect(platform, policy=replace(wire.EAGER, max_attempts=1))
    await asyncio.wait_for(connection.wait_for(State.BLOCKED), 5)
    await connection.stop()
    assert connection.status.state is State.DISCONNECTED


async def test_pacer_caps_the_rate_in_order_of_arrival():
    loop = asyncio.get_running_loop()
    pacer, turns = BootstrapPacer(per_second=500), []

    async def one(name):
        await pacer.turn()
        turns.append((name, loop.time()))

    await asyncio.gather(*(one(n) for n in range(50)))
    assert [name for name, _ in turns] == list(range(50))
    assert turns[-1][1] - turns[0][1] >= 49 / 500 * 0.99


async def test_pacer_is_not_held_up_by_who_leaves():
    pacer = BootstrapPacer(per_second=0.001)
    await pacer.turn()
    waiting = [asyncio.ensure_future(pacer.turn()) for _ in range(20)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    pacer._free_at = 0.0
    await asyncio.wait_for(pacer.turn(), 1)


def test_pacer_validates_itself():
    with pytest.raises(ValueError, match="per_second"):
        BootstrapPacer(0)


async def test_a_thousand_disconnects_are_spread_and_their_bootstraps_capped(platform, connect, wire):
    """100 connections here, a tenth of fault 6 in size; the arithmetic does not change with their number."""
    many, rate = 100, 400
    pacer = BootstrapPacer(per_second=rate)
    platform.config = {"ReconnectNonce": 0}
    for number in range(many):
        connect(platform, app_id=f"cli_{number}", pacer=pacer)
    peers = [await platform.peer() for _ in range(many)]
    loop = asyncio.get_running_loop()
    before, since = len(platform.bootstrapped._queue), loop.time()
    for peer in peers:
        peer.reset()
    for _ in range(many):
        await platform.peer()
    assert platform.bootstrapped.qsize() == before + many
    assert loop.time() - since >= (many - 1) / rate * 0.99
