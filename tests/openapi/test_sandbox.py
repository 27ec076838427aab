"""Every method against a local Feishu, end to end: what the client sends is what a user sees."""

import asyncio
import json

import pytest

from feishu_sandbox import ApiFault, InvalidateTokens, Rules, Sandbox
from nonebot_plugin_feishu_ws.openapi import (
    ApiError,
    BadCredentials,
    ChatUnavailable,
    FeishuClient,
    InvalidRequest,
    MessageGone,
    MessageLocked,
    RateLimited,
    ServerError,
    TokenInvalid,
    TooLarge,
    TransportError,
)

CARD = {
    "schema": "2.0",
    "config": {"update_multi": True},
    "body": {"elements": [{"tag": "markdown", "content": "one"}]},
}


@pytest.fixture
async def feishu():
    async with Sandbox(rules=Rules(sends_per_second=100, card_updates_per_second=100)) as sandbox:
        yield sandbox


@pytest.fixture
def app(feishu):
    return feishu.world.add_app("Robot")


@pytest.fixture
def alice(feishu):
    return feishu.world.add_user("Alice")


@pytest.fixture
def group(feishu, app, alice):
    return feishu.world.add_group("Team", [app, alice])


@pytest.fixture
def client(feishu, app, session):
    return FeishuClient(app.app_id, app.app_secret, base_url=feishu.url, session=session, timeout=5)


def messages_in(feishu, chat):
    return [message for message in feishu.world.messages.values() if message.chat is chat]


async def test_who_am_i(client, app):
    bot = await client.bot_info()
    assert (bot.open_id, bot.app_name, bot.activate_status) == (app.open_id, "Robot", 2)
    assert await client.online_instance_count() == 0


async def test_send_to_every_kind_of_receiver(feishu, client, app, alice, group):
    sent = await client.send_message(group.chat_id, "text", {"text": "你好 <at>"})
    assert sent.chat_id == group.chat_id
    (message,) = messages_in(feishu, group)
    assert (message.message_id, message.text, message.sender) == (sent.message_id, "你好 <at>", app)
    direct = [
        (await client.send_message(receiver, "text", {"text": "psst"})).chat_id
        for receiver in (alice.open_id(app), alice.union_id, alice.email)
    ]
    direct.append(
        (
            await client.send_message(alice.user_id, "text", {"text": "psst"}, receive_id_type="user_id")
        ).chat_id
    )
    assert len(set(direct)) == 1
    assert direct[0] != group.chat_id


async def test_the_same_uuid_sends_once(feishu, client, group):
    first = await client.send_message(group.chat_id, "text", {"text": "once"}, uuid="u1")
    again = await client.send_message(group.chat_id, "text", {"text": "once"}, uuid="u1")
    assert first.message_id == again.message_id
    assert len(messages_in(feishu, group)) == 1


async def test_a_lost_answer_and_the_same_uuid(feishu, client, group):
    """The outcome of the first try is unknown to us; with its uuid the second makes no second message."""
    await client.tenant_access_token()
    feishu.faults.add(ApiFault(method="POST", path="/im/v1/messages", drop=True, after=True, times=1))
    with pytest.raises(TransportError):
        await client.send_message(group.chat_id, "text", {"text": "x"}, uuid="u1")
    await client.send_message(group.chat_id, "text", {"text": "x"}, uuid="u1")
    assert len(messages_in(feishu, group)) == 1


async def test_reply_and_reply_in_thread(feishu, client, alice, group):
    question = await feishu.world.say(alice, group, "how?")
    answer = await client.reply_message(question.message_id, "text", {"text": "so"})
    threaded = await client.reply_message(question.message_id, "text", {"text": "so"}, in_thread=True)
    assert answer.parent_id == threaded.parent_id == question.message_id
    assert not answer.thread_id
    assert threaded.thread_id
    assert feishu.world.messages[threaded.message_id].thread_id == threaded.thread_id


async def test_edit_update_get_delete(feishu, client, app, group):
    text = await client.send_message(group.chat_id, "text", {"text": "one"})
    await client.edit_message(text.message_id, "text", {"text": "two"})
    (message,) = await client.get_message(text.message_id)
    assert json.loads(message.content) == {"text": "two"}
    assert (message.updated, message.sender.id, message.sender.sender_type) == (True, app.app_id, "app")

    card = await client.send_message(group.chat_id, "interactive", CARD)
    changed = {**CARD, "body": {"elements": [{"tag": "markdown", "content": "two"}]}}
    await client.update_card(card.message_id, changed)
    assert feishu.world.messages[card.message_id].content == changed

    await client.delete_message(text.message_id)
    assert feishu.world.messages[text.message_id].recalled
    with pytest.raises((MessageGone, MessageLocked)):
        await client.edit_message(text.message_id, "text", {"text": "three"})
    with pytest.raises(MessageGone):
        await client.reply_message(text.message_id, "text", {"text": "late"})


