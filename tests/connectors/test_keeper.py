"""Desired state made real: what is enabled runs, what is not leaves nothing behind, whoever said so."""

import asyncio
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from typing import Any

import nonebot
import pytest
from pydantic import SecretStr
from sqlmodel import delete
from sqlmodel.ext.asyncio.session import AsyncSession

from feishu_sandbox import ApiFault, ClientConfig, HandshakeFault, Rules
from nonebot_plugin_feishu_ws.connectors import ConnectorSpec, LinkStopped, store
from nonebot_plugin_feishu_ws.delivery import InboxUnavailable
from nonebot_plugin_feishu_ws.storage import LinkRow, WorkerRow, new_key, utc_now

SOON = 3
"""Seconds. It takes 0.1 s here and at most 0.6 s there; the rest is for a machine that is busy."""

pytestmark = pytest.mark.usefixtures("pong")


@pytest.fixture
def feishu_sandbox_rules() -> Rules:
    return Rules(
        client_config=ClientConfig(reconnect_nonce=0, reconnect_interval=1), push_again_after=(0.2,) * 50
    )


@pytest.fixture
async def shell(manage: Any, sqlite_url: str, bot: Any) -> Any:
    """Another process's view of the bot's database."""
    return await manage(sqlite_url)


# --- here -----------------------------------------------------------------------------------------------------


async def test_enabling_connects_within_a_second_and_the_bot_answers(bot, feishu_sandbox) -> None:
    app = await bot.add("one", enabled=False)
    assert feishu_sandbox.hub.opened(app) == []
    async with asyncio.timeout(SOON):
        await bot.service.set_enabled(bot.root, "one", True)
        await feishu_sandbox.hub.wait_connected(app)
    assert (await bot.answers(app)).text == "pong"


@pytest.mark.parametrize("verb", ["disable", "disconnect", "remove", "reset", "stop"])
async def test_what_ends_a_connection_leaves_nothing_behind(bot, feishu_sandbox, all_tasks, verb) -> None:
    other = await bot.add("other")
    await bot.connected(other)
    await bot.state(other, "connected")
    await bot.runtime.management.logbook.flush()
    before = all_tasks()
    app = await bot.add("one")
    await bot.answers(app)
    assert app.app_id in nonebot.get_bots()
    match verb:
        case "disable":
            await bot.service.set_enabled(bot.root, "one", False)
        case "disconnect":
            await bot.service.set_connected(bot.root, "one", False)
        case "remove":
            await bot.service.remove(bot.root, "one")
        case "reset":
            await bot.service.update(bot.root, "one", {"app_secret": "another"})
        case _:
            await bot.stop()
            other = None
    await feishu_sandbox.hub.wait_disconnected(app, timeout=SOON)
    assert feishu_sandbox.hub.opened(app)[0].close_code == 1000, "with a goodbye"
    await bot.unless(lambda: app.app_id in nonebot.get_bots() or all_tasks() - before)
    assert "one" not in bot.links
    if other is not None:
        assert (await bot.answers(other)).text == "pong"


async def test_other_credentials_reconnect_that_connector_alone(bot, feishu_sandbox) -> None:
    one, two = await bot.add("one"), await bot.add("two")
    await bot.connected(one, two)
    (untouched,) = feishu_sandbox.hub.online(two)
    one.app_secret = "rolled"
    feishu_sandbox.tokens.invalidate(one.app_id)
    await bot.service.update(bot.root, "one", {"app_secret": "rolled"})
    await feishu_sandbox.hub.wait_disconnected(one)
    await bot.service.verify(bot.root, "one")
    await bot.service.set_enabled(bot.root, "one", True)
    await feishu_sandbox.hub.wait_opened(one, 2)
    await bot.answers(one)
    assert feishu_sandbox.hub.opened(two) == [untouched]
    assert untouched.open


async def test_another_way_to_the_platform_reconnects_too(bot, feishu_sandbox) -> None:
    one, two = await bot.add("one"), await bot.add("two")
    await bot.connected(one, two)
    await bot.service.update(bot.root, "one", {"name": "first"})
    await feishu_sandbox.hub.wait_opened(one, 2)
    await bot.answers(one)
    assert set(bot.links) == {"first", "two"}
    assert len(feishu_sandbox.hub.opened(two)) == 1


