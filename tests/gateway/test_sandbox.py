"""Against the sandbox, whose platform rules were written by others than the gateway's."""

import asyncio
import json
from dataclasses import replace

import pytest

from feishu_sandbox import (
    BootstrapFault,
    ClientConfig,
    Drop,
    FragmentFault,
    GreetFault,
    HandshakeFault,
    PongFault,
    PushFault,
    Rules,
    Sandbox,
    SilenceFault,
)
from nonebot_plugin_feishu_ws.gateway import Ack, Reason, State


@pytest.fixture
async def sandbox():
    rules = Rules(client_config=ClientConfig(reconnect_nonce=0), push_again_after=(0.01, 0.01))
    async with Sandbox(rules=rules) as sandbox:
        yield sandbox


@pytest.fixture
def bot(sandbox, connect, wire):
    """Connects an app of the sandbox and a user who talks to it."""

    class Bot:
        def __init__(self):
            self.app = sandbox.world.add_app("Butler")
            self.user = sandbox.world.add_user("Ann")
            self.chat = sandbox.world.direct_chat(self.user, self.app)

        def connect(self, handler=None, **options):
            options = {"secret": self.app.app_secret, "policy": replace(wire.EAGER, nonce=0), **options}
            return connect(sandbox.url, handler, app_id=self.app.app_id, **options)

        async def online(self, handler=None, **options):
            connection = self.connect(handler, **options)
            await asyncio.wait_for(connection.wait_for(State.CONNECTED), 5)
            return connection

        async def say(self, text="hello"):
            await sandbox.world.say(self.user, self.chat, text)

    return Bot()


async def test_message_in_and_acked(sandbox, bot, inbox, until):
    await bot.online(inbox)
    await bot.say("hello")
    assert b"im.message.receive_v1" in (await inbox.next()).payload
    await until(lambda: sandbox.hub.acks)
    ack = sandbox.hub.acks[0]
    assert ack.code == 200
    assert int(ack.headers["biz_rt"]) >= 0
    assert ack.frame.SeqID > 2**53


async def test_card_frames_are_events(sandbox, bot, inbox):
    sandbox.faults.add(PushFault(frame_type="card"))
    await bot.online(inbox)
    await bot.say()
    assert (await inbox.next()).kind == "card"


async def test_event_behind_the_101(sandbox, bot, inbox, until):
    sandbox.faults.add(GreetFault(event_type="im.message.message_read_v1"))
    await bot.online(inbox)
    assert b"message_read_v1" in (await inbox.next()).payload
    await until(lambda: sandbox.hub.acks)


@pytest.mark.parametrize("send", [(0, 1, 2), (2, 1, 0), (0, 0, 1, 1, 2)])
async def test_fragments(sandbox, bot, inbox, send, until):
    sandbox.faults.add(FragmentFault(parts=3, send=send, times=1))
    await bot.online(inbox)
    await bot.say("x" * 5000)
    assert b"x" * 5000 in (await inbox.next()).payload
    await until(lambda: sandbox.hub.acks)
    assert len(sandbox.hub.acks) == 1


@pytest.mark.parametrize(
    "fault", [{"parts": 3, "send": (0, 2)}, {"parts": 2, "send": (0, 5)}, {"parts": 3, "claimed_sum": 10**7}]
)
async def test_broken_fragments_are_not_acked(sandbox, bot, inbox, fault, until):
    sandbox.faults.add(FragmentFault(times=1, **fault))
    await bot.online(inbox)
    await bot.say("broken")
    await bot.say("whole")
    assert b"whole" in (await inbox.next()).payload
    await until(lambda: sandbox.hub.acks)
    assert len(sandbox.hub.acks) == 1


@pytest.mark.parametrize("how", ["fin", "rst", "close"])
async def test_drops(sandbox, bot, inbox, how, until):
    connection = await bot.online(inbox)
    sandbox.faults.add(Drop(how=how))
    await until(lambda: connection.counters["connections"] == 2 and sandbox.online(bot.app) == 1)
    await bot.say()
    await inbox.next()


@pytest.mark.parametrize("answer_websocket_pings", [True, False])
async def test_silence(sandbox, bot, wire, until, answer_websocket_pings):
    sandbox.faults.add(SilenceFault(times=1, answer_websocket_pings=answer_websocket_pings))
    connection = bot.connect(
        timings=replace(wire.QUICK, idle_ping=0.05, pong=0.05, tick=0.02, min_ping=0.01, close=0.1)
    )
    await until(lambda: connection.counters.get("connections") == 2)


