"""The events: text messages to a group, the same for everybody."""

import json
import time

from feishu_sandbox.longconn.frames import event_frames

APP_ID, SECRET, BOT = "cli_a0b1c2d3e4f5a6b7", "s" * 32, "ou_bench_bot"
CHATS = 50
"""Groups they are written in, in turn."""
_NUMBER, _CHAT = "########", "@@"
_TEXT = "how is the weather today? " * 9


def _payload() -> bytes:
    now = str(round(time.time() * 1000))
    event = {
        "schema": "2.0",
        "header": {
            "event_id": f"ev_{_NUMBER}",
            "event_type": "im.message.receive_v1",
            "create_time": now,
            "token": "",
            "app_id": APP_ID,
            "tenant_key": "tenant",
        },
        "event": {
            "sender": {
                "sender_id": {"open_id": "ou_alice", "union_id": "on_alice", "user_id": "alice"},
                "sender_type": "user",
                "tenant_key": "tenant",
            },
            "message": {
                "message_id": f"om_{_NUMBER}",
                "create_time": now,
                "update_time": now,
                "chat_id": f"oc_{_CHAT}",
                "chat_type": "group",
                "message_type": "text",
                "content": json.dumps({"text": _TEXT}),
            },
        },
    }
    return json.dumps(event, separators=(",", ":")).encode()


class Frames:
    """Makes the frame of any number below 10⁸, quickly: only what differs is put into a frame made once."""

    def __init__(self) -> None:
        name = f"m{_NUMBER}"
        (frame,) = event_frames(
            _payload(), service=1, message_id=name, trace_id=f"t{_NUMBER}", frame_type="event", parts=1
        )
        self._frame = frame.SerializeToString()

    def of(self, number: int) -> bytes:
        """The frame, as the payload of a WebSocket message."""
        chat = b"%02d" % (number % CHATS)
        return self._frame.replace(_NUMBER.encode(), b"%08d" % number).replace(_CHAT.encode(), chat)

    @staticmethod
    def number(message_id: str) -> int:
        """Whose ack it is, by the frame's `message_id`."""
        return int(message_id[1:])
