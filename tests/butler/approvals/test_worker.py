"""What was approved runs once, whatever happens in between; what became of it is told once."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, update

from nonebot_plugin_feishu_ws.butler.approvals import MayNotDecide, Refusal, TooManyWaiting
from nonebot_plugin_feishu_ws.storage import ApprovalRow, EventRow


def words(message: Any) -> str:
    return json.dumps(message.content, ensure_ascii=False)


async def told(world: Any, row: Any, text: str) -> Any:
    """The answer in the chat."""
    return await world.sandbox.world.wait_for(
        lambda message: (
            message.sender is world.app
            and message.msg_type == "post"
            and message.parent_id == row.message_id
            and text in words(message)
        ),
        timeout=10,
    )


async def card_of(world: Any, one: Any, row: Any, text: str = "") -> Any:
    """The card in the chat, once it shows a text."""
    return await world.sandbox.world.wait_for(
        lambda message: (
            message.sender is world.app
            and message.msg_type == "interactive"
            and message.parent_id == row.message_id
            and text in words(message)
        ),
        timeout=10,
    )


async def test_ask_approve_run_tell(one: Any, world: Any) -> None:
    row = await one.ask(service="api")
    card = await card_of(world, one, row)
    assert '{\\"replicas\\":1,\\"service\\":\\"api\\"}' in words(card)
    assert world.ledger == []
    assert (await one.decide(row)).won
    done = await one.until(row, "done")
    assert (done.result, world.ledger) == ("api runs", [("api", 1)])
    await told(world, row, "api runs")
    shown = await card_of(world, one, row, "deploy: done")
    assert shown.message_id == card.message_id
    assert "feishu_auth_decision" not in words(shown)
    (asked, ended) = await one.log("ws_auth_card")
    assert (asked.detail["approval"], ended.detail["state"]) == (row.id, "done")


async def test_the_event_handled_again_asks_no_second_time(one: Any, world: Any) -> None:
    """faults.md 43: the process died between asking and the end of the event."""
    tool, turn = one.tools.get("deploy"), await one.turn()
    first, _ = await one.asking.ask(turn, tool, {})
    again, _ = await one.asking.ask(turn, tool, {"service": "other"})
    other, _ = await one.asking.ask(turn, tool, {}, call="1")
    assert (again.id, again.arguments) == (first.id, first.arguments)
    assert other.id != first.id
    assert len(await one.rows.of(first)) == 1


async def test_asked_by_two_replicas_at_once(start: Any, world: Any, postgres: Any) -> None:
    url = postgres.create_database()
    replicas = [await start(url, working=False) for _ in range(2)]
    turn = await replicas[0].turn()
    rows = await asyncio.gather(
        *(replica.asking.ask(turn, replica.tools.get("deploy"), {}) for replica in replicas for _ in range(4))
    )
    assert len({row.id for row, _ in rows}) == 1


@pytest.mark.parametrize("how", ["reject", "cancel", "expire"])
async def test_no_is_no(start: Any, world: Any, database_url: str, how: str) -> None:
    """faults.md 40: what was rejected, taken back or has expired never runs; the card shows what it is."""
    one = await start(database_url, ttl=timedelta(seconds=0.3 if how == "expire" else 60))
    row = await one.ask()
    card = await card_of(world, one, row)
    if how != "expire":
        assert (await one.decide(row, 0 if how == "cancel" else 1, approved=False)).won
    end = {"reject": "rejected", "cancel": "cancelled", "expire": "expired"}[how]
    now = await one.until(row, end)
    late = await one.decide(row)
    assert (late.won, late.row.state) == (False, now.state)
    assert (
        await card_of(world, one, row, "taken back" if how == "cancel" else end)
    ).message_id == card.message_id
    if how != "cancel":
        await told(world, row, end)
    await one.worker.sweep()
    await one.worker.idle()
    assert world.ledger == []


async def test_a_click_after_its_time_that_nobody_noticed(start: Any, world: Any, database_url: str) -> None:
    """faults.md 40: the sweeper was late; the decision is refused all the same."""
    one = await start(database_url, ttl=timedelta(seconds=0.05), working=False)
    row = await one.ask()
    await asyncio.sleep(0.06)
    late = await one.decide(row)
    assert (late.won, late.row.state) == (False, "expired")


@pytest.mark.parametrize("what", ["arguments", "hash", "tool", "parameters", "gone", "late"])
async def test_not_what_was_approved(start: Any, world: Any, database_url: str, what: str) -> None:
    """faults.md 40: what would run now is not what somebody approved, so nothing runs."""
    one = await start(database_url, working=False)
    row = await one.ask(service="api")
    await one.decide(row)
    this = update(ApprovalRow).where(col(ApprovalRow.id) == row.id)
    expected = "hash"
    if what == "arguments":
        await one.database.write(lambda s: s.exec(this.values(arguments='{"replicas":9,"service":"api"}')))
    elif what == "hash":
        await one.database.write(lambda s: s.exec(this.values(arguments_hash="0" * 64)))
    elif what == "tool":
        one.tools.remove("deploy")
        expected = "tool"
    elif what == "parameters":
        expected = "tool"
        one.tools.remove("deploy")

        @one.tools.tool("deploy", requires_approval=True)
        async def deploy(service: str, replicas: int, force: bool = True) -> None:
            world.ledger.append("wrong")

    elif what == "gone":
        gone = update(EventRow).where(col(EventRow.event_id) == row.event_id).values(event_id="another")
        await one.database.write(lambda s: s.exec(gone))
        expected = "gone"
    else:
        old = row.created_at - timedelta(hours=2)
        await one.database.write(lambda s: s.exec(this.values(decided_at=old)))
        expected = "late"
    one.worker.start()
    now = await one.until(row, "failed")
    assert (now.error, world.ledger) == (expected, [])
    await told(world, row, "Nothing was run")


async def test_rights_are_looked_at_again_before_it_runs(start: Any, world: Any, database_url: str) -> None:
    """faults.md 47: whoever approved it has lost the right since; so has whoever asked."""
    one = await start(database_url, working=False)
    world.let(approvers=(world.id_of(1), world.id_of(2)))
    row = await one.ask()
    assert (await one.decide(row)).won
    world.let(approvers=(world.id_of(2),))
    one.worker.start()
    assert (await one.until(row, "failed")).error == "approver"

    allowed = True
    one.tools.remove("deploy")

    @one.tools.tool("deploy", requires_approval=True, allow=lambda turn: allowed)
    async def deploy() -> None:
        world.ledger.append("wrong")

    await one.worker.stop(1)
    row = await one.ask()
    assert (await one.decide(row, 2)).won
    allowed = False
    one.worker.start()
    assert (await one.until(row, "failed")).error == "asker"
    assert world.ledger == []


async def test_rights_are_looked_at_when_it_is_decided(one: Any, world: Any) -> None:
    """faults.md 47: whoever may no longer approve is refused."""
    world.let(approvers=(world.id_of(1), world.id_of(2)))
    row = await one.ask()
    world.let(approvers=(world.id_of(2),))
    with pytest.raises(MayNotDecide) as error:
        await one.decide(row)
    assert error.value.refusal is Refusal.NOT_AN_APPROVER
    assert (await one.log("ws_auth_card_decision"))[-1].detail["refused"] == "not_an_approver"


async def test_approvers_are_asked_directly(one: Any, world: Any) -> None:
    world.let(approvers=(world.id_of(0), world.id_of(1), world.id_of(2)))
    row = await one.ask()
    for n in (1, 2):
        direct = world.sandbox.world.direct_chat(world.people[n], world.app)
        card = await world.sandbox.world.wait_for(
            lambda message, chat=direct: message.chat is chat, timeout=10
        )
        assert card.msg_type == "interactive"
    assert len(await one.rows.of(row)) == 3
    await one.decide(row, 2)
    await one.until(row, "done")
    for card in await one.rows.of(row):
        await world.sandbox.world.wait_for(
            lambda message, card=card: (
                message.message_id == card.message_id and "deploy: done" in words(message)
            ),
            timeout=10,
        )


@pytest.mark.parametrize("idempotent", [False, True])
async def test_killed_in_the_middle(start: Any, world: Any, database_url: str, idempotent: bool) -> None:
    """faults.md 44: UNKNOWN, and a person looks; only what says it may is run again by another."""
    first = await start(database_url)
    begun, runs = asyncio.Event(), []

    def define(replica: Any) -> None:
        @replica.tools.tool("slow", requires_approval=True, idempotent=idempotent)
        async def slow() -> str:
            runs.append(replica)
            begun.set()
            if replica is first:
                await asyncio.Event().wait()
            return "finished"

    define(first)
    row = await first.ask("slow")
    await first.decide(row)
    await asyncio.wait_for(begun.wait(), 10)
    await first.die()
    second = await start(database_url)
    define(second)
    now = await second.until(row, "done" if idempotent else "unknown")
    assert runs == ([first, second] if idempotent else [first])
    assert now.error == (None if idempotent else "interrupted")
    await told(world, row, "finished" if idempotent else "nobody knows how far it came")
    await card_of(world, second, row, "done" if idempotent else "outcome unknown")


async def test_killed_between_approval_and_run(start: Any, world: Any, database_url: str) -> None:
    """faults.md 43: approved, and then nobody is there; the next one runs it, once."""
    first = await start(database_url, working=False)
    row = await first.ask()
    assert (await first.decide(row)).won
    await first.die()
    second = await start(database_url)
    await second.until(row, "done")
    assert world.ledger == [("web", 1)]


async def test_claimed_and_the_answer_was_lost(start: Any, world: Any, database_url: str) -> None:
    """The commit of the claim broke off: the row says we have it, and nothing was begun. It is begun now."""
    one = await start(database_url, working=False)
    row = await one.ask()
    await one.decide(row)
    assert await one.store.claim(row.id, one.lease.hold) == one.lease.id
    assert await one.store.claim(row.id, one.lease.hold) is None
    one.worker.start()
    await one.until(row, "done")
    assert world.ledger == [("web", 1)]


async def test_a_worker_taken_for_dead_writes_nothing(start: Any, world: Any, postgres: Any) -> None:
    """faults.md 31: it wakes up after others have given up its work; what it did is not written over that."""
    url = postgres.create_database()
    first, second = await start(url), await start(url, working=False)
    begun, go_on = asyncio.Event(), asyncio.Event()

    @first.tools.tool("slow", requires_approval=True)
    async def slow() -> str:
        begun.set()
        await go_on.wait()
        return "late"

    row = await first.ask("slow")
    await first.decide(row)
    await asyncio.wait_for(begun.wait(), 10)
    in_hand = first.worker._in_hand[row.id]
    task = first.worker._task
    task.cancel()
    from sqlmodel import delete

    from nonebot_plugin_feishu_ws.storage import WorkerRow

    me = delete(WorkerRow).where(col(WorkerRow.id) == first.lease.id)
    await first.database.write(lambda session: session.exec(me))
    second.worker.start()
    await second.until(row, "unknown")
    go_on.set()
    await asyncio.wait([in_hand])
    assert (await second.store.get(row.id)).state == "unknown"


async def test_a_tool_that_fails_or_takes_too_long(start: Any, world: Any, database_url: str) -> None:
    one = await start(database_url, limit=0.05)

    @one.tools.tool("fail", requires_approval=True)
    async def fail() -> None:
        raise RuntimeError("canary-of-the-tool")

    @one.tools.tool("slow", requires_approval=True)
    async def slow() -> None:
        await asyncio.Event().wait()

    failed, slow_row = await one.ask("fail"), await one.ask("slow")
    await asyncio.gather(one.decide(failed), one.decide(slow_row))
    now = await one.until(failed, "failed")
    assert "canary" not in f"{now.error}{now.result}"
    assert (await one.until(slow_row, "unknown")).error == "timeout"


async def test_a_card_that_cannot_be_updated(one: Any, world: Any) -> None:
    """faults.md 46: what was done stands; the card alone is tried again until it shows it."""
    from feishu_sandbox import ApiFault

    row = await one.ask()
    card = await card_of(world, one, row)
    world.sandbox.faults.add(ApiFault(method="PATCH", path="/open-apis/im/v1/messages/", status=500, times=2))
    await one.decide(row)
    await one.until(row, "done")
    assert world.ledger == [("web", 1)]
    await told(world, row, "web runs")
    assert "Approval needed" in words(world.sandbox.world.messages[card.message_id])
    await card_of(world, one, row, "deploy: done")
    assert world.ledger == [("web", 1)]


async def test_nobody_floods(one: Any, world: Any) -> None:
    rows = [await one.ask() for _ in range(20)]
    with pytest.raises(TooManyWaiting):
        await one.ask()
    await one.ask(asker=2)
    await one.decide(rows[0], approved=False)
    await one.until(rows[0], "rejected")
    await one.ask()
