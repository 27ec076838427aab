"""People, chats, and the events that come of what they do (facts, "Identity"; Feishu's event pages)."""

import asyncio
import json

import pytest

from feishu_sandbox import Mention, Rules, World
from feishu_sandbox.world import MESSAGE_TYPES


class Wire:
    """Remembers what was pushed instead of carrying it."""

    def __init__(self):
        self.sent = []

    def push(self, app, envelope):
        self.sent.append((app, envelope))

    async def call(self, app, envelope):
        raise AssertionError("no click here")

    def last(self, event_type):
        app, envelope = self.sent[-1]
        assert envelope["header"]["event_type"] == event_type
        assert envelope["header"]["token"] == app.verification_token
        assert envelope["header"]["app_id"] == app.app_id
        return envelope["event"]


class Place:
    def __init__(self, **rules):
        self.wire = Wire()
        self.world = World(Rules(**rules), self.wire)
        self.app = self.world.add_app("Bot")
        self.ada, self.ben = self.world.add_user("Ada"), self.world.add_user("Ben")
        self.direct = self.world.direct_chat(self.ada, self.app)
        self.group = self.world.add_group("Team", [self.ada, self.ben, self.app])


@pytest.fixture
def place():
    return Place()


async def test_a_message_event_has_feishus_shape(clock):
    place = Place(clock=clock)
    message = await place.world.say(
        place.ada, place.group, "hi @Bot and @Ben", mentions=[place.app, place.ben]
    )
    [(app, envelope)] = place.wire.sent
    assert app is place.app
    assert envelope["schema"] == "2.0"
    assert envelope["header"]["create_time"] == "1700000000000"
    event = place.wire.last("im.message.receive_v1")
    assert event["sender"]["sender_type"] == "user"
    assert event["sender"]["sender_id"] == place.ada.ids(place.app)
    body = event["message"]
    assert json.loads(body["content"]) == {"text": "hi @_user_1 and @_user_2"}
    assert (body["chat_type"], body["message_type"]) == ("group", "text")
    assert body["create_time"] == "1700000000000"
    bot, ben = body["mentions"]
    assert (bot["key"], bot["name"], bot["mentioned_type"]) == ("@_user_1", "Bot", "bot")
    assert bot["id"] == {"open_id": place.app.open_id, "union_id": None, "user_id": None}
    assert ben["id"] == place.ben.ids(place.app)
    assert not {"root_id", "parent_id", "thread_id"} & body.keys()
    assert message.text == "hi @Bot and @Ben"


@pytest.mark.parametrize("msg_type", MESSAGE_TYPES)
async def test_every_message_type_can_be_sent_without_details(place, msg_type):
    await place.world.say(place.ada, place.direct, "words", msg_type=msg_type)
    body = place.wire.last("im.message.receive_v1")["message"]
    assert body["message_type"] == msg_type
    assert json.loads(body["content"])


async def test_an_unknown_type_needs_its_content(place):
    with pytest.raises(ValueError, match="unknown message type 'hologram', one of: text, post"):
        await place.world.say(place.ada, place.direct, msg_type="hologram")
    await place.world.say(place.ada, place.direct, msg_type="hologram", content={"x": 1})
    assert place.wire.last("im.message.receive_v1")["message"]["message_type"] == "hologram"


async def test_open_ids_differ_by_app_and_other_ids_do_not(place):
    other = place.world.add_app("Other")
    assert place.ada.open_id(place.app) != place.ada.open_id(other)
    assert place.ada.ids(place.app)["union_id"] == place.ada.ids(other)["union_id"]
    assert place.app.open_id_for(other) != place.app.open_id


async def test_user_id_is_null_without_the_contact_scope(place):
    eve = place.world.add_user("Eve", user_id_visible=False)
    await place.world.say(eve, place.world.direct_chat(eve, place.app), "hi", mentions=[eve])
    event = place.wire.last("im.message.receive_v1")
    assert event["sender"]["sender_id"]["user_id"] is None
    assert event["message"]["mentions"][0]["id"]["user_id"] is None


async def test_which_group_messages_reach_which_app(place):
    shy = place.world.add_app("Shy", group_scope="mentions")
    place.group.apps.append(shy)

    async def reached(by, *mentions):
        place.wire.sent.clear()
        place.world.post(
            by,
            place.group,
            "text",
            {"text": "x"},
            mentions=[Mention(f"@_user_{n}", m) for n, m in enumerate(mentions)],
        )
        return {app.name for app, _ in place.wire.sent}

    assert await reached(place.ada) == {"Bot"}
    assert await reached(place.ada, shy) == {"Bot", "Shy"}
    assert await reached(place.app, shy) == set()
    shy.include_bots = True
    assert await reached(place.app) == set()
    assert await reached(place.app, shy) == {"Shy"}
    assert place.wire.last("im.message.receive_v1")["sender"]["sender_type"] == "app"


