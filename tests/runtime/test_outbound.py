"""The Butler's answers on their way out: committed, said once, whole or with a word about what is missing."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from reading import plain
from sqlmodel import col, select

from feishu_sandbox import ApiFault, Message
from nonebot_plugin_feishu_ws import butler
from nonebot_plugin_feishu_ws.delivery import why
from nonebot_plugin_feishu_ws.storage import OutboxRow


@pytest.fixture
def tool() -> Iterator[Any]:
    """Registers tools for one test."""
    before = {known.name for known in butler.tools}
    yield butler.tool
    for known in butler.tools:
        if known.name not in before:
            butler.tools.remove(known.name)


async def rows_for(company: Any, asked: Message) -> list[OutboxRow]:
    wanted = select(OutboxRow).where(col(OutboxRow.reply_to) == asked.message_id)
    async with company.runtime.management.database.session() as session:
        return list((await session.exec(wanted)).all())


def answers(company: Any, asked: Message) -> list[Message]:
    return [message for message in company.replies() if message.parent_id == asked.message_id]


async def test_an_answer_that_is_committed_is_delivered_and_not_made_again(company, tool) -> None:
    """faults.md 29: stopped between the commit and Feishu's taking it; the event is handled again."""
    runs: list[int] = []

    @tool
    async def count() -> str:
        runs.append(1)
        return f"run {len(runs)}"

    assert await company.told("whoami")  # everything is awake
    fault = company.sandbox.faults.add(ApiFault(path="/reply", status=503))
    asked = await company.ask("count")
    async with asyncio.timeout(20):
        while not fault.struck:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
    spec = company.runtime._supervisor.get(company.app.app_id).spec
    await company.runtime.disconnect(company.app.app_id)
    [row] = await rows_for(company, asked)
    assert row.final
    assert row.state in ("queued", "sending")
    assert answers(company, asked) == []
    company.sandbox.faults.clear()
    await company.runtime.connect(spec)
    assert plain(await company.answer(asked)) == "run 1"
    await company.runtime.drained()
    assert runs == [1]
    assert len(answers(company, asked)) == 1


async def test_an_answer_lost_on_its_way_is_said_once(company, tool) -> None:
    """faults.md 34; and the log tells it."""

    @tool
    async def hello() -> str:
        return "hello"

    company.sandbox.faults.add(ApiFault(path="/reply", drop=True, after=True, times=1))
    asked = await company.ask("hello")
    said = await company.answer(asked)
    await company.runtime.drained()
    await company.runtime._outbox.drained()
    assert len(answers(company, asked)) == 1
    [row] = await rows_for(company, asked)
    assert (row.state, row.attempts, row.message_id, row.final) == ("sent", 2, said.message_id, True)
    management = company.runtime.management
    [story] = await why(management.database, management.logbook, asked.message_id, [company.app.app_id])
    assert said.message_id in [getattr(chapter, "message_id", None) for chapter in story.chapters]


async def test_many_short_lines_are_cut_to_what_feishu_takes(company, tool) -> None:
    """faults.md 37: few characters, but each line weighs."""
    lines = [f'"{n % 10}' for n in range(1300)]

    @tool
    async def listing() -> str:
        return "\n".join(lines)

    asked = await company.ask("listing")
    await company.answer(asked)
    await company.runtime.drained()
    said = answers(company, asked)
    assert 1 < len(said) <= 5
    assert "\n".join(map(plain, said)) == "\n".join(lines)


async def test_what_cannot_be_uploaded_is_not_lost_in_silence(company, tool) -> None:
    """faults.md 37: the beginning is shown, and that there is more."""

    @tool
    async def novel() -> str:
        return "\n".join(f"line {n} {'x' * 60}" for n in range(2000))

    company.sandbox.faults.add(ApiFault(path="/im/v1/files", status=400, code=234007, times=1))
    asked = await company.ask("novel")
    await company.answer(asked)
    await company.runtime.drained()
    said = [plain(message) for message in answers(company, asked)]
    assert said[0].startswith("line 0 ")
    assert len(said) == 6
    assert "not shown" in said[-1]
    asked = await company.ask("novel")
    await company.answer(asked)
    await company.runtime.drained()
    assert [message.msg_type for message in answers(company, asked)] == ["post", "file"]
