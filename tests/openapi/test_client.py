"""What each method sends, to the letter, and what it makes of the answer."""

import json
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from aiohttp import web

from nonebot_plugin_feishu_ws.openapi import (
    AnswerTooLarge,
    BotInfo,
    Chat,
    InvalidRequest,
    Member,
    ServerError,
    TooLarge,
    receive_id_type_of,
)
from nonebot_plugin_feishu_ws.openapi.media import file_type_of

# The response example of im-v1/message/create.
SENT = {
    "message_id": "om_dc13264520392913993dd051dba21dcf",
    "root_id": "om_40eb06e7b84dc71c03e009ad3c754195",
    "parent_id": "om_d4be107c616aed9c1da8ed8068570a9f",
    "thread_id": "omt_d4be107c616a",
    "msg_type": "interactive",
    "create_time": "1615380573411",
    "update_time": "1615380573412",
    "deleted": False,
    "updated": True,
    "chat_id": "oc_5ad11d72b830411d72b836c20",
    "sender": {"id": "cli_9f427eec54ae901b", "id_type": "app_id", "sender_type": "app", "tenant_key": "7365"},
    "body": {"content": '{"text":"@_user_1 test content"}'},
    "mentions": [
        {"key": "@_user_1", "id": "ou_155184d1e73cbfb8973e5a9e698e74f2", "id_type": "open_id", "name": "Tom"}
    ],
    "upper_message_id": "om_40eb06e7b84dc71c03e009ad3c754195",
}  # fmt: skip


def parts_of(call):
    head = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + call.body)
    return {part.get_param("name", header="Content-Disposition"): part for part in message.iter_parts()}


@pytest.mark.parametrize(
    ("receive_id", "kind"),
    [("oc_1", "chat_id"), ("ou_1", "open_id"), ("on_1", "union_id"), ("a@b.cn", "email"),
     ("4d7a3c6g", "user_id"), ("on_call@b.cn", "email")],
)  # fmt: skip
def test_kinds_of_receivers(receive_id, kind):
    assert receive_id_type_of(receive_id) == kind


async def test_send(platform, client, answers):
    platform.always(lambda: answers.ok(SENT))
    sent = await client.send_message("oc_1", "text", {"text": '你好 "x" 🎉'})
    (call,) = platform.calls
    assert (call.method, call.path, call.query) == (
        "POST", "/open-apis/im/v1/messages", {"receive_id_type": "chat_id"},
    )  # fmt: skip
    assert call.headers["Content-Type"] == "application/json; charset=utf-8"
    assert call.headers["Authorization"] == f"Bearer {platform.token}"
    assert "你好".encode() in call.body
    body = call.json
    assert body.pop("uuid").isalnum()
    assert body == {"receive_id": "oc_1", "msg_type": "text", "content": '{"text":"你好 \\"x\\" 🎉"}'}
    assert (sent.message_id, sent.chat_id, sent.thread_id, sent.create_time) == (
        SENT["message_id"], SENT["chat_id"], SENT["thread_id"], 1615380573411,
    )  # fmt: skip


async def test_send_takes_json_text_and_an_explicit_kind_of_receiver(platform, client, answers):
    platform.always(lambda: answers.ok(SENT))
    await client.send_message("abc", "text", '{"text": "as is"}', receive_id_type="union_id")
    (call,) = platform.calls
    assert call.query == {"receive_id_type": "union_id"}
    assert call.json["content"] == '{"text": "as is"}'


async def test_text_that_utf8_cannot_say(platform, client, answers):
    platform.always(lambda: answers.ok(SENT))
    await client.send_message("oc_1", "text", {"text": "a\ud83db"})
    assert json.loads(platform.calls[0].json["content"]) == {"text": "a?b"}


async def test_content_that_json_cannot_say(platform, client):
    with pytest.raises(ValueError, match="not JSON compliant"):
        await client.send_message("oc_1", "text", {"text": float("nan")})
    assert platform.calls == []


