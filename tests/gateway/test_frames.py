"""What a gateway sends, and what it gets back."""

import asyncio
import base64
import json
from dataclasses import replace

import pytest

from nonebot_plugin_feishu_ws.gateway import Ack, Limits, State


async def test_event_reaches_the_handler_and_is_acked(platform, connect, inbox, wire):
    connect(platform, inbox)
    peer = await platform.peer()
    sent = wire.data_frame({"schema": "2.0"}, message_id="m-1", sum=1, seq=0)
    peer.send(sent)
    inbound = await inbox.next()
    assert (inbound.kind, inbound.message_id, inbound.trace_id) == ("event", "m-1", "t1")
    assert json.loads(inbound.payload) == {"schema": "2.0"}
    ack, body = await peer.ack()
    assert body == {"code": 200}
    headers = wire.headers_of(ack)
    assert int(headers.pop("biz_rt")) >= 0
    assert headers == wire.headers_of(sent)
    assert (ack.SeqID, ack.LogID, ack.service, ack.method) == (7, 9, 1, 1)


@pytest.mark.parametrize("kind", ["event", "card"])
async def test_callback_answer_is_base64_json(platform, connect, inboxes, wire, kind):
    answer = {"toast": {"type": "info", "content": "已收到"}}
    inbox = inboxes(Ack(data=answer))
    connect(platform, inbox)
    body = await (await platform.peer()).ask(wire.data_frame(kind=kind))
    assert (await inbox.next()).kind == kind
    assert body["code"] == 200
    assert json.loads(base64.b64decode(body["data"])) == answer


async def test_empty_callback_answer_is_an_answer(platform, connect, inboxes, wire):
    connect(platform, inboxes(Ack(data={})))
    body = await (await platform.peer()).ask(wire.data_frame())
    assert base64.b64decode(body["data"]) == b"{}"


@pytest.mark.parametrize(
    "answer",
    [
        RuntimeError("boom"),
        asyncio.CancelledError(),
        Ack(data={"not json": object()}),
        Ack(data={"x": float("nan")}),
        None,
    ],
)
async def test_failing_handler_is_acked_500_and_the_connection_lives(platform, connect, wire, answer):
    async def handler(inbound):
        if inbound.message_id == "bad":
            if isinstance(answer, BaseException):
                raise answer
            return answer
        return Ack()

    connection = connect(platform, handler)
    peer = await platform.peer()
    assert await peer.ask(wire.data_frame(message_id="bad")) == {"code": 500}
    assert await peer.ask(wire.data_frame(message_id="good")) == {"code": 200}
    assert connection.counters["failed"] == connection.counters["acked"] == 1


async def test_refused_event_is_acked_500(platform, connect, inboxes, wire):
    connect(platform, inboxes(Ack(500)))
    assert await (await platform.peer()).ask(wire.data_frame()) == {"code": 500}


async def test_unknown_event_type_is_acked_like_any(platform, connect, inbox, wire):
    connect(platform, inbox)
    payload = {"schema": "2.0", "header": {"event_type": "moon.landed_v9"}}
    assert await (await platform.peer()).ask(wire.data_frame(payload)) == {"code": 200}
    assert json.loads((await inbox.next()).payload) == payload


async def test_ids_above_2_53_and_unknown_fields_and_headers_come_back_exactly(
    platform, connect, inbox, wire
):
    connect(platform, inbox)
    peer = await platform.peer()
    sent = wire.data_frame(seq_id=2**64 - 1, log_id=2**53 + 1, instance_id="i1", new_header="kept")
    sent.payload_encoding, sent.payload_type, sent.LogIDNew = "none", "json", "log-new"
    unknown = b"\x9a\x06\x05later"  # field 99, length-delimited
    peer.send(sent.SerializeToString() + unknown)
    ack, _ = await peer.ack()
    assert (ack.SeqID, ack.LogID) == (2**64 - 1, 2**53 + 1)
    assert wire.headers_of(ack).items() >= wire.headers_of(sent).items()
    assert (ack.payload_encoding, ack.payload_type, ack.LogIDNew) == ("none", "json", "log-new")
    assert unknown in ack.SerializeToString()


