"""Sending, replying, reading, editing, recalling (facts, "Messages" and limits table)."""

import json

import pytest


async def test_a_text_arrives_and_can_be_read_back(company):
    at = company.ada.open_id(company.app)
    message_id = await company.client.sent(
        company.group.chat_id, {"text": f'<at user_id="{at}">Ada</at> and <at user_id="all"></at> hi'}
    )
    message = company.world.messages[message_id]
    assert message.content == {"text": "@_user_1 and @_all hi"}
    assert message.text == "@Ada and @所有人 hi"
    assert message.sender is company.app
    item = (await company.client.call("GET", f"/im/v1/messages/{message_id}"))["data"]["items"][0]
    assert item["sender"] == {
        "id": company.app.app_id,
        "id_type": "app_id",
        "sender_type": "app",
        "tenant_key": item["sender"]["tenant_key"],
    }
    assert json.loads(item["body"]["content"]) == message.content
    assert item["mentions"][0]["id"] == at
    assert item["chat_id"] == company.group.chat_id
    assert (item["deleted"], item["updated"]) == (False, False)


@pytest.mark.parametrize("kind", ["open_id", "user_id", "union_id", "email", "chat_id"])
async def test_receivers_of_every_kind_meet_in_the_direct_chat(company, kind):
    ada = company.ada
    receive_id = {
        "open_id": ada.open_id(company.app),
        "user_id": ada.user_id,
        "union_id": ada.union_id,
        "email": ada.email,
        "chat_id": company.direct.chat_id,
    }[kind]
    body = {"receive_id": receive_id, "msg_type": "text", "content": '{"text":"x"}'}
    answer = await company.client.call("POST", f"/im/v1/messages?receive_id_type={kind}", body)
    assert answer["data"]["chat_id"] == company.direct.chat_id


async def test_an_open_id_of_another_app_is_nobody(company):
    other = company.world.add_app("Other")
    answer = await company.client.send(company.ada.open_id(other), {"text": "x"})
    assert answer["code"] == 230001
    assert "ext=invalid receive_id" in answer["msg"]


async def test_replies_keep_root_and_parent(company):
    asked = await company.world.say(company.ada, company.group, "1")
    first = await reply(company, asked.message_id, "2")
    second = await reply(company, first["message_id"], "3")
    assert (first["root_id"], first["parent_id"]) == (asked.message_id, asked.message_id)
    assert (second["root_id"], second["parent_id"]) == (asked.message_id, first["message_id"])
    assert "thread_id" not in second


async def test_a_reply_in_thread_opens_one(company):
    asked = await company.world.say(company.ada, company.group, "1")
    answer = await reply(company, asked.message_id, "2", reply_in_thread=True)
    assert answer["thread_id"].startswith("omt_")
    assert asked.thread_id == answer["thread_id"]
    later = await reply(company, answer["message_id"], "3")
    assert (later["thread_id"], later["parent_id"]) == (answer["thread_id"], asked.message_id)
    path = f"/im/v1/messages?container_id_type=thread&container_id={asked.thread_id}"
    listed = (await company.client.call("GET", path))["data"]["items"]
    assert [item["message_id"] for item in listed] == [
        asked.message_id,
        answer["message_id"],
        later["message_id"],
    ]


async def test_in_a_topic_group_every_first_message_is_a_topic(company):
    topics = company.world.add_group("Topics", [company.ada, company.app], topic=True)
    one = await company.world.say(company.ada, topics, "one")
    two = await company.world.say(company.ada, topics, "two")
    assert one.thread_id
    assert two.thread_id not in (None, one.thread_id)
    assert (await reply(company, one.message_id, "re"))["thread_id"] == one.thread_id
    inside = await company.world.say(company.ada, topics, "more", thread=one.thread_id)
    assert inside.root_id == inside.parent_id == one.message_id


async def reply(company, message_id, text, **more):
    body = {"msg_type": "text", "content": json.dumps({"text": text}), **more}
    answer = await company.client.call("POST", f"/im/v1/messages/{message_id}/reply", body)
    assert answer["code"] == 0, answer
    return answer["data"]


async def test_replying_to_what_is_gone(company):
    asked = await company.world.say(company.ada, company.direct, "x")
    company.world.recall(asked)
    body = {"msg_type": "text", "content": '{"text":"y"}'}
    codes = {}
    for target in (asked.message_id, "om_0000", "c-1234"):
        answer = await company.client.call("POST", f"/im/v1/messages/{target}/reply", body)
        codes[target] = (company.client.last.status, answer["code"])
    assert codes == {asked.message_id: (400, 230011), "om_0000": (400, 230001), "c-1234": (400, 99992354)}


