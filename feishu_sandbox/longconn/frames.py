"""Frames of the long connection (facts, "Frame"): what the platform sends, and reading what clients send."""

import secrets
import time
from collections.abc import Mapping
from typing import Literal

from .frames_pb2 import Frame

CONTROL = 0
DATA = 1


def headers_of(frame: Frame) -> dict[str, str]:
    return {header.key: header.value for header in frame.headers}


def pong(service: int, payload: bytes) -> Frame:
    """The answer to a ping; the payload, if any, is the ClientConfig (facts, "Frame")."""
    return _frame(service, CONTROL, {"type": "pong"}, payload)


def event_frames(
    payload: bytes,
    *,
    service: int,
    message_id: str,
    trace_id: str,
    frame_type: Literal["event", "card"],
    parts: int,
    send: tuple[int, ...] | None = None,
    claimed_sum: int | None = None,
) -> list[Frame]:
    """One event as data frames: ``parts`` fragments, of which those of ``send`` in that order.

    All frames of an event share SeqID and LogID, full 64-bit numbers that a client must echo exactly.
    """
    size = -(-len(payload) // parts) or 1
    seq_id, log_id = secrets.randbits(64) | 1 << 63, secrets.randbits(64) | 1 << 63
    frames: list[Frame] = []
    for seq in range(parts) if send is None else send:
        headers = {
            "type": frame_type,
            "message_id": message_id,
            "sum": str(parts if claimed_sum is None else claimed_sum),
            "seq": str(seq),
            "trace_id": trace_id,
            "timestamp": str(round(time.time() * 1000)),
        }
        frame = _frame(service, DATA, headers, payload[seq * size : (seq + 1) * size])
        frame.SeqID, frame.LogID = seq_id, log_id
        frames.append(frame)
    return frames


def _frame(service: int, method: int, headers: Mapping[str, str], payload: bytes) -> Frame:
    frame = Frame(SeqID=0, LogID=0, service=service, method=method, payload=payload)
    for key, value in headers.items():
        frame.headers.add(key=key, value=value)
    return frame
