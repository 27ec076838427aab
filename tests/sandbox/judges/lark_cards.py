"""lark_oapi's typed CardKit client as judge of the platform's card entities.

Arguments: platform URL, app id, app secret, receiver's open_id. Prints one JSON line per call.
"""

import json
import sys

import lark_oapi
from lark_oapi.api.cardkit.v1 import (
    BatchUpdateCardRequest,
    BatchUpdateCardRequestBody,
    Card,
    ContentCardElementRequest,
    ContentCardElementRequestBody,
    CreateCardElementRequest,
    CreateCardElementRequestBody,
    CreateCardRequest,
    CreateCardRequestBody,
    DeleteCardElementRequest,
    DeleteCardElementRequestBody,
    IdConvertCardRequest,
    IdConvertCardRequestBody,
    PatchCardElementRequest,
    PatchCardElementRequestBody,
    SettingsCardRequest,
    SettingsCardRequestBody,
    UpdateCardElementRequest,
    UpdateCardElementRequestBody,
    UpdateCardRequest,
    UpdateCardRequestBody,
)
from lark_oapi.api.im.v1 import CreateMessageRequest, CreateMessageRequestBody

domain, app_id, secret, receiver = sys.argv[1:]
client = lark_oapi.Client.builder().app_id(app_id).app_secret(secret).domain(domain).build()
kit = client.cardkit.v1


def judged(name, response):
    sys.stdout.write(json.dumps({"call": name, "code": response.code, "msg": response.msg}) + "\n")
    sys.stdout.flush()
    return getattr(response, "data", None)


def card(text, **config):
    body = {"elements": [{"tag": "markdown", "element_id": "text", "content": text}]}
    return json.dumps({"schema": "2.0", "config": {"update_multi": True, **config}, "body": body})


body = CreateCardRequestBody.builder().type("card_json").data(card("…", streaming_mode=True)).build()
card_id = judged("create", kit.card.create(CreateCardRequest.builder().request_body(body).build())).card_id

content = json.dumps({"type": "card", "data": {"card_id": card_id}})
body = (
    CreateMessageRequestBody.builder().receive_id(receiver).msg_type("interactive").content(content).build()
)
request = CreateMessageRequest.builder().receive_id_type("open_id").request_body(body).build()
message_id = judged("send", client.im.v1.message.create(request)).message_id

body = IdConvertCardRequestBody.builder().message_id(message_id).build()
converted = kit.card.id_convert(IdConvertCardRequest.builder().request_body(body).build())
assert judged("id_convert", converted).card_id == card_id


def element(request, body, sequence, **fields):
    """One operation on an element, or on the card where the request has no element_id."""
    made = body.builder().sequence(sequence).uuid(f"judge-{sequence}")
    for name, value in fields.items():
        made = getattr(made, name)(value)
    asked = request.builder().card_id(card_id)
    if hasattr(asked, "element_id"):
        asked = asked.element_id("line" if request is DeleteCardElementRequest else "text")
    return asked.request_body(made.build()).build()


judged(
    "content",
    kit.card_element.content(
        element(ContentCardElementRequest, ContentCardElementRequestBody, 1, content="streamed")
    ),
)
judged(
    "add",
    kit.card_element.create(
        element(
            CreateCardElementRequest,
            CreateCardElementRequestBody,
            2,
            type="append",
            elements='[{"tag":"hr","element_id":"line"}]',
        )
    ),
)
judged(
    "patch",
    kit.card_element.patch(
        element(
            PatchCardElementRequest, PatchCardElementRequestBody, 3, partial_element='{"content":"patched"}'
        )
    ),
)
judged(
    "replace",
    kit.card_element.update(
        element(
            UpdateCardElementRequest,
            UpdateCardElementRequestBody,
            4,
            element='{"tag":"markdown","element_id":"text","content":"replaced"}',
        )
    ),
)
judged(
    "delete",
    kit.card_element.delete(element(DeleteCardElementRequest, DeleteCardElementRequestBody, 5)),
)
judged(
    "settings",
    kit.card.settings(
        element(
            SettingsCardRequest, SettingsCardRequestBody, 6, settings='{"config":{"streaming_mode":false}}'
        )
    ),
)
actions = [
    {
        "action": "partial_update_element",
        "params": {"element_id": "text", "partial_element": {"content": "x"}},
    }
]
judged(
    "batch",
    kit.card.batch_update(
        element(BatchUpdateCardRequest, BatchUpdateCardRequestBody, 7, actions=json.dumps(actions))
    ),
)
whole = Card.builder().type("card_json").data(card("the end")).build()
judged("update", kit.card.update(element(UpdateCardRequest, UpdateCardRequestBody, 8, card=whole)))