async def test_policy_counts_from_the_next_message_on_without_a_reconnect(bot, feishu_sandbox) -> None:
    app = await bot.add("one")
    await bot.answers(app)
    await bot.service.update(bot.root, "one", {"allow_dm": False})
    await bot.unless(lambda: bot.links["one"].spec.allow_dm)
    alice = feishu_sandbox.world.add_user("Alice")
    asked = await feishu_sandbox.world.say(alice, feishu_sandbox.world.direct_chat(alice, app), "ping")
    (event,) = [
        one.event_id
        for one in feishu_sandbox.hub.deliveries
        if one.envelope["event"]["message"]["message_id"] == asked.message_id
    ]
    assert (await feishu_sandbox.hub.wait_ack(event)).code == 200
    await bot.runtime.drained()
    await bot.runtime.management.logbook.flush()
    entry = (await bot.service.logs(bot.root, "one")).entries[0]
    assert (entry.message_id, entry.detail["reason"]) == (asked.message_id, "dm_not_allowed")
    await bot.service.update(bot.root, "one", {"allow_dm": True})
    await bot.unless(lambda: not bot.links["one"].spec.allow_dm)
    await bot.answers(app)
    assert len(feishu_sandbox.hub.opened(app)) == 1


async def test_what_is_held_stays_disconnected_until_it_is_released(bot, feishu_sandbox) -> None:
    app, other = await bot.add("one"), await bot.add("other")
    await bot.connected(app, other)
    await bot.service.set_connected(bot.root, "one", False)
    await feishu_sandbox.hub.wait_disconnected(app)
    await bot.service.update(bot.root, "one", {"prefix_command": "/x"})
    await bot.service.update(bot.root, "other", {"prefix_command": "/x"})
    await bot.unless(lambda: bot.links["other"].spec.prefix_command != "/x")
    assert len(feishu_sandbox.hub.opened(app)) == 1
    async with asyncio.timeout(SOON):
        await bot.service.set_connected(bot.root, "one", True)
        await feishu_sandbox.hub.wait_opened(app, 2)


# --- another process ------------------------------------------------------------------------------------------


async def test_a_blocked_connector_tries_at_once_when_it_is_asked_to(
    bot, shell, people, feishu_sandbox
) -> None:
    """By itself it would in five minutes; asking a connected one changes nothing."""
    feishu_sandbox.faults.add(HandshakeFault(status=403, msg="forbidden", times=1))
    app = await bot.add("one")
    await bot.state(app, "blocked")
    async with asyncio.timeout(SOON):
        await shell.service.set_connected(people.root, "one", True)
        (first,) = await feishu_sandbox.hub.wait_connected(app)
    await shell.service.set_connected(people.root, "one", True)
    assert (await bot.answers(app)).text == "pong"
    assert feishu_sandbox.hub.online(app) == [first]


async def asked_too_early(bot, feishu_sandbox):
    """The connector `one`, connected before its bot can know who it is, and a message it was sent: stored."""
    app = await bot.add("one", enabled=False)
    feishu_sandbox.faults.add(ApiFault(path=".*/bot/v3/info", status=500))
    await bot.service.set_enabled(bot.root, "one", True)
    await bot.connected(app)
    world = feishu_sandbox.world
    user = world.add_user("Alice")
    asked = await world.say(user, world.direct_chat(user, app), "ping")
    await feishu_sandbox.hub.wait_delivery(feishu_sandbox.hub.deliveries[-1].event_id)
    return app, asked


async def test_what_was_waiting_when_a_link_was_replaced_is_handed_out_by_the_next(
    bot, feishu_sandbox
) -> None:
    """Events that came before the bot knew who it is are stored; new credentials in that moment do not strand them."""
    app, asked = await asked_too_early(bot, feishu_sandbox)
    feishu_sandbox.faults.clear()
    await bot.service.update(bot.root, "one", {"proxy": SecretStr("http://127.0.0.1:1")})
    await bot.service.update(bot.root, "one", {"proxy": ""})
    answer = await feishu_sandbox.world.wait_for(
        lambda message: message.sender is app and message.parent_id == asked.message_id, timeout=15
    )
    assert answer.text == "pong"


async def test_what_came_before_a_connector_was_disabled_is_stopped_with_that_reason(
    bot, feishu_sandbox
) -> None:
    """It waits for the bot to know who it is; disabled, it is not kept for the day somebody enables it again."""
    app, asked = await asked_too_early(bot, feishu_sandbox)
    await bot.service.set_enabled(bot.root, "one", False)
    await feishu_sandbox.hub.wait_disconnected(app)
    await bot.runtime.drained()
    await bot.runtime.management.logbook.flush()
    (row,) = [
        entry
        for entry in (await bot.service.logs(bot.root, "one")).entries
        if entry.message_id == asked.message_id
    ]
    assert (row.action, row.detail["reason"]) == ("ws_filtered", "connector_disabled")
    feishu_sandbox.faults.clear()
    await bot.service.set_enabled(bot.root, "one", True)
    await bot.answers(app)
    answers = [one.parent_id for one in feishu_sandbox.world.messages.values() if one.sender is app]
    assert asked.message_id not in answers


