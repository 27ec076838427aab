"""lark-channel-sdk's long connection: `lark_channel.ws.Client`."""

import os
from typing import Any

from lark_channel.core.enum import LogLevel
from lark_channel.event.dispatcher_handler import EventDispatcherHandler
from lark_channel.ws import Client

from ..children import settings
from ..frames import APP_ID, SECRET
from .tally import Tally

tally = Tally(lambda: os._exit(0))  # it cannot be stopped


def on_message(event: Any) -> None:
    tally(event.header.event_id)


handler = EventDispatcherHandler.builder("", "").register_p2_im_message_receive_v1(on_message)
Client(
    APP_ID,
    SECRET,
    event_handler=handler.build(),
    domain=settings()["url"],
    log_level=LogLevel.WARNING,
).start()
