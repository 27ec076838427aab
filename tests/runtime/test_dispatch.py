"""Once, in order, never waiting for another; whatever the network and the database do."""

import asyncio
import sqlite3

from nonebot import on_message, on_notice
from nonebot.adapters import Event
from reading import plain

from feishu_sandbox import ApiFault, ClientConfig, Drop, PushFault, Rules, Sandbox

async def test_one_chat_is_handled_in_order_of_arrival(company, matchers) -> None:
    heard: list[str] = []

    async def numbered(
        event: Event,
    ) -> bool:  # async: NoneBot runs a plain function in some thread, in any order
        return "message" in event.get_plaintext()

    listen = on_message(priority=1, block=True, rule=numbered)
    matchers.append(listen)

    @listen.handle()
    async def hear(event: Event) -> None:
        heard.append(event.get_plaintext())

    first = await company.ask("whoami")
    # Answers that must be fetched first (a quoted message) do not let later ones overtake.
    texts = [f"message {n}" for n in range(10)]
    for n, text in enumerate(texts):
        await company.ask(text, reply_to=first if n % 2 else None)
    await company.settled()
    assert heard == texts


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
            await sandbox.hub.wait_opened(company.app, n, timeout=10)
            assert "State: connected" in await company.told("status")


async def test_what_cannot_be_stored_is_not_acked_and_comes_again(connect, runtime) -> None:
    """Somebody else holds the database: no ack, no run. Free again: Feishu's next push is handled, once."""
    async with Sandbox(rules=Rules(ack_timeout=0.5, push_again_after=(0.1,) * 50)) as sandbox:
        company = await connect(sandbox)
        await company.settled()
        other = sqlite3.connect(runtime.management.database.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        asked = await company.ask("help")
        await sandbox.hub.wait_pushed(company.event_of(asked), 2, timeout=10)
        assert all(message.parent_id != asked.message_id for message in company.replies())
        other.execute("ROLLBACK")
        other.close()
        await company.answer(asked)
        await sandbox.hub.wait_delivery(company.event_of(asked), timeout=10)
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
        "to": None,
        "type": "post",
        "error": None,
    }
    assert rows[refused.message_id].level == "error"
    assert "230027" in rows[refused.message_id].detail["error"]
    assert company.alice.open_id(company.app) not in str(rows)
