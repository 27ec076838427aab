"""Once, in order, never waiting for another; whatever the network and the database do."""

import asyncio
import sqlite3

import pytest
from nonebot import on_message, on_notice
from nonebot.adapters import Event
from nonebot.matcher import Matcher
from reading import plain
from sqlmodel import delete

from feishu_sandbox import ApiFault, ClientConfig, Drop, PushFault, Rules, Sandbox
from nonebot_plugin_feishu_ws import CardActionEvent
from nonebot_plugin_feishu_ws.adapter import Bot, Handling, handling
from nonebot_plugin_feishu_ws.delivery import Fenced, dead_letters, replay
from nonebot_plugin_feishu_ws.storage import WorkerRow


def listening(matchers: list[type[Matcher]]) -> list[str]:
    """What is said with "message" in it, in the order in which handlers begin."""
    heard: list[str] = []

    async def numbered(
        event: Event,
    ) -> bool:  # async: a plain function NoneBot runs in some thread, in any order
        return event.get_type() == "message" and "message" in event.get_plaintext()

    listen = on_message(priority=1, block=True, rule=numbered)
    matchers.append(listen)

    @listen.handle()
    async def hear(event: Event) -> None:
        heard.append(event.get_plaintext())

    return heard


def nobody(company) -> ApiFault:
    """The platform does not tell who the bot is: what comes is stored and acked, but cannot be handed out."""
    return ApiFault(path=".*/bot/v3/info", code=99991400, app_id=company.app.app_id)


TEXTS = [f"message {n}" for n in range(10)]


async def test_one_chat_is_handled_in_order_of_arrival(company, matchers) -> None:
    """faults.md 19."""
    heard = listening(matchers)
    first = await company.ask("whoami")
    # Answers that must be fetched first (a quoted message) do not let later ones overtake.
    for n, text in enumerate(TEXTS):
        await company.ask(text, reply_to=first if n % 2 else None)
    await company.settled()
    assert heard == TEXTS


async def test_chats_do_not_wait_for_each_other(company, matchers) -> None:
    """faults.md 19: one chat's lane stands still (the message it quotes does not come), the other's goes on."""
    heard = listening(matchers)
    first = await company.ask("whoami", company.group)
    company.sandbox.faults.add(
        ApiFault(path=f".*/{first.message_id}", delay=1.5, app_id=company.app.app_id, times=1)
    )
    await company.ask("message 1", company.group, reply_to=first)
    await company.ask("message 2", company.group)
    for text in TEXTS[3:]:
        await company.ask(text)
    await company.until(lambda: len(heard) == 9)
    assert heard == [*TEXTS[3:], "message 1", "message 2"]


async def test_what_waited_is_handled_before_what_comes_after(company, runtime, matchers) -> None:
    """faults.md 19: the dispatcher was behind, its connector was stopped over it, and came back."""
    heard = listening(matchers)
    link = runtime._supervisor.get(company.app.app_id)
    fault = company.sandbox.faults.add(nobody(company))
    hub = company.sandbox.hub
    await runtime.disconnect(company.app.app_id)
    await runtime.connect(link.spec)
    await hub.wait_opened(company.app, 2)
    for text in TEXTS[:3]:
        assert await company.acked(await company.ask(text)) == 200
    # Replaced: what waits goes to the next link, before what comes by that.
    await runtime.disconnect(company.app.app_id, replaced=True)
    await runtime.connect(link.spec)
    await hub.wait_opened(company.app, 3)
    for text in TEXTS[3:6]:
        assert await company.acked(await company.ask(text)) == 200
    company.sandbox.faults.remove(fault)
    for text in TEXTS[6:]:
        await company.ask(text)
    await company.until(lambda: len(heard) >= 10)
    await company.settled()
    assert heard == TEXTS
    assert runtime.room.in_hand == 0


async def test_a_link_that_is_replaced_in_mid_lane_does_not_change_the_order(
    company, runtime, matchers
) -> None:
    """faults.md 19: one waits for what it quotes, behind it are the old link's, then the new one's."""
    heard = listening(matchers)
    link, hub = runtime._supervisor.get(company.app.app_id), company.sandbox.hub
    first = await company.ask("whoami")
    await company.answer(first)
    company.sandbox.faults.add(
        ApiFault(path=f".*/{first.message_id}", delay=1.5, app_id=company.app.app_id, times=1)
    )
    await company.ask(TEXTS[0], reply_to=first)
    for text in TEXTS[1:5]:
        assert await company.acked(await company.ask(text)) == 200
    await runtime.disconnect(company.app.app_id, replaced=True)
    await runtime.connect(link.spec)
    await hub.wait_opened(company.app, 2)
    for text in TEXTS[5:]:
        assert await company.acked(await company.ask(text)) == 200
    assert heard == []
    await company.until(lambda: len(heard) == 10)
    assert heard == TEXTS


