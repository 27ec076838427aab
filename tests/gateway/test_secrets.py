"""Canaries: the secret and the URL's query are in no log, error, repr or traceback."""

import asyncio
import logging
import traceback

import pytest

from nonebot_plugin_feishu_ws.gateway import Credentials, State


def everything(status, caplog):
    texts = [repr(status), str(status), caplog.text, *(str(vars(record)) for record in caplog.records)]
    for error in (status.error, getattr(status.error, "last", None)):
        if error is not None:
            texts += [
                repr(error),
                str(error),
                str(vars(error)),
                repr(error.__cause__),
                repr(error.__context__),
            ]
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            texts.append("".join(told.format()))
    return "\n".join(texts)


async def failing(platform, connect, wire, how):
    match how:
        case "bootstrap quotes the secret":
            platform.bootstrap = wire.http(
                200, {"code": 10014, "msg": f"bad secret {wire.SECRET}\n{'x' * 5000}"}
            )
        case "bootstrap fails":
            platform.bootstrap = wire.http(500, {"msg": wire.SECRET})
        case "handshake refused":
            platform.refusals = [wire.http(403, Handshake_Msg=f"bad ticket {wire.TICKET}")] * 100
        case "handshake status wild":
            platform.refusals = [wire.http(200)] * 100
        case "handshake cut":
            platform.refusals = [b""] * 100
        case "handshake junk":
            platform.refusals = [b"\x00\xff junk\r\n\r\n"] * 100
        case "handshake accept wrong":
            head = b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
            platform.refusals = [head] * 100
        case "bootstrap junk":
            platform.bootstrap = b"\x00\xff junk\r\n\r\n"
        case "gateway gone":
            platform.bootstrap = wire.http(200, platform.endpoint(1))
            await platform.stop()
            other = wire.Platform()
            await other.start()
            other.bootstrap = platform.bootstrap
            return other
    return platform


HOWS = [
    "bootstrap quotes the secret",
    "bootstrap fails",
    "bootstrap junk",
    "handshake refused",
    "handshake status wild",
    "handshake cut",
    "handshake junk",
    "handshake accept wrong",
    "gateway gone",
]


@pytest.mark.parametrize("how", HOWS)
async def test_failures_tell_no_secret(platform, connect, wire, caplog, how):
    caplog.set_level(logging.DEBUG)
    used = await failing(platform, connect, wire, how)
    connection = connect(used)
    states = [
        asyncio.ensure_future(connection.wait_for(state)) for state in (State.RECONNECTING, State.BLOCKED)
    ]
    await asyncio.wait(states, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    status = connection.status
    await connection.stop()
    await asyncio.gather(*(state for state in states if state.done()))
    for state in states:
        state.cancel()
    assert status.error is not None
    told = everything(status, caplog)
    assert wire.SECRET not in told
    assert wire.TICKET not in told
    assert len(status.error.msg) < 300
    if used is not platform:
        await used.stop()
        await platform.start()


async def test_a_healthy_life_tells_no_secret(platform, connect, wire, caplog):
    caplog.set_level(logging.DEBUG)
    connection = connect(platform)
    peer = await platform.peer()
    await peer.ask(wire.data_frame())
    peer.reset()
    await platform.peer()
    await connection.stop()
    told = everything(connection.status, caplog) + repr(connection) + repr(connection._facts)
    assert wire.SECRET not in told
    assert wire.TICKET not in told


async def test_the_tracebacks_of_handlers_and_defects_tell_no_secret(
    platform, connect, wire, monkeypatch, until
):
    """Even with the locals of every frame, as some loggers print them."""
    texts = []

    class Nosy(logging.Handler):
        def emit(self, record):
            if record.exc_info:
                told = traceback.TracebackException(*record.exc_info, capture_locals=True)
                texts.append("".join(told.format()))

    nosy = Nosy()
    log = logging.getLogger("nonebot_plugin_feishu_ws.gateway")
    log.addHandler(nosy)

    async def broken(_):
        raise RuntimeError("boom")

    connection = connect(platform, broken)
    peer = await platform.peer()
    assert await peer.ask(wire.data_frame()) == {"code": 500}
    from nonebot_plugin_feishu_ws.gateway import connection as module

    async def defect(endpoint, *args, **options):
        raise KeyError("defect")

    monkeypatch.setattr(module, "open_websocket", defect)
    peer.reset()
    await asyncio.wait_for(connection.wait_for(State.RECONNECTING), 5)
    await until(lambda: len(texts) >= 2)
    await connection.stop()
    log.removeHandler(nosy)
    assert "boom" in texts[0]
    assert "defect" in texts[1]
    told = "".join(texts)
    assert wire.SECRET not in told
    assert wire.TICKET not in told


def test_credentials_hide_their_secret():
    assert "canary" not in repr(Credentials("cli_a", "canary"))
