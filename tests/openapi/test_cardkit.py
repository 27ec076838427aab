"""Card entities against a local Feishu: what the client writes is what a user sees."""

import pytest

from feishu_sandbox import ApiFault, Rules, Sandbox
from nonebot_plugin_feishu_ws.openapi import (
    FeishuClient,
    InvalidRequest,
    MessageGone,
    MessageLocked,
    OutOfSequence,
    PermissionDenied,
    Repeated,
    StreamClosed,
    TooLarge,
    entity_content,
)


def card(text="…", *elements, **config):
    shown = [{"tag": "markdown", "element_id": "text", "content": text}, *elements]
    return {
        "schema": "2.0",
        "config": {"update_multi": True, "streaming_mode": True, **config},
        "body": {"elements": shown},
    }


@pytest.fixture
async def feishu():
    async with Sandbox(rules=Rules(card_operations_per_second=100)) as sandbox:
        yield sandbox


@pytest.fixture
def app(feishu):
    return feishu.world.add_app("Robot")


@pytest.fixture
def client(feishu, app, session):
    return FeishuClient(app.app_id, app.app_secret, base_url=feishu.url, session=session, timeout=5)


@pytest.fixture
async def shown(feishu, app, client):
    """An entity that was sent: its card_id and its message."""
    group = feishu.world.add_group("Team", [app])
    card_id = await client.cards.create(card())
    sent = await client.send_message(group.chat_id, "interactive", entity_content(card_id))
    return card_id, feishu.world.messages[sent.message_id]


def elements(message):
    return message.content["body"]["elements"]


async def test_every_operation(client, shown):
    card_id, message = shown
    cards = client.cards
    await cards.stream(card_id, "text", "你好", sequence=1)
    assert elements(message)[0]["content"] == "你好"
    line = {"tag": "hr", "element_id": "line"}
    await cards.add_elements(card_id, [line], sequence=2)
    await cards.add_elements(card_id, [{"tag": "hr"}], place="insert_before", target="text", sequence=3)
    assert [one["tag"] for one in elements(message)] == ["hr", "markdown", "hr"]
    await cards.change_element(card_id, "text", {"content": "changed"}, sequence=4)
    await cards.replace_element(
        card_id, "line", {**line, "tag": "markdown", "content": "was a line"}, sequence=5
    )
    assert [one.get("content") for one in elements(message)] == [None, "changed", "was a line"]
    await cards.delete_element(card_id, "line", sequence=6)
    remove = {"action": "delete_elements", "params": {"element_ids": ["text"]}}
    await cards.batch(card_id, [remove], sequence=7)
    assert [one["tag"] for one in elements(message)] == ["hr"]
    await cards.configure(card_id, {"streaming_mode": False}, sequence=8)
    assert message.content["config"]["streaming_mode"] is False
    await cards.replace(card_id, card("the end"), sequence=9, uuid="u" * 64)
    assert elements(message) == card("the end")["body"]["elements"]
    assert await cards.card_id_of(message.message_id) == card_id


async def test_a_uuid_is_done_once_and_sequences_rise(client, shown):
    card_id, message = shown
    await client.cards.stream(card_id, "text", "one", sequence=5, uuid="first")
    with pytest.raises(Repeated):
        await client.cards.stream(card_id, "text", "two", sequence=6, uuid="first")
    with pytest.raises(OutOfSequence):
        await client.cards.replace(card_id, card("two"), sequence=5)
    assert elements(message)[0]["content"] == "one"


@pytest.mark.parametrize(("sequence", "uuid"), [(0, None), (2**31, None), (1, ""), (1, "x" * 65)])
async def test_what_feishu_would_not_take_is_not_sent(feishu, client, sequence, uuid):
    with pytest.raises(ValueError, match="must"):
        await client.cards.stream("1", "text", "x", sequence=sequence, uuid=uuid)
    assert not [change for change in feishu.world.feed.history if change.kind == "api_call"]


async def test_refusals_have_their_types(client, shown):
    card_id, _ = shown
    with pytest.raises(InvalidRequest):
        await client.cards.stream(card_id, "nothing", "x", sequence=1)
    with pytest.raises(MessageGone):
        await client.cards.stream("1", "text", "x", sequence=1)
    with pytest.raises(TooLarge):
        await client.cards.stream(card_id, "text", "x" * 31_000, sequence=1)
    with pytest.raises(TooLarge):
        await client.cards.create(card("x", *[{"tag": "hr"}] * 200))
    with pytest.raises(InvalidRequest) as refused:
        await client.cards.create(card("|a|b|\n|-|-|\n\nx\n\n" * 4))
    assert refused.value.sub_code == 11310
    await client.cards.configure(card_id, {"streaming_mode": False}, sequence=1)
    with pytest.raises(StreamClosed):
        await client.cards.stream(card_id, "text", "x", sequence=2)


async def test_another_app_and_a_missing_scope(feishu, client, session, shown):
    card_id, _ = shown
    other = feishu.world.add_app("Other")
    stranger = FeishuClient(other.app_id, other.app_secret, base_url=feishu.url, session=session)
    with pytest.raises(MessageLocked):
        await stranger.cards.stream(card_id, "text", "mine", sequence=1)
    feishu.faults.add(ApiFault(path="/cardkit/", code=99991672, status=400, msg="cardkit:card:write"))
    with pytest.raises(PermissionDenied):
        await client.cards.create(card())
