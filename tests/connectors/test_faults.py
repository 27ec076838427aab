"""A broken connector is reported, tried again with patience, and disturbs no other (faults.md 1 to 8), end to end."""

import asyncio
import socket

import nonebot
import pytest
from nonebot.adapters import Event

from feishu_sandbox import (
    App,
    BootstrapFault,
    ClientConfig,
    Drop,
    HandshakeFault,
    PongFault,
    Rules,
    Sandbox,
    SilenceFault,
)
from nonebot_plugin_feishu_ws.gateway import LongConnection, ReconnectPolicy, Timings

pytestmark = pytest.mark.usefixtures("pong")
SOON = 3
"""Seconds: what takes a tenth of one, on a busy machine."""


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    return Rules(client_config=ClientConfig(reconnect_nonce=0, reconnect_interval=1))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's own patience, shortened: 45 s of silence become half a second."""
    timings = Timings(bootstrap=0.5, handshake=0.5, idle_ping=0.2, pong=0.3, tick=0.05, min_ping=0.1)
    monkeypatch.setitem(LongConnection.__init__.__kwdefaults__, "timings", timings)


BREAKS = {
    "bad secret": (BootstrapFault(code=10014, msg="app secret invalid"), "blocked", "bad_credentials"),
    "unknown app": (BootstrapFault(code=1000040346, msg="app_id is invalid"), "blocked", "bad_credentials"),
    "connection limit": (HandshakeFault(autherrcode=1000040350), "blocked", "connection_limit"),
    "forbidden": (HandshakeFault(status=403, msg="forbidden"), "blocked", "forbidden"),
    "busy": (BootstrapFault(code=1, msg="system busy"), "reconnecting", "busy"),
    "error page": (BootstrapFault(how="not_json"), "reconnecting", "protocol"),
    "hanging bootstrap": (BootstrapFault(how="hang"), "reconnecting", "timeout"),
    "hanging handshake": (HandshakeFault(how="hang"), "reconnecting", "timeout"),
}


@pytest.mark.parametrize("how", BREAKS)
async def test_one_is_refused_and_the_others_do_not_notice(bot, feishu_sandbox, how) -> None:
    fault, state, reason = BREAKS[how]
    fine = await bot.add("fine")
    await bot.connected(fine)
    broken = await bot.add("broken", enabled=False)
    fault = feishu_sandbox.faults.add(fault.model_copy(update={"app_id": broken.app_id}))
    await bot.service.set_enabled(bot.root, "broken", True)
    reported = await bot.state(broken, state)
    assert reported.reason == reason
    assert reported.error
    assert reported.attempt >= 1
    await bot.answers(fine)
    another = await bot.add("another", enabled=False)
    async with asyncio.timeout(SOON):
        await bot.service.set_enabled(bot.root, "another", True)
        await feishu_sandbox.hub.wait_connected(another)
    await bot.answers(another)
    assert len(feishu_sandbox.hub.opened(fine)) == 1
    if state == "blocked":
        assert fault.struck == 1, "no hot loop"
    async with asyncio.timeout(SOON):
        await bot.service.set_enabled(bot.root, "broken", False)
        await bot.unless(lambda: "broken" in bot.links)
    feishu_sandbox.faults.clear()
    await bot.service.set_enabled(bot.root, "broken", True)
    await bot.connected(broken)


async def test_a_dead_endpoint_is_one_connectors_trouble(bot, feishu_sandbox) -> None:
    fine = await bot.add("fine")
    broken = await bot.add("broken")
    await bot.connected(fine, broken)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        id_ = (await bot.service.get(bot.root, "broken")).id
        await bot.runtime.management.store.change(  # verification would have found it
            id_, lambda now: (now.spec.model_copy(update={"domain": dead}), now.verified_at)
        )
        reported = await bot.state(broken, "reconnecting")
        assert reported.reason == "network"
        await bot.answers(fine)
        assert len(feishu_sandbox.hub.opened(fine)) == 1


async def test_a_secret_that_was_rolled_blocks_and_a_new_one_recovers_without_a_restart(
    bot, feishu_sandbox
) -> None:
    fine, broken = await bot.add("fine"), await bot.add("broken")
    await bot.connected(fine, broken)
    broken.app_secret = "rolled"
    feishu_sandbox.tokens.invalidate(broken.app_id)
    feishu_sandbox.hub.drop(broken)
    assert (await bot.state(broken, "blocked")).reason == "bad_credentials"
    changed = await bot.service.update(bot.root, "broken", {"app_secret": "rolled"})
    assert changed.reset
    await bot.service.verify(bot.root, "broken")
    await bot.service.set_enabled(bot.root, "broken", True)
    await feishu_sandbox.hub.wait_opened(broken, 2)
    await bot.answers(broken)
    assert len(feishu_sandbox.hub.opened(fine)) == 1


@pytest.mark.parametrize("how", ["fin", "rst", "close"])
async def test_a_dropped_connection_comes_back_alone(bot, feishu_sandbox, how) -> None:
    one, two = await bot.add("one"), await bot.add("two")
    await bot.connected(one, two)
    feishu_sandbox.faults.add(Drop(how=how, app_id=one.app_id))
    await feishu_sandbox.hub.wait_opened(one, 2)
    await bot.answers(one)
    await bot.answers(two)
    assert len(feishu_sandbox.hub.opened(two)) == 1