async def test_after_a_restart_what_was_left_comes_first(
    launch, feishu_sandbox, sqlite_url, matchers
) -> None:
    """faults.md 19: events an earlier process stored and did not handle."""
    heard = listening(matchers)
    world = feishu_sandbox.world
    bot = await launch(feishu_sandbox, sqlite_url)
    app = await bot.add("butler")
    await bot.connected(app)
    await bot.stop()
    fault = feishu_sandbox.faults.add(ApiFault(path=".*/bot/v3/info", code=99991400, app_id=app.app_id))
    bot = await launch(feishu_sandbox, sqlite_url)
    await bot.connected(app)
    alice = world.add_user("Alice")
    chat = world.direct_chat(alice, app)
    for text in TEXTS[:5]:
        await world.say(alice, chat, text)
        await feishu_sandbox.hub.wait_ack(feishu_sandbox.hub.deliveries[-1].envelope["header"]["event_id"])
    await bot.stop()
    assert heard == []
    bot = await launch(feishu_sandbox, sqlite_url)
    await bot.connected(app)
    for text in TEXTS[5:]:
        await world.say(alice, chat, text)
    feishu_sandbox.faults.remove(fault)
    await bot.unless(lambda: len(heard) < 10)
    await bot.runtime.drained()
    assert heard == TEXTS


async def test_a_handler_that_takes_its_time_keeps_nobody_waiting(company, matchers) -> None:
    """faults.md 20: ten minutes, or whatever it takes; its ack comes at once, and so does the next message's."""
    begun, release = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> bool:
        return event.get_plaintext() == "slow"

    work = on_message(priority=1, block=True, rule=slow)
    matchers.append(work)

    @work.handle()
    async def labour() -> None:
        begun.set()
        await release.wait()
        await work.send("done")

    asked = await company.ask("slow")
    async with asyncio.timeout(1):
        assert await company.acked(asked) == 200
    await asyncio.wait_for(begun.wait(), 5)
    heard = listening(matchers)
    for text in TEXTS:
        await company.ask(text)
    await company.until(lambda: len(heard) == 10)
    release.set()
    assert plain(await company.answer(asked)) == "done"


async def test_poison_is_tried_a_few_times_and_then_put_aside(
    company, runtime, monkeypatch, matchers
) -> None:
    """faults.md 21: an event over which we ourselves fail. (What a handler raises is NoneBot's to report.)"""
    monkeypatch.setattr("nonebot_plugin_feishu_ws.runtime.upkeep._SWEEP_EVERY", 0.01)
    heard, tried = listening(matchers), 0
    complete = Bot.complete

    def broken(bot: Bot, event) -> None:
        nonlocal tried
        if "poison" in event.get_plaintext():
            tried += 1
            raise RuntimeError("a defect")
        complete(bot, event)

    monkeypatch.setattr(Bot, "complete", broken)
    poison = await company.ask("message of poison")
    await company.ask("message 1")
    await company.until(lambda: heard)
    assert heard == ["message 1"]
    await company.until(lambda: tried == 5)
    rows = []
    async with asyncio.timeout(20):
        while not rows:
            rows = await company.logged("ws_dead_letter")
    assert [(row.event_id, row.message_id) for row in rows] == [(company.event_of(poison), poison.message_id)]
    assert "a defect" in rows[0].detail["error"]
    await company.ask("message 2")
    await company.until(lambda: len(heard) == 2)
    assert tried == 5
    monkeypatch.setattr(Bot, "complete", complete)  # mended
    assert await replay(runtime.management.database, rows[0].connector, company.event_of(poison)) == 1
    await company.until(lambda: len(heard) == 3)
    assert heard[2] == "message of poison"
    await runtime.drained()
    assert runtime.room.in_hand == 0
    assert await dead_letters(runtime.management.database, [rows[0].connector]) == []


