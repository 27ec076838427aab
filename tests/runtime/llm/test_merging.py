"""Messages in quick succession through the runtime, the local Feishu, and a server that speaks OpenAI's language."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from model_server import ModelServer, Reply, serving
from office import Office, Open
from sqlmodel import col, select, update

from feishu_sandbox import Message
from nonebot_plugin_feishu_ws.butler.llm import model_of
from nonebot_plugin_feishu_ws.config import ButlerLimits
from nonebot_plugin_feishu_ws.delivery import why
from nonebot_plugin_feishu_ws.storage import (
    EventRow,
    EventState,
    MergedRow,
    OutboxRow,
    OutboxState,
    SpendingRow,
)
from nonebot_plugin_feishu_ws.texts.doctor import WhyTexts


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    async with serving() as server:
        yield server


Merging = Callable[..., Awaitable[Office]]


@pytest.fixture
def merging(server: ModelServer, open_office: Open) -> Merging:
    """A bot that merges what comes within so many seconds."""

    def start(window: float = 0.5, **more: Any) -> Awaitable[Office]:
        model = model_of("scripted", base_url=server.url, token="sk-test", seconds=20)
        return open_office(model=model, window=window, command=lambda turn: turn.text.startswith("/"), **more)

    return start


def asked_in(request: dict[str, Any]) -> str:
    """What the last question of a request says."""
    content = [message["content"] for message in request["messages"] if message["role"] == "user"][-1]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


async def rows(office: Office, table: Any) -> list[Any]:
    async with office.company.runtime.management.database.session() as session:
        found = select(table).where(table.connector == office.company.app.app_id)
        return list((await session.exec(found)).all())


async def waits(office: Office, asked: Message) -> None:
    """Until people see that a message is in line."""
    await office.company.until(lambda: [mark.emoji for mark in asked.reactions] == ["OneSecond"])


async def settled(office: Office) -> None:
    await office.company.runtime.drained()
    await office.company.runtime._inbox.flush()


async def test_three_messages_are_one_turn(merging: Merging, server: ModelServer) -> None:
    office = await merging()
    server.script = [Reply(text=["Blue, ", "all of them."])]
    first, second, last = [
        await office.company.ask(text) for text in ("which colour", "has the sky", "and the sea?")
    ]
    await office.ended(last, "Blue, all of them.")
    await settled(office)
    assert len(server.requests) == 1
    assert asked_in(server.requests[0]) == "which colour\nhas the sky\nand the sea?"
    assert office.answers(first) == office.answers(second) == []
    assert len(office.answers(last)) == 1
    events = [office.company.event_of(asked) for asked in (first, second, last)]
    assert {row.state for row in await rows(office, EventRow) if row.event_id in events} == {EventState.DONE}
    merged = {row.event_id: row.turn for row in await rows(office, MergedRow)}
    assert merged == {events[0]: events[2], events[1]: events[2]}
    assert [row.turns for row in await rows(office, SpendingRow)] == [1], "it counts once"


async def test_why_tells_where_a_message_went(merging: Merging, server: ModelServer) -> None:
    office = await merging()
    server.script = [Reply(text=["Yes."])]
    first, last = await office.company.ask("is it"), await office.company.ask("so?")
    await office.ended(last, "Yes.")
    await settled(office)
    management, apps = office.company.runtime.management, [office.company.app.app_id]

    async def told(message: Message) -> str:
        (story,) = await why(management.database, management.logbook, message.message_id, apps)
        return "\n".join(WhyTexts("en_US").story(story))

    assert f"Answered together with {last.message_id}, a later message (finished)" in await told(first)
    assert f"Answered together with it: {first.message_id}" in await told(last)

    async def give_up(session: Any) -> None:
        gone = update(EventRow).where(col(EventRow.message_id) == last.message_id)
        await session.exec(gone.values(state=EventState.DEAD))

    await management.database.write(give_up)
    assert f"Answered together with {last.message_id}, a later message (given up)" in await told(first)


async def test_files_of_all_come_along(merging: Merging, server: ModelServer) -> None:
    office = await merging()
    server.script = [Reply(text=["Two files."])]
    company = office.company
    for name, text in (("a.txt", b"one fish"), ("b.txt", b"two fish")):
        key = office.world.add_resource(company.alice, "file", text, name, "text/plain").key
        await company.ask("", msg_type="file", content={"file_key": key, "file_name": name})
    last = await company.ask("what is this?")
    await office.ended(last, "Two files.")
    sent = json.dumps(server.requests[0]["messages"])
    assert sent.index("what is this?") < sent.index("one fish") < sent.index("two fish")


async def test_what_comes_once_it_has_begun_is_the_next_turn(merging: Merging, server: ModelServer) -> None:
    office = await merging(0.1)
    gate = asyncio.Event()
    server.script = [Reply(text=["The ", "first."], gate=gate), Reply(text=["The rest."])]
    first = await office.ask("begin")
    await office.reply(first, "The")
    late = [await office.ask(text) for text in ("and then", "what else?")]
    others = await office.ask("me too", office.bob)
    for asked in late:
        await office.company.until(
            lambda asked=asked: [mark.emoji for mark in asked.reactions] == ["OneSecond"]
        )
    server.script.append(Reply(text=["Bob's."]))
    gate.set()
    await office.ended(first, "The first.")
    await office.ended(late[1], "The rest.")
    await office.ended(others, "Bob's.")
    await settled(office)
    alice = office.company.alice.open_id(office.company.app)
    assert asked_in(server.requests[1]) == f"[{alice}] and then\nwhat else?"
    assert len(server.requests) == 3
    assert office.answers(late[0]) == []
    await office.company.until(lambda: not any(asked.reactions for asked in [first, *late, others]))


async def test_commands_are_never_merged(merging: Merging, server: ModelServer) -> None:
    office = await merging()
    server.script = [Reply(text=["One."]), Reply(text=["Two."]), Reply(text=["Three."])]
    asked = [await office.company.ask(text) for text in ("hello", "/roll 2", "there")]
    for message, words in zip(asked, ("One.", "Two.", "Three."), strict=True):
        await office.ended(message, words)
    assert [asked_in(request) for request in server.requests] == ["hello", "/roll 2", "there"]


async def test_new_and_stop_take_effect_at_once(merging: Merging, server: ModelServer) -> None:
    office = await merging(5.0)
    for text in ("is anybody", "here?"):
        await waits(office, await office.company.ask(text))
    await office.reply(await office.company.ask("stop"), "Stopped (2)")
    await waits(office, await office.company.ask("is anybody here now?"))
    await office.reply(await office.company.ask("new"), "start afresh")
    await settled(office)
    assert server.requests == []


async def test_a_stop_ends_all_of_a_turn(merging: Merging, server: ModelServer) -> None:
    office = await merging(0.1)
    gate = asyncio.Event()
    server.script = [Reply(text=["Once upon", " a time"], gate=gate)]
    first, last = await office.company.ask("tell me"), await office.company.ask("a story")
    await office.reply(last, "Once upon")
    await office.reply(await office.company.ask("stop"), "Stopped (1)")
    await office.ended(last, "Once upon")
    gate.set()
    await settled(office)
    assert office.answers(first) == []


async def test_turned_off_each_is_answered(merging: Merging, server: ModelServer) -> None:
    office = await merging(0.0, limits=ButlerLimits(daily_turns=2))
    server.script = [Reply(text=["One."]), Reply(text=["Two."])]
    asked = [await office.company.ask(text) for text in ("a", "b", "c")]
    await office.ended(asked[0], "One.")
    await office.ended(asked[1], "Two.")
    await office.reply(asked[2], "used up")
    assert await rows(office, MergedRow) == []


async def _replayed(office: Office, texts: list[str], *before: Callable[[list[str]], Any]) -> list[Message]:
    """Messages whose events are handed out only once these rows are there, as after a crash."""
    runtime, held = office.company.runtime, list[Any]()
    submit, runtime._intake._submit = runtime._intake._submit, held.append
    asked = [await office.company.ask(text) for text in texts]
    runtime._intake._submit = submit
    events = [office.company.event_of(message) for message in asked]

    async def work(session: Any) -> None:
        session.add_all(row(events) for row in before)

    await runtime.management.database.write(work)
    for job in held:
        submit(job)
    return asked


async def test_what_was_merged_before_a_crash_is_neither_changed_nor_answered_twice(
    merging: Merging, server: ModelServer
) -> None:
    office = await merging(0.3)
    app_id = office.company.app.app_id
    server.script = [Reply(text=["Yes."]), Reply(text=["Fine."])]
    first, last, fresh = await _replayed(
        office,
        ["are you", "there?", "and well?"],
        lambda ids: MergedRow(connector=app_id, event_id=ids[0], turn=ids[1], position=0, text="are you"),
    )
    await office.ended(last, "Yes.")
    await office.ended(fresh, "Fine.")
    await settled(office)
    assert [asked_in(request) for request in server.requests] == ["are you\nthere?", "and well?"]
    assert office.answers(first) == []


async def test_what_was_begun_alone_before_a_crash_stays_alone(merging: Merging, server: ModelServer) -> None:
    """Its card is in the chat: the answer goes on there, and nowhere else."""
    office = await merging(0.3)
    app_id = office.company.app.app_id
    server.script = [Reply(text=["Yes."]), Reply(text=["Fine."])]
    said = OutboxRow(
        connector=app_id,
        uuid="u",
        reply_to="om_x",
        msg_type="text",
        content="{}",
        owner="",
        state=OutboxState.SENT,
    )
    first, second, third = await _replayed(
        office, ["there?", "and", "well?"], lambda ids: OutboxRow(**{**said.model_dump(), "event_id": ids[0]})
    )
    await office.ended(first, "Yes.")
    await office.ended(third, "Fine.")
    await settled(office)
    assert office.answers(second) == []
