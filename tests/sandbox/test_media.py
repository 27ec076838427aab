"""Uploads and downloads, reactions, chats (facts, "Messages")."""

import io
import json

import aiohttp
import pytest


def form(**fields):
    data = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        if isinstance(value, bytes):
            data.add_field(name, io.BytesIO(value), filename="报告.bin", content_type="image/png")
        else:
            data.add_field(name, value)
    return data


async def test_an_image_and_a_file_go_up_into_a_message_and_down(company):
    client = company.client
    image = await client.call("POST", "/im/v1/images", data=form(image_type="message", image=b"\x89PNG\xff"))
    file = await client.call(
        "POST", "/im/v1/files", data=form(file_type="stream", file_name="a.txt", file=b"text")
    )
    image_key, file_key = image["data"]["image_key"], file["data"]["file_key"]
    picture = await client.sent(company.direct.chat_id, {"image_key": image_key}, "image")
    for message_id, key, kind, data in (
        (picture, image_key, "image", b"\x89PNG\xff"),
        (
            await client.sent(company.direct.chat_id, {"file_key": file_key}, "file"),
            file_key,
            "file",
            b"text",
        ),
    ):
        url = f"{company.sandbox.url}/open-apis/im/v1/messages/{message_id}/resources/{key}?type={kind}"
        async with client.http.get(url, headers={"Authorization": f"Bearer {client.token}"}) as response:
            assert await response.read() == data
            assert "filename" in response.headers["Content-Disposition"]
    wrong = await client.call("GET", f"/im/v1/messages/{picture}/resources/{file_key}?type=file")
    assert wrong["code"] == 234003
    assert (await client.call("GET", f"/im/v1/messages/{picture}/resources/{image_key}"))["code"] == 99992402
    await client.call("DELETE", f"/im/v1/messages/{picture}")
    gone = await client.call("GET", f"/im/v1/messages/{picture}/resources/{image_key}?type=image")
    assert gone["code"] == 234003


async def test_what_a_user_sends_can_be_downloaded(company):
    resource = company.world.add_resource(company.ada, "file", b"mine", "mine.txt", "text/plain")
    content = {"file_key": resource.key, "file_name": resource.name}
    message = await company.world.say(company.ada, company.direct, msg_type="file", content=content)
    await company.client.login()
    url = f"{company.sandbox.url}/open-apis/im/v1/messages/{message.message_id}/resources/{resource.key}?type=file"
    headers = {"Authorization": f"Bearer {company.client.token}"}
    async with company.client.http.get(url, headers=headers) as response:
        assert await response.read() == b"mine"


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("images", {"image_type": "message", "image": b""}, 234010),
        ("images", {"image_type": "message"}, 234001),
        ("images", {"image_type": "wall", "image": b"x"}, 234001),
        ("images", {"image_type": "message", "image": b"x" * (10 * 2**20 + 1)}, 234006),
        ("files", {"file_type": "exe", "file_name": "a", "file": b"x"}, 234001),
    ],
)
async def test_uploads_that_are_refused(company, path, fields, code):
    answer = await company.client.call("POST", f"/im/v1/{path}", data=form(**fields))
    assert answer["code"] == code


async def test_an_upload_that_is_no_form(company):
    assert (await company.client.call("POST", "/im/v1/images", {"image": "x"}))["code"] == 234001


async def test_reactions(company):
    message = await company.world.say(company.ada, company.direct, "x")
    path = f"/im/v1/messages/{message.message_id}/reactions"
    added = await company.client.call("POST", path, {"reaction_type": {"emoji_type": "Typing"}})
    assert added["data"]["operator"] == {"operator_id": company.app.app_id, "operator_type": "app"}
    theirs = await company.world.react(company.ada, message.message_id, "OK")
    listed = (await company.client.call("GET", path))["data"]["items"]
    assert [item["reaction_type"]["emoji_type"] for item in listed] == ["Typing", "OK"]
    assert listed[1]["operator"]["operator_id"] == company.ada.open_id(company.app)
    only = await company.client.call("GET", f"{path}?reaction_type=OK")
    assert len(only["data"]["items"]) == 1
    assert (await company.client.call("DELETE", f"{path}/{theirs.reaction_id}"))["code"] == 231007
    own = f"{path}/{added['data']['reaction_id']}"
    assert (await company.client.call("DELETE", own))["code"] == 0
    assert (await company.client.call("DELETE", own))["code"] == 230001
    assert message.reactions == [theirs]


async def test_reactions_that_are_refused(company):
    message = await company.world.say(company.ada, company.direct, "x")
    ok = {"reaction_type": {"emoji_type": "OK"}}
    company.world.recall(await company.world.say(company.ada, company.direct, "gone"))
    gone = company.world.messages_in(company.direct)[-1]
    for target, body, code in (
        (message.message_id, {"reaction_type": {"emoji_type": "NOPE"}}, 231001),
        (message.message_id, {"reaction_type": "OK"}, 231001),
        ("om_unknown", ok, 231003),
        ("c-token", ok, 99992354),
        (gone.message_id, ok, 231011),
    ):
        answer = await company.client.call("POST", f"/im/v1/messages/{target}/reactions", body)
        assert answer["code"] == code


async def test_chats_and_their_members(company):
    group = company.group.chat_id
    info = (await company.client.call("GET", f"/im/v1/chats/{group}"))["data"]
    assert (info["name"], info["chat_mode"], info["user_count"], info["bot_count"]) == (
        "Team",
        "group",
        "2",
        "1",
    )
    direct = (await company.client.call("GET", f"/im/v1/chats/{company.direct.chat_id}"))["data"]
    assert direct["chat_mode"] == "p2p"
    listed = (await company.client.call("GET", "/im/v1/chats"))["data"]["items"]
    assert [chat["chat_id"] for chat in listed] == [group]
    members = (await company.client.call("GET", f"/im/v1/chats/{group}/members"))["data"]
    assert members["member_total"] == 2
    assert {m["member_id"] for m in members["items"]} == {
        company.ada.open_id(company.app),
        company.ben.open_id(company.app),
    }
    elsewhere = company.world.add_group("Elsewhere", [company.ada])
    assert (await company.client.call("GET", f"/im/v1/chats/{elsewhere.chat_id}"))["code"] == 232011
    assert (await company.client.call("GET", "/im/v1/chats/oc_none"))["code"] == 232006


async def test_a_card_is_read_back_as_its_summary(company, card):
    message_id = await company.client.sent(company.direct.chat_id, card, "interactive")
    item = (await company.client.call("GET", f"/im/v1/messages/{message_id}"))["data"]["items"][0]
    summary = json.loads(item["body"]["content"])
    assert summary["title"] == "Deploy?"
    assert summary["elements"] == [[{"tag": "button", "text": "", "type": "default"}]]
