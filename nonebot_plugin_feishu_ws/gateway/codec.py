"""Frames to and from bytes (feishu-facts.md, Wire).

The frame that came is the frame that goes back: ids, unknown fields and unknown headers stay as they are.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from google.protobuf.message import DecodeError

from .errors import FrameError
from .frame_pb2 import Frame


class Method(IntEnum):
    """`Frame.method`."""

    CONTROL = 0
    DATA = 1


@dataclass(slots=True)  # not frozen: that takes 0.4 µs longer to make
class Inbound:
    """One complete event or callback.

    Attributes:
        kind: the frame's `type`; card clicks come as either. Of a webhook `card` is the old card callback.
        payload: the JSON bytes, not parsed.
        message_id: the frame's, or the body's hash: the same when the platform pushes it again. Not an IM message's id.
        trace_id: for the platform's support; may be empty.
    """

    kind: Literal["event", "card"]
    payload: bytes = field(repr=False)
    message_id: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class Ack:
    """A handler's answer.

    Attributes:
        code: 200, or 500 for what Feishu should push again.
        data: a callback's response body (`{}` is one); None for plain events.
    """

    code: int = 200
    data: Mapping[str, object] | None = None


def decode(data: bytes) -> Frame:
    """Parse one binary WebSocket message.

    Raises:
        FrameError: it is none.
    """
    try:
        return Frame.FromString(data)
    except (DecodeError, UnicodeDecodeError):  # the latter from protobuf without its C part
        raise FrameError("not a frame") from None


Headers = Mapping[str, str | bytes]


def headers_of(frame: Frame) -> Headers:
    """The frame's headers. A value which is not UTF-8 stays `bytes`, as protobuf hands it out: see `text`."""
    return {header.key: header.value for header in frame.headers}


def text(headers: Headers, name: str) -> str:
    """A header's text, "" if it is missing.

    Raises:
        FrameError: it is not UTF-8.
    """
    value = headers.get(name, "")
    if not isinstance(value, str):
        raise FrameError(f"header {name} is not UTF-8")
    return value


def number(headers: Headers, name: str, default: int) -> int:
    """A header's whole number, `default` if it is missing.

    Raises:
        FrameError: it is none, or longer than any number that makes sense here.
    """
    value = text(headers, name)
    if not value:
        return default
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise FrameError(f"header {name} is not a number")
    return int(value)


def ping(service: int) -> bytes:
    """A ping. SeqID and LogID are 0, as in the official clients."""
    frame = Frame(SeqID=0, LogID=0, service=service, method=Method.CONTROL)
    frame.headers.add(key="type", value="ping")
    return frame.SerializeToString()


_PLAIN_PAYLOADS = {200: b'{"code":200}', 500: b'{"code":500}'}


def ack_payload(ack: Ack) -> bytes:
    """The ack's JSON.

    Raises:
        TypeError, ValueError: `ack.data` is not JSON.
    """
    if ack.data is None and ack.code in _PLAIN_PAYLOADS:
        return _PLAIN_PAYLOADS[ack.code]
    body: dict[str, object] = {"code": ack.code}
    if ack.data is not None:
        answer = json.dumps(ack.data, ensure_ascii=False, allow_nan=False).encode()
        body["data"] = base64.b64encode(answer).decode()
    return json.dumps(body, separators=(",", ":")).encode()


def encode_ack(frame: Frame, payload: bytes, elapsed: float) -> bytes:
    """Turn the frame that brought an event into its ack.

    Args:
        frame: the (completing) frame; it is changed.
        payload: see `ack_payload`.
        elapsed: seconds the handler took; sent as `biz_rt` in ms, never negative.
    """
    frame.headers.add(key="biz_rt", value=str(max(0, int(elapsed * 1000))))
    frame.payload = payload
    return frame.SerializeToString()
