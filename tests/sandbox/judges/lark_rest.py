"""lark_oapi's REST client as judge of the platform's REST side.

Arguments: platform URL, app id, app secret, receiver's open_id. Prints one JSON line per call.
"""

import io
import json
import sys

import lark_oapi
from lark_oapi.api.im.v1 import (
    CreateFileRequest,
    CreateFileRequestBody,
    CreateImageRequest,
    CreateImageRequestBody,
    CreateMessageReactionRequest,
    CreateMessageReactionRequestBody,
    CreateMessageRequest,
    CreateMessageRequestBody,
    DeleteMessageReactionRequest,
    Emoji,
    GetMessageRequest,
    GetMessageResourceRequest,
    PatchMessageRequest,
    PatchMessageRequestBody,
    ReplyMessageRequest,
    ReplyMessageRequestBody,
)

domain, app_id, secret, receiver = sys.argv[1:]
client = lark_oapi.Client.builder().app_id(app_id).app_secret(secret).domain(domain).build()
im = client.im.v1


def judged(name, response):
    sys.stdout.write(json.dumps({"call": name, "code": response.code, "msg": response.msg}) + "\n")
    sys.stdout.flush()
    return getattr(response, "data", None)


def send(msg_type, content):
    body = CreateMessageRequestBody.builder().receive_id(receiver).msg_type(msg_type).content(content).build()
    request = CreateMessageRequest.builder().receive_id_type("open_id").request_body(body).build()
    return judged(f"send {msg_type}", im.message.create(request))


sent = send("text", '{"text":"hello"}')

body = (
    ReplyMessageRequestBody.builder().msg_type("text").content('{"text":"re"}').reply_in_thread(True).build()
)
request = ReplyMessageRequest.builder().message_id(sent.message_id).request_body(body).build()
replied = judged("reply", im.message.reply(request))
assert replied.parent_id == sent.message_id
assert replied.thread_id

emoji = Emoji.builder().emoji_type("OK").build()
body = CreateMessageReactionRequestBody.builder().reaction_type(emoji).build()
request = CreateMessageReactionRequest.builder().message_id(sent.message_id).request_body(body).build()
reaction = judged("react", im.message_reaction.create(request))
request = (
    DeleteMessageReactionRequest.builder()
    .message_id(sent.message_id)
    .reaction_id(reaction.reaction_id)
    .build()
)
judged("unreact", im.message_reaction.delete(request))

body = CreateImageRequestBody.builder().image_type("message").image(io.BytesIO(b"\x89PNG picture")).build()
image = judged("upload image", im.image.create(CreateImageRequest.builder().request_body(body).build()))
body = (
    CreateFileRequestBody.builder()
    .file_type("stream")
    .file_name("报告.txt")
    .file(io.BytesIO(b"numbers"))
    .build()
)
file = judged("upload file", im.file.create(CreateFileRequest.builder().request_body(body).build()))
send("image", json.dumps({"image_key": image.image_key}))
with_file = send("file", json.dumps({"file_key": file.file_key}))
request = (
    GetMessageResourceRequest.builder()
    .message_id(with_file.message_id)
    .file_key(file.file_key)
    .type("file")
    .build()
)
resource = im.message_resource.get(request)
judged("download", resource)
assert resource.file.read() == b"numbers"
assert resource.file_name == "报告.txt", resource.file_name

card = {"config": {"update_multi": True}, "elements": [{"tag": "hr"}]}
sent_card = send("interactive", json.dumps(card))
body = PatchMessageRequestBody.builder().content(json.dumps(card)).build()
request = PatchMessageRequest.builder().message_id(sent_card.message_id).request_body(body).build()
judged("patch", im.message.patch(request))

got = judged("get", im.message.get(GetMessageRequest.builder().message_id(sent.message_id).build()))
assert json.loads(got.items[0].body.content) == {"text": "hello"}
assert got.items[0].sender.id == app_id