async def test_every_send_and_reply_has_a_uuid(platform, client, answers):
    platform.always(lambda: answers.ok(SENT))
    await client.send_message("oc_1", "text", {})
    await client.send_message("oc_1", "text", {})
    await client.reply_message("om_1", "text", {})
    await client.send_message("oc_1", "text", {}, uuid="x" * 50)
    await client.reply_message("om_1", "text", {}, uuid="mine")
    uuids = [call.json["uuid"] for call in platform.calls]
    assert len(set(uuids)) == 5
    assert all(1 <= len(uuid) <= 50 for uuid in uuids)
    assert uuids[3:] == ["x" * 50, "mine"]


@pytest.mark.parametrize("uuid", ["", "x" * 51])
async def test_a_uuid_feishu_would_not_take(platform, client, uuid):
    with pytest.raises(ValueError, match="uuid"):
        await client.send_message("oc_1", "text", {}, uuid=uuid)
    with pytest.raises(ValueError, match="uuid"):
        await client.reply_message("om_1", "text", {}, uuid=uuid)
    assert platform.calls == []


@pytest.mark.parametrize("in_thread", [False, True])
async def test_reply(platform, client, answers, in_thread):
    platform.always(lambda: answers.ok(SENT))
    sent = await client.reply_message("om_1", "post", {"zh_cn": {}}, in_thread=in_thread, uuid="u")
    (call,) = platform.calls
    assert (call.method, call.path) == ("POST", "/open-apis/im/v1/messages/om_1/reply")
    assert call.json == {
        "msg_type": "post", "content": '{"zh_cn":{}}', "reply_in_thread": in_thread, "uuid": "u",
    }  # fmt: skip
    assert sent.root_id == SENT["root_id"]


async def test_update_card_edit_delete(platform, client):
    await client.update_card("om_1", {"schema": "2.0"})
    await client.edit_message("om_1", "text", {"text": "x"})
    await client.delete_message("om_1")
    patch, put, delete = platform.calls
    assert {call.path for call in platform.calls} == {"/open-apis/im/v1/messages/om_1"}
    assert (patch.method, patch.json) == ("PATCH", {"content": '{"schema":"2.0"}'})
    assert (put.method, put.json) == ("PUT", {"msg_type": "text", "content": '{"text":"x"}'})
    assert (delete.method, delete.body) == ("DELETE", b"")


async def test_update_card_by_token(platform, client):
    await client.update_card_by_token("c-1", {"elements": []})
    (call,) = platform.calls
    assert (call.method, call.path) == ("POST", "/open-apis/interactive/v1/card/update")
    assert call.json == {"token": "c-1", "card": {"elements": []}}


async def test_get_message(platform, client, answers):
    bare = {
        "message_id": "om_2",
        "thread_id": None,
        "mentions": None,
        "sender": {"id": None, "sender_type": "anonymous"},
    }
    platform.always(lambda: answers.ok({"items": [SENT, bare]}))
    message, other = await client.get_message("om_1")
    assert (platform.calls[0].method, platform.calls[0].path) == ("GET", "/open-apis/im/v1/messages/om_1")
    assert message.content == '{"text":"@_user_1 test content"}'
    assert message.sender.id == "cli_9f427eec54ae901b"
    assert message.mentions[0].name == "Tom"
    assert message.updated
    assert (other.thread_id, other.mentions, other.content, other.sender.id) == ("", (), "", "")
    platform.always(lambda: answers.ok({}))
    assert await client.get_message("om_1") == ()


async def test_reactions(platform, client, answers):
    platform.always(lambda: answers.ok({"reaction_id": "ZCaC/5L-3+T="}))
    reaction = await client.add_reaction("om_1", "Typing")
    await client.remove_reaction("om_1", reaction)
    add, remove = platform.calls
    assert (add.method, add.path) == ("POST", "/open-apis/im/v1/messages/om_1/reactions")
    assert add.json == {"reaction_type": {"emoji_type": "Typing"}}
    assert (remove.method, remove.path) == (
        "DELETE", "/open-apis/im/v1/messages/om_1/reactions/ZCaC%2F5L-3%2BT%3D",
    )  # fmt: skip