async def test_what_another_process_changes_is_seen_within_about_a_second(
    bot, shell, people, feishu_sandbox, fields_of
) -> None:
    hub, service, who = feishu_sandbox.hub, shell.service, people.shell
    app = feishu_sandbox.world.add_app("One")
    await service.create(who, fields_of(app, "one"))
    await service.verify(who, "one")
    async with asyncio.timeout(SOON):
        await service.set_enabled(who, "one", True)
        await hub.wait_connected(app)
    async with asyncio.timeout(SOON):
        await service.update(who, "one", {"prefix_command": "/x"})
        await bot.unless(lambda: bot.links["one"].spec.prefix_command != "/x")
    async with asyncio.timeout(SOON):
        await service.set_connected(who, "one", False)
        await hub.wait_disconnected(app)
    async with asyncio.timeout(SOON):
        await service.set_connected(who, "one", True)
        await hub.wait_opened(app, 2)
    async with asyncio.timeout(SOON):
        await service.set_enabled(who, "one", False)
        await hub.wait_disconnected(app)
    async with asyncio.timeout(SOON):
        await service.set_enabled(who, "one", True)
        await hub.wait_opened(app, 3)
    async with asyncio.timeout(SOON):
        await service.remove(who, "one")
        await hub.wait_disconnected(app)


async def test_the_other_process_sees_how_it_is_doing(bot, shell, people, feishu_sandbox) -> None:
    async def seen(state: str) -> Any:
        await bot.state(app, state)
        ((connector, reported),) = await shell.service.status(people.shell, "one")
        assert connector.spec.app_id == app.app_id
        return reported

    app = await bot.add("one", enabled=False)
    ((_, before),) = await shell.service.status(people.shell, "one")
    assert (before.state, before.updated_at) == ("disconnected", None)
    await bot.service.set_enabled(bot.root, "one", True)
    connected = await seen("connected")
    assert utc_now() - connected.connected_at < timedelta(seconds=10)
    assert (connected.attempt, connected.error, connected.reason) == (0, None, None)
    await bot.answers(app)
    async with asyncio.timeout(20):
        while (await seen("connected")).last_event_at is None:
            pass
    app.app_secret = "rolled"
    feishu_sandbox.hub.drop(app)
    blocked = await seen("blocked")
    assert blocked.reason == "bad_credentials"
    assert "10014" in blocked.error
    assert blocked.connected_at is None
    assert blocked.attempt == 2
    await bot.service.set_connected(bot.root, "one", False)
    held = await seen("disconnected")
    assert held.held
    await bot.service.set_enabled(bot.root, "one", False)
    await bot.stop()
    assert (await shell.statuses.all())[app.app_id].state == "disconnected"


async def test_whoever_was_taken_for_dead_says_again_how_everything_is(bot, shell) -> None:
    """faults.md 31: what it said before is gone with its name, and nothing of it has changed since."""
    apps = [await bot.add("one"), await bot.add("two")]
    for app in apps:
        await bot.state(app, "connected")

    async def remove(session: AsyncSession) -> None:
        await session.exec(delete(LinkRow))
        await session.exec(delete(WorkerRow))

    await shell.database.write(remove)
    await bot.runtime._lease.renew()
    async with asyncio.timeout(20):
        while len(seen := await shell.statuses.all()) < 2 or any(not one.parts for one in seen.values()):
            pass
    assert {one.parts[0].worker for one in seen.values()} == {bot.runtime._lease.id}


async def test_a_stopped_bot_says_so(bot, shell, people) -> None:
    app = await bot.add("one")
    await bot.state(app, "connected")
    await bot.stop()
    ((_, reported),) = await shell.service.status(people.shell, "one")
    assert reported.state == "disconnected"


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(hours=1)])
async def test_no_change_is_missed_by_a_clock_that_is_behind(
    management, people, fields_of, feishu_sandbox, monkeypatch, behind
) -> None:
    """Another machine's clock, or a transaction that took its time, dates a change before the newest one."""
    apps = [feishu_sandbox.world.add_app(name) for name in ("one", "two")]
    for app in apps:
        await management.service.create(people.root, fields_of(app, app.name))
    seen = [await management.store.revision()]
    then = utc_now() - behind
    monkeypatch.setattr(store, "utc_now", lambda: then)
    for change in (
        management.service.update(people.root, "one", {"allow_dm": False}),
        management.service.remove(people.root, "two"),
        management.service.create(people.root, fields_of(apps[1], "two")),
    ):
        await change
        seen.append(await management.store.revision())
        assert await management.store.revision() == seen[-1]
    assert len({str(one) for one in seen}) == len(seen)