async def test_reactions(feishu, client, app, alice, group):
    message = await feishu.world.say(alice, group, "hi")
    reaction = await client.add_reaction(message.message_id, "Typing")
    assert [(one.emoji, one.by) for one in message.reactions] == [("Typing", app)]
    await client.remove_reaction(message.message_id, reaction)
    assert message.reactions == []
    with pytest.raises(InvalidRequest):
        await client.add_reaction(message.message_id, "NoSuchEmoji")


async def test_media_there_and_back(client, group):
    image = await client.upload_image(b"\x89PNG picture")
    message = await client.send_message(group.chat_id, "image", {"image_key": image})
    assert (await client.download_resource(message.message_id, image, "image")).content == b"\x89PNG picture"

    file = await client.upload_file(b"%PDF", "报告 1.pdf")
    message = await client.send_message(group.chat_id, "file", {"file_key": file})
    download = await client.download_resource(message.message_id, file, "file")
    assert (download.content, download.file_name) == (b"%PDF", "报告 1.pdf")
    with pytest.raises(InvalidRequest):
        await client.download_resource(message.message_id, "file_v3_other", "file")
    with pytest.raises(InvalidRequest):
        await client.upload_file(b"", "empty.txt")


async def test_a_file_too_large(client):
    with pytest.raises(TooLarge) as caught:
        await client.upload_image(b"x" * (10 * 2**20 + 1))
    assert caught.value.limits["image"] == 10 * 2**20


async def test_a_text_too_large(client, group):
    with pytest.raises(TooLarge) as caught:
        await client.send_message(group.chat_id, "text", {"text": "x" * 160_000})
    assert caught.value.limits["text"] == 150 * 1024


async def test_chat_and_members(feishu, client, app, alice, group):
    chat = await client.get_chat(group.chat_id)
    assert (chat.name, chat.user_count, chat.bot_count) == ("Team", 1, 1)
    members = [member async for member in client.list_chat_members(group.chat_id)]
    assert [(member.member_id, member.name) for member in members] == [(alice.open_id(app), "Alice")]
    many = feishu.world.add_group(
        "Many", [app, *(feishu.world.add_user(f"U{number}") for number in range(25))]
    )
    names = [member.name async for member in client.list_chat_members(many.chat_id, page_size=10)]
    assert names == [f"U{number}" for number in range(25)]


async def test_the_card_of_a_click_that_never_was(client):
    with pytest.raises(ApiError):
        await client.update_card_by_token("c-no-such-token", CARD)


async def test_chats_the_bot_is_not_in(feishu, client, alice):
    elsewhere = feishu.world.add_group("Elsewhere", [alice])
    with pytest.raises(ChatUnavailable):
        await client.send_message(elsewhere.chat_id, "text", {"text": "hi"})
    with pytest.raises(ChatUnavailable):
        await client.get_chat(elsewhere.chat_id)


async def test_a_wrong_secret(feishu, app, session):
    client = FeishuClient(app.app_id, "wrong", base_url=feishu.url, session=session)
    with pytest.raises(BadCredentials):
        await client.bot_info()
    client = FeishuClient("cli_nobody", "wrong", base_url=feishu.url, session=session)
    with pytest.raises(BadCredentials):
        await client.bot_info()


@pytest.mark.parametrize("status", [200, 400])
async def test_invalidated_tokens(app, session, status):
    async with Sandbox(rules=Rules(token_error_status=status)) as feishu:
        app = feishu.world.add_app("Robot")
        client = FeishuClient(app.app_id, app.app_secret, base_url=feishu.url, session=session)
        old = await client.tenant_access_token()
        feishu.faults.add(InvalidateTokens())
        bots = await asyncio.gather(*(client.bot_info() for _ in range(20)))
        assert {bot.open_id for bot in bots} == {app.open_id}
        assert await client.tenant_access_token() != old


async def test_a_token_that_is_refused_for_ever(feishu, client):
    feishu.faults.add(ApiFault(path="/bot/v3/info", code=99991663))
    with pytest.raises(TokenInvalid):
        await client.bot_info()


async def test_the_platforms_own_limits(session):
    async with Sandbox(rules=Rules(api_per_second=2, rate_limit_status=400)) as feishu:
        app = feishu.world.add_app("Robot")
        client = FeishuClient(app.app_id, app.app_secret, base_url=feishu.url, session=session)
        outcomes = await asyncio.gather(*(client.bot_info() for _ in range(3)), return_exceptions=True)
        (limited,) = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
        assert isinstance(limited, RateLimited)
        assert limited.retry_after == 1
        assert limited.log_id


async def test_a_502_page(feishu, client):
    feishu.faults.add(ApiFault(path="/bot/v3/info", status=502, body="<html>Bad Gateway</html>"))
    with pytest.raises(ServerError) as caught:
        await client.bot_info()
    assert (caught.value.status, caught.value.code) == (502, None)
    assert caught.value.log_id


async def test_an_endpoint_that_does_not_exist(client):
    with pytest.raises(ApiError) as caught:
        await client.request("GET", "im/v9/nothing")
    assert (type(caught.value), caught.value.status) == (ApiError, 404)
