"""Many clicks at once, on two replicas: one decision each, carried out once; everybody else is told what it was."""

import asyncio
import random
from collections import Counter
from typing import Any

from nonebot_plugin_feishu_ws.butler.approvals import Click
from nonebot_plugin_feishu_ws.storage import DatabaseUnavailable

APPROVALS, CLICKS = 200, 8


async def clicked(replica: Any, row: Any, card: str, n: int, approved: bool) -> Any:
    world = replica.world
    click = Click(row.id, approved, row.nonce, card, world.chat.chat_id)
    decision = await replica.deciding.click(replica.decider(n), click)
    replica.worker.wake()
    return decision


async def test_eight_clicks_on_each_of_two_hundred(start: Any, world: Any, postgres: Any) -> None:
    """faults.md 39: double clicks, several approvers, approve against reject (every other one), on two replicas."""
    world.let(approvers=(world.id_of(1), world.id_of(2)))
    url = postgres.create_database()
    replicas = [await start(url), await start(url)]
    for replica in replicas:
        replica.tools.remove("deploy")

        @replica.tools.tool("deploy", requires_approval=True)
        async def deploy(number: int) -> str:
            world.ledger.append(number)
            await asyncio.sleep(0)
            return str(number)

    tool = replicas[0].tools.get("deploy")
    turn = await replicas[0].turn()
    rows = []
    for number in range(APPROVALS):
        row = await _asked(replicas[number % 2], turn, tool, number)
        rows.append(row)

    async def one(row: Any, unanimous: bool) -> None:
        card = f"om_{row.id}"
        votes = [unanimous or random.random() < 0.5 for _ in range(CLICKS)]
        decisions = await asyncio.gather(
            *(clicked(replicas[i % 2], row, card, 1 + i % 2, approved) for i, approved in enumerate(votes))
        )
        assert sum(decision.won for decision in decisions) == 1
        (won,) = [decision for decision in decisions if decision.won]
        came = {"approved", "executing", "done"} if won.row.state != "rejected" else {"rejected"}
        assert {decision.row.state for decision in decisions} <= came

    room = asyncio.Semaphore(12)

    async def limited(row: Any, unanimous: bool) -> None:
        async with room:
            await one(row, unanimous)

    await asyncio.gather(*(limited(row, number % 2 == 0) for number, row in enumerate(rows)))
    while await replicas[0].store.due({world.app.app_id}, "", 1):
        for replica in replicas:
            await replica.worker.idle()
        await asyncio.sleep(0.05)
    for replica in replicas:  # nobody has anything to begin any more
        await replica.worker.idle()
    done = Counter(world.ledger)
    ends = [await replicas[0].store.get(row.id) for row in rows]
    assert max(done.values()) == 1
    assert set(done) == {number for number, row in enumerate(ends) if row.state == "done"}
    assert set(range(0, APPROVALS, 2)) <= set(done)


async def test_in_one_process_one_of_them_asks_the_database(one: Any, monkeypatch: Any) -> None:
    """If its write fails, the next one tries: nobody is told of a decision that was not made."""
    row = await one.ask()
    decide, get, tries, all_have_looked = one.store.decide, one.store.get, [], asyncio.Barrier(CLICKS)

    async def looked(*args: Any) -> Any:
        found = await get(*args)
        await all_have_looked.wait()
        return found

    async def counted(*args: Any) -> Any:
        tries.append(args)
        if len(tries) == 1:
            raise DatabaseUnavailable("gone")
        return await decide(*args)

    monkeypatch.setattr(one.store, "get", looked)
    monkeypatch.setattr(one.store, "decide", counted)
    votes = [one.deciding.decide(one.decider(1), row.id, n % 2 == 0) for n in range(CLICKS)]
    ends = await asyncio.gather(*votes, return_exceptions=True)
    monkeypatch.undo()
    decisions = [end for end in ends if not isinstance(end, DatabaseUnavailable)]
    assert len(decisions) == CLICKS - 1
    assert [decision.won for decision in decisions].count(True) == 1
    assert len({decision.row.state for decision in decisions}) == 1
    assert len(tries) == 2
    assert len(await one.log("ws_auth_card_decision")) == CLICKS - 1


async def _asked(replica: Any, turn: Any, tool: Any, number: int) -> Any:
    """Asked by somebody new each time, so that nobody floods; its card is there already, as message `om_<id>`."""
    from sqlmodel import col, update

    from nonebot_plugin_feishu_ws.butler.approvals import Question, canonical, hash_of
    from nonebot_plugin_feishu_ws.storage import ApprovalCardRow

    arguments = canonical(tool, {"number": number})
    question = Question(
        app_id=turn.app_id,
        chat_id=turn.chat_id,
        thread_id=None,
        message_id=turn.event.message_id,
        event_id=turn.event.event_id,
        call=str(number),
        asked_by=f"ou_{number}",
        tool="deploy",
        arguments=arguments,
        arguments_hash=hash_of("deploy", arguments),
        reason="",
        card_ids=(turn.chat_id,),
    )

    async def nothing(_session: Any, _row: Any) -> None: ...

    row, _ = await replica.questions.ask(question, nothing)
    card = update(ApprovalCardRow).where(col(ApprovalCardRow.approval_id) == row.id)
    await replica.database.write(lambda session: session.exec(card.values(message_id=f"om_{row.id}")))
    return row
