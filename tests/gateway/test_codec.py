"""Any bytes in, the same frame out."""

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feishu_sandbox.longconn import Frame as TheirFrame
from nonebot_plugin_feishu_ws.gateway import Ack
from nonebot_plugin_feishu_ws.gateway.codec import (
    ack_payload,
    decode,
    encode_ack,
    headers_of,
    number,
    ping,
    text,
)
from nonebot_plugin_feishu_ws.gateway.errors import FrameError

uint64 = st.integers(0, 2**64 - 1)
int32 = st.integers(-(2**31), 2**31 - 1)
words = st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def their_frames(draw):
    """Frames as the sandbox's own description of them writes them."""
    frame = TheirFrame(
        SeqID=draw(uint64),
        LogID=draw(uint64),
        service=draw(int32),
        method=draw(int32),
        payload=draw(st.binary()),
    )
    frame.payload = draw(st.binary())
    for key, value in draw(st.lists(st.tuples(words, words), max_size=5)):
        frame.headers.add(key=key, value=value)
    if draw(st.booleans()):
        frame.payload_encoding, frame.payload_type, frame.LogIDNew = draw(words), draw(words), draw(words)
    return frame


@example(theirs=TheirFrame(SeqID=2**64 - 1, LogID=2**53 + 1, service=1, method=1), elapsed=-0.5, payload=b"")
@given(their_frames(), st.floats(-1, 1e6), st.binary(max_size=30))
def test_ack_is_the_frame_with_biz_rt_and_payload(theirs, elapsed, payload):
    acked = TheirFrame.FromString(encode_ack(decode(theirs.SerializeToString()), payload, elapsed))
    biz_rt = acked.headers.pop()
    assert biz_rt.key == "biz_rt"
    assert int(biz_rt.value) == max(0, int(elapsed * 1000))
    theirs.payload = payload
    assert acked == theirs


@given(their_frames(), st.binary(min_size=1, max_size=40))
def test_unknown_fields_survive(theirs, data):
    unknown = b"\xa2\x06" + bytes([len(data)]) + data  # field 100
    ack = encode_ack(decode(theirs.SerializeToString() + unknown), b"{}", 0)
    assert unknown in ack


@given(st.one_of(st.binary(max_size=200), their_frames().map(lambda frame: frame.SerializeToString()[:-1])))
def test_any_bytes_are_a_frame_or_a_frame_error(data):
    try:
        frame = decode(data)
        headers = headers_of(frame)
        for name in ("type", "sum", "seq", "message_id"):
            text(headers, name)
            number(headers, name, 1)
    except FrameError:
        pass


@pytest.mark.parametrize("cut", ["SeqID", "LogID", "service", "method"])
def test_what_is_missing_stays_missing(cut):
    sent = TheirFrame(SeqID=1, LogID=2, service=3, method=1)
    sent.ClearField(cut)
    acked = TheirFrame()
    acked.MergeFromString(encode_ack(decode(sent.SerializePartialToString()), b"{}", 0))
    assert not acked.HasField(cut)
    assert len(acked.ListFields()) == 5


@pytest.mark.parametrize(
    ("value", "expected"), [("3", 3), ("-1", -1), ("", 9), ("0", 0), ("9" * 10, 9999999999)]
)
def test_number(value, expected):
    assert number({"n": value}, "n", 9) == expected


@pytest.mark.parametrize("value", ["1_0", "٣", "1.0", " 1", "0x1", "1" * 11, "--1", "-", b"1"])
def test_no_number(value):
    with pytest.raises(FrameError):
        number({"n": value}, "n", 9)


def test_missing_number():
    assert number({}, "n", 9) == 9


def test_ping():
    frame = TheirFrame.FromString(ping(33554678))
    assert (frame.SeqID, frame.LogID, frame.service, frame.method) == (0, 0, 33554678, 0)
    assert frame.HasField("SeqID")
    assert [(header.key, header.value) for header in frame.headers] == [("type", "ping")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner) | st.dictionaries(words, inner),
)


@given(st.sampled_from([200, 500]), st.none() | st.dictionaries(words, json_values, max_size=4))
def test_ack_payload(code, data):
    body = json.loads(ack_payload(Ack(code, data)))
    assert body.pop("code") == code
    assert (json.loads(base64.b64decode(body.pop("data"))) if data is not None else None) == data
    assert not body