async def test_event_in_the_segment_of_the_101(platform, connect, inbox, wire):
    first = wire.data_frame({"n": 1}, message_id="first").SerializeToString()
    platform.behind_101 = wire.encode_message(first) * 3
    connect(platform, inbox)
    peer = await platform.peer()
    for _ in range(3):
        assert (await inbox.next()).message_id == "first"
        assert (await peer.ack())[1] == {"code": 200}


@pytest.mark.parametrize(
    "order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3), (0, 0, 1, 1, 2, 2, 3, 3, 4)]
)
async def test_fragments_in_any_order_are_one_event_and_one_ack(platform, connect, inbox, wire, order):
    connect(platform, inbox)
    peer = await platform.peer()
    payload = json.dumps({"text": "飞书" * 500}).encode()
    parts = wire.fragments(payload, 5)
    peer.send(*(parts[index] for index in order), wire.data_frame(message_id="after"))
    assert (await inbox.next()).payload == payload
    ack, body = await peer.ack()
    assert body == {"code": 200}
    assert ack.SeqID == 100 + order[-1], "the completing frame is the one that is acked"
    assert (await inbox.next()).message_id == "after"
    assert (await peer.ack())[0].SeqID == 7


async def test_fragmented_event_sent_again_is_assembled_again_exactly_once(platform, connect, inbox, wire):
    connect(platform, inbox)
    peer = await platform.peer()
    parts = wire.fragments(b"x" * 999, 3, message_id="again")
    peer.send(*parts, *parts, wire.data_frame(message_id="after"))
    assert [(await inbox.next()).message_id for _ in range(3)] == ["again", "again", "after"]
    assert [(await peer.ack())[0].SeqID for _ in range(3)] == [102, 102, 7]


async def test_event_with_a_missing_fragment_is_dropped_without_an_ack(platform, connect, inbox, wire, until):
    connection = connect(platform, inbox, timings=replace(wire.QUICK, fragments=0.02, tick=0.01))
    peer = await platform.peer()
    parts = wire.fragments(b"x" * 999, 3, message_id="cut")
    peer.send(*parts[:2])
    await until(lambda: connection.counters.get("dropped_partials"))
    peer.send(parts[2])
    assert await peer.ask(wire.data_frame(message_id="after")) == {"code": 200}
    assert (await inbox.next()).message_id == "after"


GARBAGE = {
    "empty": b"",
    "random": bytes(range(256)),
    "truncated": None,
    "required field missing": b"\x08\x01",
    "unknown method": {"method": 7},
    "unknown type": {"kind": "telepathy"},
    "no type": {"kind": ""},
    "control event": {"method": 0},
    "type is not text": b"\x08\x01\x10\x01\x18\x01\x20\x01\x2a\x0b\x0a\x04type\x12\x03\xff\xfe\xfd",
    "id is not text": b"\x08\x01\x10\x01\x18\x01\x20\x01\x2a\x0d\x0a\x04type\x12\x05event"
    b"\x2a\x0f\x0a\x0amessage_id\x12\x01\xff",
    "sum is a word": {"sum": "many"},
    "sum is negative": {"sum": -3},
    "sum is huge": {"sum": 10**7, "seq": 3},
    "sum is absurd": {"sum": "9" * 5000, "seq": 3},
    "seq past sum": {"sum": 3, "seq": 3},
    "seq is negative": {"sum": 3, "seq": -1},
    "seq is a word": {"sum": 3, "seq": "two"},
    "fragment of nothing": {"sum": 3, "seq": 1, "message_id": ""},
    "too large": {"payload": b"x" * 70_000},
}