# --- a new start ----------------------------------------------------------------------------------------------


async def test_a_restart_restores_exactly_the_enabled_ones(
    launch, feishu_sandbox, sqlite_url, fields_of
) -> None:
    fixed, off = feishu_sandbox.world.add_app("fixed"), feishu_sandbox.world.add_app("off")
    settings = {
        "connectors": tuple(
            ConnectorSpec.model_validate({**fields_of(app, app.name), "enabled": app is fixed})
            for app in (fixed, off)
        )
    }
    first = await launch(feishu_sandbox, sqlite_url, **settings)
    enabled, held = await first.add("enabled"), await first.add("held")
    disabled = await first.add("disabled", enabled=False)
    gone = await first.add("gone")
    await first.connected(enabled, held, gone, fixed)
    await first.service.set_connected(first.root, "held", False)
    await first.service.set_connected(first.root, "fixed", False)
    await first.service.remove(first.root, "gone")
    new = feishu_sandbox.world.add_app("new")
    await first.service.create(first.root, fields_of(new, "new"))
    await first.stop()
    assert feishu_sandbox.hub.online() == []
    second = await launch(feishu_sandbox, sqlite_url, **settings)
    await second.connected(enabled, held, fixed)
    assert set(second.links) == {"enabled", "held", "fixed"}
    assert len(feishu_sandbox.hub.online()) == 3
    assert feishu_sandbox.hub.opened(disabled) == feishu_sandbox.hub.opened(new) == []
    assert feishu_sandbox.hub.opened(off) == []
    await second.answers(enabled)


async def test_nothing_is_opened_where_that_is_the_setting(launch, feishu_sandbox, sqlite_url) -> None:
    bot = await launch(feishu_sandbox, sqlite_url, enabled=False)
    await bot.add("one")
    assert bot.links == {}
    assert feishu_sandbox.hub.opened() == []


# --- things that go wrong ---------------------------------------------------------------------------------------


async def test_a_connector_that_takes_its_time_to_stop_holds_up_no_other(bot, feishu_sandbox) -> None:
    slow, other = await bot.add("slow"), await bot.add("other", enabled=False)
    await bot.connected(slow)
    stop, may_stop, stopping = bot.links["slow"].stop, asyncio.Event(), asyncio.Event()

    async def dawdle() -> None:
        stopping.set()
        await may_stop.wait()
        await stop()

    bot.links["slow"].stop = dawdle
    await bot.service.set_enabled(bot.root, "slow", False)
    await asyncio.wait_for(stopping.wait(), SOON)
    async with asyncio.timeout(SOON):
        await bot.service.set_enabled(bot.root, "other", True)
        await bot.connected(other)
    await bot.service.set_enabled(bot.root, "slow", True)
    may_stop.set()
    await feishu_sandbox.hub.wait_opened(slow, 2)
    await bot.answers(slow)


async def test_what_cannot_be_started_is_tried_again_and_told_once(
    bot, feishu_sandbox, monkeypatch, caplog
) -> None:
    inbox, tries = bot.runtime._inbox, []
    unfinished = inbox.unfinished

    async def away(app_ids: Collection[str], **options: Any) -> AsyncIterator[Any]:
        tries.append(app_ids)
        if len(tries) < 4:
            raise InboxUnavailable("the database is away")
        async for event in unfinished(app_ids, **options):
            yield event

    monkeypatch.setattr(inbox, "unfinished", away)
    app = await bot.add("one")
    await bot.answers(app)
    assert len(tries) >= 4, "the sweep's are among them"
    assert len([record for record in caplog.records if "InboxUnavailable" in record.getMessage()]) == 1


async def test_a_defect_while_reading_does_not_freeze_the_rest(
    bot, feishu_sandbox, monkeypatch, caplog
) -> None:
    app = await bot.add("one", enabled=False)

    async def broken() -> Any:
        monkeypatch.undo()
        raise KeyError("defect")

    monkeypatch.setattr(bot.service, "everything", broken)
    bot.runtime._keeper.wake()
    await bot.unless(lambda: "the connectors cannot be read" not in caplog.text)
    await bot.service.set_enabled(bot.root, "one", True)
    await bot.connected(app)


