"""lark_oapi's long connection client, in a process of its own (it owns a global loop).

Arguments: platform URL, app id, app secret. Prints one JSON line per event.
"""

import json
import sys

import lark_oapi
from lark_oapi.api.im.v1 import P2ImMessageReceiveV1
from lark_oapi.event.callback.model.p2_card_action_trigger import (
    P2CardActionTrigger,
    P2CardActionTriggerResponse,
)


def tell(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def on_message(event: P2ImMessageReceiveV1) -> None:
    message = event.event.message
    tell(
        message_id=message.message_id,
        content=message.content,
        sender=event.event.sender.sender_id.open_id,
        mentions=[mention.id.open_id for mention in message.mentions or ()],
        token=event.header.token,
    )


def on_click(event: P2CardActionTrigger) -> P2CardActionTriggerResponse:
    tell(clicked=event.event.action.value, on=event.event.context.open_message_id)
    return P2CardActionTriggerResponse(
        {
            "toast": {"type": "success", "content": "from lark_oapi"},
            "card": {"type": "raw", "data": {"elements": [{"tag": "hr"}]}},
        }
    )


domain, app_id, secret = sys.argv[1:]
handler = (
    lark_oapi.EventDispatcherHandler.builder("", "")
    .register_p2_im_message_receive_v1(on_message)
    .register_p2_card_action_trigger(on_click)
    .build()
)
lark_oapi.ws.Client(app_id, secret, event_handler=handler, domain=domain).start()