async def test_bots_may_be_called_bots():
    place = Place(bot_sender_type="bot")
    other = place.world.add_app("Other", include_bots=True)
    place.group.apps.append(other)
    place.world.post(
        place.app, place.group, "text", {"text": "@_user_1"}, mentions=[Mention("@_user_1", other)]
    )
    sender = place.wire.last("im.message.receive_v1")["sender"]
    assert sender["sender_type"] == "bot"
    assert sender["sender_id"] == {"open_id": place.app.open_id_for(other), "union_id": None, "user_id": None}


async def test_reactions_tell_who_and_what(place):
    message = await place.world.say(place.ada, place.direct, "x")
    await place.world.react(place.ada, message.message_id, "OK")
    event = place.wire.last("im.message.reaction.created_v1")
    assert event["message_id"] == message.message_id
    assert event["reaction_type"] == {"emoji_type": "OK"}
    assert (event["operator_type"], event["user_id"]) == ("user", place.ada.ids(place.app))
    before = len(place.wire.sent)
    await place.world.react(place.ada, message.message_id, "OK")
    assert len(place.wire.sent) == before
    await place.world.unreact(place.ada, message.message_id, "OK")
    place.wire.last("im.message.reaction.deleted_v1")
    assert message.reactions == []
    place.world.add_reaction(message, "OK", place.app)
    assert place.wire.last("im.message.reaction.created_v1")["app_id"] == place.app.app_id


async def test_reading_entering_recalling(place):
    place.world.read(place.ada, place.direct)
    place.world.enter(place.ada, place.direct)
    event = place.wire.last("im.chat.access_event.bot_p2p_chat_entered_v1")
    assert event == {"chat_id": place.direct.chat_id, "operator_id": place.ada.ids(place.app)}
    own = place.world.post(place.app, place.direct, "text", {"text": "hello"})
    place.world.read(place.ada, place.direct)
    event = place.wire.last("im.message.message_read_v1")
    assert event["message_id_list"] == [own.message_id]
    assert event["reader"]["reader_id"] == place.ada.ids(place.app)
    place.world.enter(place.ada, place.direct)
    entered = place.wire.last("im.chat.access_event.bot_p2p_chat_entered_v1")
    assert entered["last_message_id"] == own.message_id
    said = await place.world.say(place.ada, place.direct, "oops")
    place.world.recall(said)
    event = place.wire.last("im.message.recalled_v1")
    assert (event["message_id"], event["recall_type"]) == (said.message_id, "message_owner")


async def test_bots_come_and_go(place):
    other = place.world.add_app("Other")
    place.world.add_bot(place.ada, place.group, other)
    event = place.wire.last("im.chat.member.bot.added_v1")
    assert (event["chat_id"], event["name"]) == (place.group.chat_id, "Team")
    place.world.add_bot(place.ada, place.group, other)
    place.world.remove_bot(place.ada, place.group, other)
    place.wire.last("im.chat.member.bot.deleted_v1")
    assert len(place.wire.sent) == 2
    assert other not in place.group.apps


async def test_any_event_can_be_pushed(place):
    event_id = place.world.push(place.app, "contact.user.updated_v3", {"a": 1})
    assert place.wire.last("contact.user.updated_v3") == {"a": 1}
    assert place.wire.sent[-1][1]["header"]["event_id"] == event_id


async def test_wait_for_finds_what_is_there_and_what_comes(place):
    first = await place.world.say(place.ada, place.direct, "there")
    assert await place.world.wait_for(lambda m: m.text == "there") is first
    waiting = asyncio.create_task(place.world.wait_for(lambda m: m.text == "edited"))
    await asyncio.sleep(0)
    place.world.edit(first, {"text": "edited"})
    assert await waiting is first
    with pytest.raises(TimeoutError):
        await place.world.wait_for(lambda m: False, timeout=0.01)


async def test_a_subscription_sees_changes_in_order_until_closed(place):
    with place.world.subscribe() as changes:
        message = await place.world.say(place.ada, place.direct, "x")
        place.world.recall(message)
        seen = [await anext(changes), await anext(changes)]
        assert [change.kind for change in seen] == ["message_created", "message_recalled"]
        assert seen[0].seq < seen[1].seq
        assert seen[0].chat_id == place.direct.chat_id
        ended = asyncio.create_task(anext(changes, None))
        await asyncio.sleep(0)
        place.world.feed.close()
        assert await ended is None
    await place.world.say(place.ada, place.direct, "unseen")
    assert await anext(changes, None) is None


async def test_a_thread_nobody_knows(place):
    with pytest.raises(ValueError, match="no thread omt_x"):
        await place.world.say(place.ada, place.direct, "x", thread="omt_x")


async def test_an_app_id_is_taken_once(place):
    with pytest.raises(ValueError, match="exists already"):
        place.world.add_app("Again", app_id=place.app.app_id)