async def test_bot_info(platform, client, answers):
    # The response example of bot/v3/info: no `data`.
    bot = {
        "activate_status": 2,
        "app_name": "name",
        "avatar_url": "https://a",
        "ip_white_list": [],
        "open_id": "ou_e",
    }
    platform.always(lambda: web.json_response({"code": 0, "msg": "ok", "bot": bot}))
    assert await client.bot_info() == BotInfo(
        open_id="ou_e", app_name="name", avatar_url="https://a", activate_status=2
    )
    assert platform.calls[0].path == "/open-apis/bot/v3/info"


async def test_online_instance_count(platform, client, answers):
    platform.always(lambda: answers.ok({"online_instance_cnt": 3}))
    assert await client.online_instance_count() == 3
    assert platform.calls[0].path == "/open-apis/event/v1/connection"


async def test_get_chat(platform, client, answers):
    platform.always(
        lambda: answers.ok(
            {"name": "测试", "chat_mode": "topic", "user_count": "3", "bot_count": "1", "avatar": None}
        )
    )
    assert await client.get_chat("oc_1") == Chat(name="测试", chat_mode="topic", user_count=3, bot_count=1)
    assert platform.calls[0].path == "/open-apis/im/v1/chats/oc_1"


async def test_all_pages_of_members(platform, client, answers):
    pages = {
        None: {"items": [{"member_id": "ou_1", "name": "A"}], "has_more": True, "page_token": "p2"},
        "p2": {"items": [], "has_more": True, "page_token": "p3"},
        "p3": {"items": [{"member_id": "ou_2", "name": None}], "has_more": False, "page_token": "p4"},
    }

    async def reply(_, call):
        return answers.ok(pages[call.query.get("page_token")])

    platform.reply = reply
    members = [member async for member in client.list_chat_members("oc_1", page_size=1)]
    assert members == [Member(member_id="ou_1", name="A"), Member(member_id="ou_2")]
    assert platform.calls[0].path == "/open-apis/im/v1/chats/oc_1/members"
    assert platform.calls[0].query == {"member_id_type": "open_id", "page_size": "1"}


async def test_pages_that_go_in_a_circle_end(platform, client, answers):
    platform.always(
        lambda: answers.ok({"items": [{"member_id": "ou_1"}], "has_more": True, "page_token": "p"})
    )
    assert len([member async for member in client.list_chat_members("oc_1")]) == 2


async def test_upload_image(platform, client, answers):
    platform.always(lambda: answers.ok({"image_key": "img_v3_1"}))
    assert await client.upload_image(b"\x89PNG\r\n--") == "img_v3_1"
    (call,) = platform.calls
    assert (call.method, call.path) == ("POST", "/open-apis/im/v1/images")
    parts = parts_of(call)
    assert parts["image_type"].get_content().strip() == "message"
    assert parts["image"].get_payload(decode=True) == b"\x89PNG\r\n--"


async def test_upload_file_survives_a_refused_token(platform, client, answers):
    await client.tenant_access_token()
    platform.revoked = {platform.token}
    platform.token = "t-canary-token-2"
    platform.always(lambda: answers.ok({"file_key": "file_v3_1"}))
    assert await client.upload_file(b"sound", '录音 "1".OPUS', duration=3000) == "file_v3_1"
    refused, call = platform.calls
    assert call.path == "/open-apis/im/v1/files"
    assert b"sound" in refused.body
    parts = parts_of(call)
    assert parts["file_type"].get_content().strip() == "opus"
    assert parts["file_name"].get_content().strip() == '录音 "1".OPUS'
    assert parts["duration"].get_content().strip() == "3000"
    assert parts["file"].get_payload(decode=True) == b"sound"
    assert "录音 _1_.OPUS".encode() in call.body


async def test_a_file_name_cannot_write_headers(platform, client, answers):
    platform.always(lambda: answers.ok({"file_key": "k"}))
    await client.upload_file(b"x", 'a"\r\nX-Evil: 1\r\n\r\nb', file_type="pdf")
    part = parts_of(platform.calls[0])["file"]
    assert "X-Evil" not in part
    assert part.get_payload(decode=True) == b"x"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.opus", "opus"), ("a.MP4", "mp4"), ("a.b.pdf", "pdf"), ("a.docx", "doc"), ("a.xlsx", "xls"),
     ("a.pptx", "ppt"), ("a.mp3", "stream"), ("pdf", "stream"), (".pdf", "stream"), ("", "stream")],
)  # fmt: skip
def test_file_types(name, kind):
    assert file_type_of(name) == kind