async def test_a_bot_that_is_not_in_the_chat(company):
    elsewhere = company.world.add_group("Elsewhere", [company.ada])
    hidden = await company.world.say(company.ada, elsewhere, "secret")
    assert (await company.client.send(elsewhere.chat_id, {"text": "x"}))["code"] == 230002
    assert (await company.client.call("GET", f"/im/v1/messages/{hidden.message_id}"))["code"] == 230002


@pytest.mark.parametrize(
    ("msg_type", "content", "code"),
    [
        ("text", "not json", 230001),
        ("text", "[]", 230001),
        ("text", {"txt": "x"}, 230001),
        ("text", {"text": ""}, 230001),
        ("text", {"text": '<at user_id="ou_nobody"></at>'}, 230001),
        ("text", '{"text":"\\ud800"}', 230001),
        ("nonsense", {"text": "x"}, 230001),
        ("post", {"post": {"zh_cn": {"title": "t", "content": [[{"tag": "text", "text": "x"}]]}}}, 230001),
        ("post", {"zh_cn": {"title": "t", "content": []}}, 230001),
        ("post", {"zh_cn": {"title": "t", "content": [[{"tag": "marquee"}]]}}, 230001),
        ("image", {"image_key": "img_unknown"}, 230001),
        ("file", {}, 230001),
        ("interactive", {"nothing": 1}, 230099),
        ("interactive", {"schema": "2.0", "elements": []}, 230099),
        ("interactive", {"elements": ["text"]}, 230099),
        ("interactive", '{"elements":' + "[" * 5000 + "]" * 5000 + "}", 230001),
        ("interactive", '{"elements":' + "[" * 100 + "]" * 100 + "}", 230001),
        ("text", {"text": "x" * 150 * 1024}, 230025),
        ("post", {"zh_cn": {"content": [[{"tag": "text", "text": "x" * 30 * 1024}]]}}, 230025),
        ("interactive", {"elements": [{"tag": "markdown", "content": "x" * 30 * 1024}]}, 230025),
    ],
)
async def test_contents_that_are_refused(company, msg_type, content, code):
    answer = await company.client.send(company.direct.chat_id, content, msg_type)
    assert answer["code"] == code
    assert company.world.messages == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"msg_type": "text", "content": "{}"}, "receive_id"),
        ({"receive_id": "x", "content": "{}"}, "msg_type"),
        ({"receive_id": "x", "msg_type": "text", "content": {"text": "object"}}, "content"),
        ({"receive_id": "x", "msg_type": "text", "content": "{}", "uuid": 5}, "uuid"),
    ],
)
async def test_missing_and_mistyped_fields_are_named(company, body, field):
    path = "/im/v1/messages?receive_id_type=open_id"
    if field == "uuid":
        body = {**body, "receive_id": company.ada.open_id(company.app)}
    answer = await company.client.call("POST", path, body)
    assert answer["code"] == 99992402
    assert answer["error"]["field_violations"][0]["field"] == field


async def test_a_post_is_stored_as_receivers_get_it(company):
    at = {"tag": "at", "user_id": company.ada.open_id(company.app)}
    message_id = await company.client.sent(
        company.group.chat_id,
        {"zh_cn": {"title": "T", "content": [[at, {"tag": "text", "text": "hi"}], [{"tag": "hr"}]]}},
        "post",
    )
    message = company.world.messages[message_id]
    assert message.content["title"] == "T"
    assert message.content["content"][0][0] == {
        "tag": "at",
        "user_id": "@_user_1",
        "user_name": "Ada",
        "style": [],
    }
    assert message.mentions[0].who is company.ada


async def test_the_same_uuid_within_an_hour_is_one_message(make_company, clock):
    company = await make_company(clock=clock)
    chat = company.direct.chat_id
    first = await company.client.sent(chat, {"text": "a"}, uuid="u")
    assert await company.client.sent(chat, {"text": "a"}, uuid="u") == first
    asked = await company.world.say(company.ada, company.direct, "x")
    assert (await reply(company, asked.message_id, "b", uuid="u"))["message_id"] == first
    assert await company.client.sent(chat, {"text": "a"}, uuid="v") != first
    clock.now += 3601
    assert await company.client.sent(chat, {"text": "a"}, uuid="u") != first
    assert (await company.client.send(chat, {"text": "a"}, uuid="x" * 51))["code"] == 99992402


