"""Feishu's own Python SDK: `lark_oapi.ws.Client`."""

import os

import lark_oapi

from ..children import settings
from ..frames import APP_ID, SECRET
from .tally import Tally

tally = Tally(lambda: os._exit(0))  # it cannot be stopped


def on_message(event: lark_oapi.im.v1.P2ImMessageReceiveV1) -> None:
    assert event.header is not None
    tally(event.header.event_id)


handler = lark_oapi.EventDispatcherHandler.builder("", "").register_p2_im_message_receive_v1(on_message)
lark_oapi.ws.Client(
    APP_ID,
    SECRET,
    event_handler=handler.build(),
    domain=settings()["url"],
    log_level=lark_oapi.LogLevel.WARNING,
).start()