async def test_fenced_off_it_lets_go_and_what_is_free_is_handled_anew(
    company, runtime, monkeypatch, matchers
) -> None:
    """faults.md 31: others took this process for dead. Its handlers are ended, and may not send; nobody else being
    there, it takes its events over itself, under its new name."""
    monkeypatch.setattr("nonebot_plugin_feishu_ws.runtime.upkeep._SWEEP_EVERY", 0.01)
    release = asyncio.Event()
    runs: list[Handling] = []
    ended: list[str] = []
    clicked, answered = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> bool:
        return event.get_type() == "message" and event.get_plaintext() == "slow"

    work, click = on_message(priority=1, block=True, rule=slow), on_notice(priority=1, block=True)
    matchers += [work, click]

    @work.handle()
    async def labour() -> None:
        runs.append(handling.get())
        try:
            await release.wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        ended.append("finished")

    @click.handle()
    async def take(event: CardActionEvent) -> None:
        assert handling.get() is None
        clicked.set()
        await release.wait()
        answered.set()

    link = runtime._supervisor.get(company.app.app_id)
    card = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "?"}]}}
    sent = await link.client.send_message(company.direct.chat_id, "interactive", card)
    clicking = asyncio.create_task(
        company.sandbox.world.click(company.alice, sent.message_id, {"tag": "button", "value": {}})
    )
    asked = await company.ask("slow")
    await company.until(lambda: runs and clicked.is_set())
    await runs[0].confirm()

    async def remove(session) -> None:
        await session.exec(delete(WorkerRow))

    await runtime.management.database.write(remove)
    await runtime._lease.renew()
    with pytest.raises(Fenced):
        await runs[0].confirm()
    await company.until(lambda: len(runs) == 2)
    assert ended == ["cancelled"]
    assert [run.event_id for run in runs] == [company.event_of(asked)] * 2
    await runs[1].confirm()
    release.set()
    await runtime.drained()
    assert ended == ["cancelled", "finished"]
    assert answered.is_set()
    await clicking
    assert runtime.room.in_hand == 0


async def test_a_message_pushed_again_is_handled_once(company) -> None:
    company.sandbox.faults.add(PushFault(event_type="im.message.receive_v1", copies=3, times=1))
    asked = await company.ask("help")
    await company.answer(asked)
    await company.settled()
    assert len([message for message in company.replies() if message.parent_id == asked.message_id]) == 1
    rows = await company.logged("ws_filtered")
    assert [row.detail["reason"] for row in rows] == ["duplicate", "duplicate"]


async def test_it_comes_back_after_every_kind_of_drop(connect) -> None:
    config = ClientConfig(reconnect_nonce=0, reconnect_interval=1)
    async with Sandbox(rules=Rules(client_config=config)) as sandbox:
        company = await connect(sandbox)
        for n, how in enumerate(("fin", "rst", "close"), start=2):
            sandbox.faults.add(Drop(how=how))
            await sandbox.hub.wait_opened(company.app, n, timeout=20)
            assert "State: connected" in await company.told("status")


async def test_what_cannot_be_stored_is_not_acked_and_comes_again(connect, runtime) -> None:
    """Somebody else holds the database: no ack, no run. Free again: Feishu's next push is handled, once."""
    async with Sandbox(rules=Rules(ack_timeout=0.5, push_again_after=(0.1,) * 50)) as sandbox:
        company = await connect(sandbox)
        await company.settled()
        other = sqlite3.connect(runtime.management.database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        asked = await company.ask("help")
        await sandbox.hub.wait_pushed(company.event_of(asked), 2, timeout=20)
        assert all(message.parent_id != asked.message_id for message in company.replies())
        other.execute("ROLLBACK")
        other.close()
        await company.answer(asked)
        await sandbox.hub.wait_delivery(company.event_of(asked), timeout=20)
        await company.settled()
        assert len([m for m in company.replies() if m.parent_id == asked.message_id]) == 1


async def test_other_events_reach_plugins_typed(company, matchers) -> None:
    from nonebot.adapters.feishu import MessageReactionCreatedEvent

    seen: asyncio.Future[tuple[str, bool]] = asyncio.get_running_loop().create_future()
    notice = on_notice(priority=1, block=False)
    matchers.append(notice)

    @notice.handle()
    async def note(event: MessageReactionCreatedEvent) -> None:
        if not seen.done():
            seen.set_result((event.event.message_id, True))

    asked = await company.ask("whoami")
    await company.answer(asked)
    await company.sandbox.world.react(company.alice, asked.message_id, "THUMBSUP")
    assert await asyncio.wait_for(seen, 10) == (asked.message_id, True)


async def test_what_the_bot_says_is_logged_and_what_it_says_is_not(company) -> None:
    asked = await company.ask("whoami")
    answer = await company.answer(asked)
    company.sandbox.faults.add(ApiFault(path=".*/reply", code=230027, msg="no permission", times=1))
    refused = await company.ask("whoami")
    await company.settled()
    rows = {row.message_id: row for row in await company.logged("ws_outbound")}
    assert rows[asked.message_id].detail == {
        "sent": answer.message_id,
        "to": company.direct.chat_id,
        "type": "post",
        "state": "sent",
        "error": None,
    }
    assert rows[refused.message_id].level == "error"
    assert "230027" in rows[refused.message_id].detail["error"]
    assert company.alice.open_id(company.app) not in str(rows)