async def test_a_refused_send_does_not_use_up_its_uuid(company):
    chat = company.direct.chat_id
    assert (await company.client.send(chat, {"txt": "a"}, uuid="u"))["code"] == 230001
    await company.client.sent(chat, {"text": "a"}, uuid="u")


async def test_an_inactive_bot_cannot_send(company):
    company.app.active = False
    assert (await company.client.send(company.direct.chat_id, {"text": "a"}))["code"] == 230006


async def test_text_can_be_edited_twenty_times(company):
    message_id = await company.client.sent(company.direct.chat_id, {"text": "0"})
    for n in range(1, 22):
        answer = await company.client.call(
            "PUT",
            f"/im/v1/messages/{message_id}",
            {"msg_type": "text", "content": json.dumps({"text": str(n)})},
        )
        assert answer["code"] == (0 if n <= 20 else 230072)
    assert company.world.messages[message_id].text == "20"


async def test_only_own_text_and_post_can_be_edited(company, card):
    theirs = await company.world.say(company.ada, company.direct, "x")
    own_card = await company.client.sent(company.direct.chat_id, card, "interactive")
    body = {"msg_type": "text", "content": '{"text":"y"}'}
    for message_id, code in ((theirs.message_id, 230071), (own_card, 230054)):
        answer = await company.client.call("PUT", f"/im/v1/messages/{message_id}", body)
        assert answer["code"] == code


async def test_recall(company):
    message_id = await company.client.sent(company.direct.chat_id, {"text": "oops"})
    theirs = await company.world.say(company.ada, company.direct, "x")
    path = "/im/v1/messages/"
    assert (await company.client.call("DELETE", path + theirs.message_id))["code"] == 230026
    assert (await company.client.call("DELETE", path + message_id))["code"] == 0
    assert (await company.client.call("DELETE", path + message_id))["code"] == 230011
    assert company.world.messages[message_id].recalled
    item = (await company.client.call("GET", path + message_id))["data"]["items"][0]
    assert item["deleted"] is True
    body = {"msg_type": "text", "content": '{"text":"y"}'}
    assert (await company.client.call("PUT", path + message_id, body))["code"] == 230011


async def test_listing_a_chat_in_pages(company):
    said = [(await company.world.say(company.ada, company.group, str(n))).message_id for n in range(5)]
    await company.world.say(company.ada, company.direct, "elsewhere")
    path = f"/im/v1/messages?container_id_type=chat&container_id={company.group.chat_id}&page_size=2"
    seen, token = [], ""
    while True:
        page = (await company.client.call("GET", f"{path}&page_token={token}"))["data"]
        seen += [item["message_id"] for item in page["items"]]
        token = page["page_token"]
        if not page["has_more"]:
            break
    assert seen == said
    newest = await company.client.call("GET", f"{path}&sort_type=ByCreateTimeDesc")
    assert newest["data"]["items"][0]["message_id"] == said[-1]
    assert (await company.client.call("GET", f"{path}&page_token=x"))["code"] == 99992402
    assert (await company.client.call("GET", path.replace("size=2", "size=51")))["code"] == 99992402


async def test_a_groups_history_takes_a_scope(company):
    path = "/im/v1/messages?container_id_type=chat&container_id="
    await company.world.say(company.ada, company.group, "hello")
    company.app.scopes.discard("im:message.group_msg")
    assert (await company.client.call("GET", path + company.group.chat_id))["code"] == 230027
    assert (await company.client.call("GET", path + company.direct.chat_id))["code"] == 0


async def test_of_a_topic_a_groups_history_holds_the_beginning(company):
    root = await company.world.say(company.ada, company.group, "topic")
    company.world.post(company.ada, company.group, "text", {"text": "in it"}, parent=root, in_thread=True)
    path = f"/im/v1/messages?container_id_type=chat&container_id={company.group.chat_id}"
    items = (await company.client.call("GET", path))["data"]["items"]
    assert [item["message_id"] for item in items] == [root.message_id]


async def test_forwarded_messages_are_read_with_their_bundle(company):
    said = [await company.world.say(company.ada, company.direct, str(n)) for n in range(2)]
    bundle = await company.world.forward(company.ada, company.group, said)
    path = f"/im/v1/messages/{bundle.message_id}"
    first, *inner = (await company.client.call("GET", path))["data"]["items"]
    assert (first["msg_type"], "upper_message_id" in first) == ("merge_forward", False)
    assert [item["message_id"] for item in inner] == [message.message_id for message in said]
    assert {item["upper_message_id"] for item in inner} == {bundle.message_id}
    company.world.recall(bundle)
    assert len((await company.client.call("GET", path))["data"]["items"]) == 1