async def test_download(platform, client):
    headers = {"Content-Disposition": "attachment; filename*=UTF-8''%E6%8A%A5%E5%91%8A.pdf"}
    platform.always(lambda: web.Response(body=b"%PDF", headers=headers, content_type="application/pdf"))
    download = await client.download_resource("om_1", "file_v3_a", "file")
    assert (download.content, download.content_type, download.file_name) == (
        b"%PDF",
        "application/pdf",
        "报告.pdf",
    )
    (call,) = platform.calls
    assert (call.path, call.query) == ("/open-apis/im/v1/messages/om_1/resources/file_v3_a", {"type": "file"})


async def test_a_download_without_any_headers_to_go_by(platform, client):
    platform.always(lambda: web.Response(body=b"\x00\x01", headers={"Content-Type": ""}))
    download = await client.download_resource("om_1", "img_1", "image")
    assert (download.content, download.file_name) == (b"\x00\x01", "")


async def test_a_json_file_is_not_taken_for_a_refusal(platform, client):
    body = b'{"code": 230001, "msg": "in a file"}'
    headers = {"Content-Disposition": 'attachment; filename="a.json"'}
    platform.always(lambda: web.Response(body=body, headers=headers, content_type="application/json"))
    assert (await client.download_resource("om_1", "k", "file")).content == body


@pytest.mark.parametrize("status", [200, 400])
async def test_a_refused_download(platform, client, answers, status):
    platform.always(lambda: answers.refusal(234037, status=status))
    with pytest.raises(TooLarge):
        await client.download_resource("om_1", "k", "file")
    platform.always(lambda: answers.refusal(234003, status=status))
    with pytest.raises(InvalidRequest):
        await client.download_resource("om_1", "k", "file")


@pytest.mark.parametrize("status", [200, 400])
async def test_a_download_renews_a_refused_token(platform, client, status):
    await client.tenant_access_token()
    platform.revoked, platform.refuse_with = {platform.token}, (99991663, status)
    platform.token = "t-canary-token-2"
    platform.always(lambda: web.Response(body=b"ok"))
    assert (await client.download_resource("om_1", "k", "file")).content == b"ok"


async def test_a_download_stays_within_its_bound(platform, client):
    platform.always(lambda: web.Response(body=b"x" * 2000))
    assert len((await client.download_resource("om_1", "k", "file", max_bytes=2000)).content) == 2000
    with pytest.raises(AnswerTooLarge) as caught:
        await client.download_resource("om_1", "k", "file", max_bytes=1999)
    assert caught.value.limit == 1999


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.send_message("oc_1", "text", {}),
        lambda client: client.reply_message("om_1", "text", {}),
        lambda client: client.add_reaction("om_1", "OK"),
        lambda client: client.upload_image(b"x"),
        lambda client: client.upload_file(b"x", "a.txt"),
        lambda client: client.bot_info(),
        lambda client: client.online_instance_count(),
    ],
)
@pytest.mark.parametrize("data", [None, {}, [], "text", {"message_id": 7.5, "reaction_id": [], "items": 1}])
async def test_a_success_without_what_it_promised(platform, client, call, data):
    platform.always(lambda: web.json_response({"code": 0, "data": data, "bot": data}))
    if isinstance(data, dict) and data:
        data.pop("message_id", None)
    with pytest.raises(ServerError, match="code 0, but"):
        await call(client)


@pytest.mark.parametrize("bad", ["", ".", ".."])
async def test_ids_that_would_change_the_path(platform, client, bad):
    for call in (
        client.delete_message(bad),
        client.reply_message(bad, "text", {}),
        client.remove_reaction("om_1", bad),
        client.get_chat(bad),
        client.download_resource("om_1", bad, "file"),
    ):
        with pytest.raises(ValueError, match=r"an id is empty|not an API path"):
            await call
    assert platform.calls == []