async def test_an_app_another_adapter_has_connected_is_left_alone_until_it_lets_go(
    bot, feishu_sandbox, caplog
) -> None:
    app = await bot.add("one", enabled=False)
    bots: dict[str, Any] = nonebot.get_driver()._bots  # type: ignore[assignment]
    bots[app.app_id] = object()
    try:
        await bot.service.set_enabled(bot.root, "one", True)
        await bot.unless(lambda: "another adapter has connected" not in caplog.text)
        bot.runtime._keeper.wake()
        await bot.unless(lambda: bot.runtime._keeper._workers)
        assert feishu_sandbox.hub.opened(app) == []
    finally:
        del bots[app.app_id]
    await bot.connected(app)
    assert caplog.text.count("another adapter has connected") == 1


async def test_a_stopped_link_acts_no_more_though_it_knows_who_it_is(bot, feishu_sandbox) -> None:
    """An event that still waits in its lane must not bring the bot of a disabled connector back."""
    app = await bot.add("one")
    await bot.answers(app)
    link = bot.links["one"]
    await bot.service.set_enabled(bot.root, "one", False)
    await feishu_sandbox.hub.wait_disconnected(app)
    with pytest.raises(LinkStopped):
        await bot.runtime._bots.of(link)
    assert app.app_id not in nonebot.get_bots()
    await bot.service.set_enabled(bot.root, "one", True)
    await bot.answers(app)


async def test_without_its_key_a_running_connector_goes_on(
    launch, manage, people, feishu_sandbox, sqlite_url, caplog
) -> None:
    """The key was changed behind its back: it says so, and does what it can without the secrets."""
    old, new = new_key(), new_key()
    bot = await launch(feishu_sandbox, sqlite_url, secret_key=SecretStr(old))
    app, other = await bot.add("one"), await bot.add("other")
    await bot.connected(app, other)
    shell = await manage(sqlite_url, secret_key=SecretStr(f"{new},{old}"))
    await shell.rotate_key(lambda _: None)
    await shell.service.update(people.shell, "other", {"prefix_command": "/x"})
    await bot.unless(lambda: "one: its secrets cannot be read" not in caplog.text)
    await bot.answers(app)
    assert len(feishu_sandbox.hub.opened(app)) == 1
    await shell.service.set_enabled(people.shell, "one", False)
    await feishu_sandbox.hub.wait_disconnected(app)
    await bot.answers(other)
    assert caplog.text.count("one: its secrets cannot be read") == 1


async def test_while_the_database_is_away_what_runs_goes_on(
    launch, manage, people, postgres, feishu_sandbox, caplog
) -> None:
    url = postgres.create_database()
    bot = await launch(feishu_sandbox, url)
    shell = await manage(url)
    one, two = await bot.add("one"), await bot.add("two", enabled=False)
    await bot.answers(one)
    await asyncio.to_thread(postgres.stop)
    try:
        await bot.unless(lambda: "changes of connectors are not seen for now" not in caplog.text, within=20)
        world = feishu_sandbox.world
        alice = world.add_user("Alice")
        asked = await world.say(alice, world.direct_chat(alice, one), "ping")
        (event,) = [
            d.event_id
            for d in feishu_sandbox.hub.deliveries
            if d.envelope["event"].get("message", {}).get("message_id") == asked.message_id
        ]
        assert (await feishu_sandbox.hub.wait_ack(event)).code == 500
        assert bot.links["one"].status.state == "connected"
    finally:
        await asyncio.to_thread(postgres.start)
    await world.wait_for(lambda m: m.sender is one and m.parent_id == asked.message_id, timeout=20)
    await shell.service.set_enabled(people.shell, "two", True)
    await bot.connected(two)
    assert len(feishu_sandbox.hub.opened(one)) == 1
    assert caplog.text.count("changes of connectors are not seen for now") == 1
    await bot.state(two, "connected")


async def test_logs_are_refused_in_time_while_the_database_is_away(
    manage, people, postgres, fields_of
) -> None:
    from nonebot_plugin_feishu_ws.storage import DatabaseUnavailable

    management = await manage(postgres.create_database())
    await asyncio.to_thread(postgres.stop)
    try:
        management.service.denied(people.nobody, "add")
        for asked in (
            management.service.logs(people.root, "one"),
            management.service.create(people.root, {"name": "a", "app_id": "cli_a", "app_secret": "s"}),
            management.service.status(people.root),
        ):
            with pytest.raises(DatabaseUnavailable):
                await asyncio.wait_for(asked, 10)
    finally:
        await asyncio.to_thread(postgres.start)