async def test_a_silent_connection_is_noticed_and_replaced(bot, feishu_sandbox) -> None:
    one, two = await bot.add("one"), await bot.add("two")
    await bot.connected(one, two)
    feishu_sandbox.faults.add(SilenceFault(app_id=one.app_id, times=1))
    await feishu_sandbox.hub.wait_opened(one, 2)
    await bot.answers(one)
    assert len(feishu_sandbox.hub.opened(two)) == 1


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{}",
        "nonsense",
        '{"PingInterval": 0}',
        '{"PingInterval": -1, "ReconnectNonce": -1}',
        '{"PingInterval": 1e308}',
    ],
)
async def test_odd_pongs_end_nothing(bot, feishu_sandbox, payload) -> None:
    app = await bot.add("one")
    await bot.connected(app)
    feishu_sandbox.faults.add(PongFault(payload=payload))
    (connection,) = feishu_sandbox.hub.online(app)
    await feishu_sandbox.hub.wait_pings(connection, 4)
    await bot.answers(app)
    assert connection.open


async def test_handlers_that_never_end_keep_nobody_waiting(bot, feishu_sandbox) -> None:
    """Not others' bots, not the other chats of the same bot, and not whoever disables it."""
    stuck, begun = asyncio.Event(), asyncio.Event()

    async def is_block(event: Event) -> bool:
        return event.get_type() == "message" and event.get_plaintext() == "block"

    matcher = nonebot.on_message(priority=0, block=True, rule=is_block)

    @matcher.handle()
    async def block() -> None:
        begun.set()
        await stuck.wait()

    try:
        one, two = await bot.add("one"), await bot.add("two")
        await bot.connected(one, two)
        world = feishu_sandbox.world
        for _ in range(5):
            user = world.add_user("Bob")
            await world.say(user, world.direct_chat(user, one), "block")
        await asyncio.wait_for(begun.wait(), 10)
        await bot.answers(one)
        await bot.answers(two)
        async with asyncio.timeout(SOON):
            await bot.service.set_enabled(bot.root, "one", False)
            await feishu_sandbox.hub.wait_disconnected(one)
        await bot.answers(two)
        await bot.service.set_enabled(bot.root, "one", True)
        await bot.connected(one)
        await bot.answers(one)
    finally:
        stuck.set()
        await bot.runtime.drained()
        matcher.destroy()


async def test_given_up_after_the_attempts_allowed(launch, feishu_sandbox, sqlite_url, monkeypatch) -> None:
    monkeypatch.setattr(ReconnectPolicy.__init__, "__defaults__", (0.01, 0.02, 0.2, 0.0, 0, 60.0, 300.0))
    bot = await launch(feishu_sandbox, sqlite_url, reconnect_max_attempts=2)
    fine = await bot.add("fine")
    broken = await bot.add("broken", enabled=False)
    fault = feishu_sandbox.faults.add(BootstrapFault(code=1, app_id=broken.app_id))
    await bot.service.set_enabled(bot.root, "broken", True)
    reported = await bot.state(broken, "blocked")
    assert reported.reason == "gave_up"
    assert fault.struck == 2
    feishu_sandbox.faults.clear()
    await bot.service.set_connected(bot.root, "broken", False)
    await bot.state(broken, "disconnected")
    await bot.service.set_connected(bot.root, "broken", True)
    await bot.connected(broken)
    assert len(feishu_sandbox.hub.opened(fine)) == 1


async def test_fifty_connect_together_and_fifty_dropped_come_back(launch, sqlite_url, fields_of) -> None:
    """The small sister of `benchmarks/measures/drops.py`: paced and parallel, each answers, none is lost."""
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

    count, rules = 50, Rules(client_config=ClientConfig(reconnect_nonce=2))
    async with Sandbox(rules=rules) as sandbox:
        apps: list[App] = [sandbox.world.add_app(f"app-{number}") for number in range(count)]
        specs = tuple(ConnectorSpec.model_validate(fields_of(app, app.name)) for app in apps)
        bot = await launch(sandbox, sqlite_url, connectors=specs)
        hub = sandbox.hub
        await bot.connected(apps[0])
        await bot.answers(apps[0])
        await bot.connected(*apps, within=20)
        sandbox.faults.add(Drop())
        dropped = asyncio.get_running_loop().time()
        back = [await hub.wait_opened(app, 2, timeout=12) for app in apps]
        await bot.connected(*apps)
        took = sorted(connection.opened_at - dropped for connection in back)
        assert took[-1] < 12, "nonce + 10 s"
        assert took[0] < 1.0 < took[-1], "not all at once"
        assert took[count * 3 // 4] - took[count // 4] > 0.3, "spread"
        assert all(len(hub.opened(app)) == 2 for app in apps)
        await asyncio.gather(*(bot.answers(app) for app in (apps[0], apps[25], apps[-1])))