@pytest.mark.parametrize(
    "payload", ["", "{}", "null", '{"PingInterval":0}', '{"PingInterval":-5}', "x" * 100]
)
async def test_pongs(sandbox, bot, inbox, payload):
    sandbox.faults.add(PongFault(payload=payload))
    await bot.online(inbox)
    await bot.say()
    await inbox.next()
    assert len(sandbox.hub.connections[0].pings) <= 2


BOOTSTRAPS = [
    (BootstrapFault(how="status", status=502, code=0, times=1), Reason.UNAVAILABLE),
    (BootstrapFault(how="code", code=1, times=1), Reason.BUSY),
    (BootstrapFault(how="code", code=1000040350, times=1), Reason.CONNECTION_LIMIT),
    (BootstrapFault(how="no_data", times=1), Reason.PROTOCOL),
    (BootstrapFault(how="not_json", times=1), Reason.PROTOCOL),
    (BootstrapFault(how="hang", times=1), Reason.TIMEOUT),
    (HandshakeFault(status=403, times=1), Reason.FORBIDDEN),
    (HandshakeFault(status=514, autherrcode=1000040350, times=1), Reason.CONNECTION_LIMIT),
    (HandshakeFault(status=514, autherrcode=1000040343, times=1), Reason.UNAVAILABLE),
    (HandshakeFault(how="hang", times=1), Reason.TIMEOUT),
]


@pytest.mark.parametrize(("fault", "reason"), BOOTSTRAPS)
async def test_failed_connects(sandbox, bot, wire, fault, reason):
    sandbox.faults.add(fault)
    seen = []
    patience = 0.1 if fault.how == "hang" else 5
    timings = replace(wire.QUICK, bootstrap=patience, handshake=patience)
    connection = bot.connect(on_status=seen.append, timings=timings)
    await asyncio.wait_for(connection.wait_for(State.CONNECTED), 5)
    failed = next(status for status in seen if status.error)
    assert failed.error.reason is reason
    assert failed.state is (State.BLOCKED if reason.blocks else State.RECONNECTING)


@pytest.mark.parametrize(("wrong", "code"), [({"secret": "wrong"}, 10014), ({"secret": ""}, 1000040344)])
async def test_bad_credentials(bot, wrong, code):
    connection = bot.connect(**wrong)
    await asyncio.wait_for(connection.wait_for(State.BLOCKED), 5)
    assert (connection.status.error.reason, connection.status.error.code) == (Reason.BAD_CREDENTIALS, code)


async def test_an_event_answered_500_is_pushed_again(sandbox, bot, until):
    seen = []

    async def handler(inbound):
        seen.append(inbound.message_id)
        if len(seen) == 1:
            raise RuntimeError("the database is down")
        return Ack()

    await bot.online(handler)
    await bot.say()
    await until(lambda: len(sandbox.hub.acks) == 2)
    assert [ack.code for ack in sandbox.hub.acks] == [500, 200]


CARD = {
    "elements": [
        {
            "tag": "action",
            "actions": [
                {"tag": "button", "text": {"tag": "plain_text", "content": "Go"}, "value": {"action": "go"}}
            ],
        }
    ]
}


async def test_card_click_is_answered(sandbox, bot, session):
    toast = {"type": "info", "content": "已收到"}

    async def handler(inbound):
        event = json.loads(inbound.payload)
        return Ack(data={"toast": toast} if event["header"]["event_type"] == "card.action.trigger" else None)

    await bot.online(handler)
    api = f"{sandbox.url}/open-apis"
    credentials = {"app_id": bot.app.app_id, "app_secret": bot.app.app_secret}
    async with session.post(f"{api}/auth/v3/tenant_access_token/internal", json=credentials) as response:
        token = (await response.json())["tenant_access_token"]
    message = {"receive_id": bot.chat.chat_id, "msg_type": "interactive", "content": json.dumps(CARD)}
    async with session.post(
        f"{api}/im/v1/messages?receive_id_type=chat_id",
        json=message,
        headers={"Authorization": f"Bearer {token}"},
    ) as response:
        sent = (await response.json())["data"]
    action = {"tag": "button", "value": {"action": "go"}}
    result = await sandbox.world.click(bot.user, sent["message_id"], action)
    assert (result.toast, result.error) == (toast, None)