@pytest.mark.parametrize("junk", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_counted_and_survived(platform, connect, inbox, wire, junk):
    connection = connect(platform, inbox, limits=Limits(payload=65536))
    peer = await platform.peer()
    if junk is None:
        junk = wire.data_frame().SerializeToString()[:-3]
    peer.send(junk if isinstance(junk, bytes) else wire.data_frame(**junk))
    assert await peer.ask(wire.data_frame(message_id="after")) == {"code": 200}
    assert (await inbox.next()).message_id == "after"
    assert inbox.events.empty()
    counters = connection.counters
    assert counters.get("malformed_frames", 0) + counters.get("unknown_frames", 0) == 1
    assert connection.status.state is State.CONNECTED
    assert counters["connections"] == 1


async def test_text_message_is_counted_and_survived(platform, connect, wire):
    connection = connect(platform)
    peer = await platform.peer()
    peer.write(b"hello", wire.TEXT)
    assert await peer.ask(wire.data_frame()) == {"code": 200}
    assert connection.counters["malformed_frames"] == 1


async def test_message_beyond_the_websocket_bound_ends_the_link_not_the_bot(platform, connect, wire):
    connect(platform, limits=Limits(payload=1000))
    peer = await platform.peer()
    peer.send(wire.data_frame(b"x" * 200_000))
    peer = await platform.peer()
    assert await peer.ask(wire.data_frame()) == {"code": 200}


async def test_deep_json_is_the_handlers_business_and_a_deep_pong_is_ignored(platform, connect, inbox, wire):
    connection = connect(platform, inbox)
    peer = await platform.peer()
    peer.send(wire.pong_frame(b"[" * 10_000))
    assert await peer.ask(wire.data_frame(b"[" * 10_000)) == {"code": 200}
    assert connection.counters["malformed_frames"] == 1


async def test_garbage_is_logged_ever_more_rarely(platform, connect, wire, caplog):
    connect(platform)
    peer = await platform.peer()
    peer.send(*[b"\xff"] * 1000)
    await peer.ask(wire.data_frame())
    lines = [record for record in caplog.records if "malformed" in record.getMessage()]
    assert len(lines) == 10  # 1, 2, 4 ... 512


async def test_large_event_whole(platform, connect, inbox, wire):
    connect(platform, inbox)
    peer = await platform.peer()
    assert await peer.ask(wire.data_frame(b"x" * 100_000)) == {"code": 200}
    assert (await inbox.next()).payload == b"x" * 100_000


async def test_same_event_twice_is_handed_over_and_acked_twice(platform, connect, inbox, wire):
    """Telling that it is one event takes memory that outlives the process: the inbox's, not the gateway's."""
    connect(platform, inbox)
    peer = await platform.peer()
    for _ in range(2):
        assert await peer.ask(wire.data_frame(message_id="twice")) == {"code": 200}
        assert (await inbox.next()).message_id == "twice"


async def test_handlers_start_in_arrival_order_and_run_side_by_side(platform, connect, wire, until):
    started, gate = [], asyncio.Event()

    async def handler(inbound):
        started.append(int(inbound.message_id))
        await gate.wait()
        return Ack()

    connection = connect(platform, handler)
    peer = await platform.peer()
    peer.send(*(wire.data_frame(message_id=str(n), seq_id=n) for n in range(100)))
    await until(lambda: len(started) == 100)
    assert started == list(range(100))
    assert peer.acks.empty(), "an ack comes after its handler"
    gate.set()
    assert sorted([(await peer.ack())[0].SeqID for _ in range(100)]) == list(range(100))
    assert connection.counters["acked"] == 100


async def test_full_pool_holds_the_reader_back_not_the_link(platform, connect, wire):
    """Back-pressure: no more handlers than allowed, nothing lost, and the link not taken for dead."""
    running, most, gate = 0, 0, asyncio.Event()

    async def handler(_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1
        return Ack()

    timings = replace(wire.QUICK, idle_ping=0.02, pong=0.3, tick=0.05, min_ping=0.01)
    connection = connect(platform, handler, limits=Limits(running=4), timings=timings)
    peer = await platform.peer()
    peer.send(*(wire.data_frame(seq_id=n) for n in range(50)))
    for _ in range(30):  # twice as long as idle_ping + pong
        await asyncio.wait_for(peer.pings.get(), 5)
    assert connection.status.state is State.CONNECTED
    assert most == 4
    gate.set()
    assert sorted([(await peer.ack())[0].SeqID for _ in range(50)]) == list(range(50))
    assert most == 4
    assert connection.counters["connections"] == 1


async def test_handler_that_never_returns_is_cancelled_and_acked_500(platform, connect, wire):
    async def handler(inbound):
        if inbound.message_id == "stuck":
            await asyncio.Event().wait()
        return Ack()

    connect(platform, handler, limits=Limits(running=1), timings=replace(wire.QUICK, handler=0.05, tick=0.01))
    peer = await platform.peer()
    peer.send(wire.data_frame(message_id="stuck"), wire.data_frame(message_id="next"))
    assert [(await peer.ack())[1]["code"] for _ in range(2)] == [500, 200]
