"""Answers that are streamed into a local Feishu: what a person sees meanwhile, and in the end."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feishu_sandbox import ApiFault, App, Chat, Message, Rules, Sandbox
from nonebot_plugin_feishu_ws.cards import Pace, StreamingCard
from nonebot_plugin_feishu_ws.openapi import ChatUnavailable, FeishuClient, TransportError

RULES = Rules(
    card_operations_per_second=10**6,
    card_updates_per_second=10**6,
    sends_per_second=10**6,
    api_per_second=10**6,
    api_per_minute=10**6,
)
PACE = Pace(interval=0.002, replaced=0.002, retry_first=0.005, retry_most=0.02, patience=5.0)
STOP = {"action": "stop", "turn": "t1"}
ENTITY = r"/cardkit/v1/cards"
CONTENT = r"/content$"


@dataclass
class Room:
    """A chat with a bot that streams into it."""

    feishu: Sandbox
    app: App
    chat: Chat
    client: FeishuClient
    sent: dict[str, str] = field(default_factory=dict)
    """Message ids by part."""
    attempts: "itertools.count[int]" = field(default_factory=itertools.count)

    def stream(self, *, name: str | None = None, pace: Pace = PACE, **options: Any) -> StreamingCard:
        """A new answer, or another attempt at the answer of this name."""
        prefix = name or f"answer-{next(self.attempts)}"

        async def send(part: str, msg_type: str, content: str) -> str:
            sent = await self.client.send_message(
                self.chat.chat_id, msg_type, content, uuid=f"{prefix}-{part}"
            )
            self.sent[part] = sent.message_id
            return sent.message_id

        return StreamingCard(self.client, send, locale="en_US", pace=pace, **options)

    @property
    def messages(self) -> list[Message]:
        return [message for message in self.feishu.world.messages_in(self.chat) if message.sender is self.app]

    @property
    def text(self) -> str:
        """The answer as a person reads it: in the messages with the whole of it if there are any, else on the cards."""
        whole = [message_id for part, message_id in self.sent.items() if part.startswith("whole")]
        shown = [message for message in self.messages if not whole or message.message_id in whole]
        return "".join(message.text or words_of(message) for message in shown)

    @property
    def gave_up(self) -> bool:
        return any(part.startswith("whole") for part in self.sent)

    async def sees(self, wanted: str | Callable[[Message], bool]) -> Message:
        """The first message that shows this."""
        if isinstance(wanted, str):
            return await self.feishu.world.wait_for(
                lambda message: wanted in json.dumps(message.content, ensure_ascii=False)
            )
        return await self.feishu.world.wait_for(wanted)

    def calls(self, path: str = "") -> list[dict[str, Any]]:
        return [
            change.data
            for change in self.feishu.world.feed.history
            if change.kind == "api_call"
            and path in change.data["path"]
            and "/open-apis/auth" not in change.data["path"]
        ]


def elements(message: Message) -> dict[str, Any]:
    return {one.get("element_id", one["tag"]): one for one in message.content["body"]["elements"]}


def words_of(message: Message) -> str:
    if message.msg_type == "text":
        return ""
    shown = elements(message)
    content = (shown.get("text") or shown["markdown"])["content"]
    return "" if content == "…" else content


@pytest.fixture
async def make_room() -> AsyncIterator[Callable[..., Any]]:
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

        async def make(**rules: Any) -> Room:
            feishu = await stack.enter_async_context(Sandbox(rules=replace(RULES, **rules)))
            app = feishu.world.add_app("Robot")
            chat = feishu.world.direct_chat(feishu.world.add_user("Ada"), app)
            client = FeishuClient(app.app_id, app.app_secret, base_url=feishu.url, session=session, timeout=2)
            return Room(feishu, app, chat, client)

        yield make


@pytest.fixture
async def room(make_room: Any) -> Room:
    return await make_room()


# As it should be


async def test_an_answer_from_the_first_word_to_the_last(room):
    async with room.stream(title="Answer", stop=STOP) as card:
        card.status("Thinking <at id=all></at>")
        thinking = await room.sees("Thinking")
        assert thinking.content["config"]["streaming_mode"] is True
        assert thinking.content["header"]["title"]["content"] == "Answer"
        assert "<at" not in elements(thinking)["status"]["content"]
        assert elements(thinking)["stop"]["behaviors"] == [{"type": "callback", "value": STOP}]
        card.step("search: *weather*")
        message = await room.sees("search")
        assert elements(message)["steps"]["expanded"] is False
        card.status("")
        for end in (3, 6, 9):
            card.update("sunny and warm"[:end])
            await room.sees(lambda message, end=end: words_of(message) == "sunny and warm"[:end])
        card.update("sunny and warm")
    assert room.text == "sunny and warm"
    (message,) = room.messages
    assert set(elements(message)) == {"steps", "text"}
    assert message.content["config"] == {"update_multi": True, "summary": {"content": "sunny and warm"}}
    assert len(card.card_ids) == 1


async def test_text_is_typed_and_the_latest_wins(room):
    began = asyncio.get_running_loop().time()
    async with room.stream(pace=replace(PACE, interval=0.1)) as card:
        await room.sees("…")
        for end in range(1, 200):
            card.update("x" * end)
            await asyncio.sleep(0)
        await room.sees("x" * 199)
    took = asyncio.get_running_loop().time() - began
    calls = room.calls("/content")
    assert len(calls) <= 1 + took / 0.1
    assert json.loads(calls[-1]["request"])["content"] == "x" * 199


async def test_the_first_words_are_not_kept_waiting_by_the_status(room):
    async with room.stream(pace=replace(PACE, interval=0.1)) as card:
        card.status("Thinking")
        await room.sees("Thinking")
        card.status("Writing")
        card.update("sunny")
        await room.sees("Writing")
        assert words_of(room.messages[0]) == "sunny"
        card.update("sunny and warm")
        card.status("Still writing")
        await room.sees("sunny and warm")
        await room.sees("Still writing")
    written = [call["path"].split("/")[-2] for call in room.calls("/content")]
    assert written[:2] == ["text", "status"], "the first words first"
    assert written[2:4] == ["status", "text"], "but no text holds up the status for ever"


async def test_ten_operations_a_second_are_kept(make_room):
    """The real rules and the real pace."""
    rules = Rules()
    room = await make_room(
        **{name: getattr(rules, name) for name in ("card_operations_per_second", "sends_per_second")}
    )
    async with room.stream(pace=Pace(interval=0.15)) as card:
        for end in range(1, 121):
            card.update("word " * end)
            card.status(f"{end}")
            await asyncio.sleep(0.01)
    assert room.text == "word " * 120
    assert {call["code"] for call in room.calls()} == {0}
    assert len(room.calls("/content")) > 4


async def test_code_and_tables_are_never_shown_half(room):
    async with room.stream() as card:
        card.update("Look:\n```py\nprint(")
        message = await room.sees("print(")
        assert words_of(message) == "Look:\n```py\nprint(\n```"
        card.update("Look:\n```py\nprint()\n```\n| a | b |\n|--")
        await room.sees(lambda message: words_of(message) == "Look:\n```py\nprint()\n```\n")
        card.update("Look:\n```py\nprint()\n```\n| a | b |\n|---|---|\n| 1 |")
        await room.sees(lambda message: words_of(message).endswith("|---|---|\n"))
    assert words_of(message) == "Look:\n```py\nprint()\n```\n| a | b |\n|---|---|\n| 1 |"


async def test_a_long_answer_goes_on_on_the_next_card(room):
    text = "\n\n".join(f"{number}: " + "长" * 200 for number in range(100))
    async with room.stream(title="Long", stop=STOP) as card:
        for end in range(0, len(text), 2000):
            card.update(text[:end])
            await asyncio.sleep(0.005)
        card.update(text)
    assert room.text == text
    assert len(room.messages) > 3
    titles = [message.content["header"]["title"]["content"] for message in room.messages]
    assert titles[:3] == ["Long", "Long (2)", "Long (3)"]
    for message in room.messages:
        assert "streaming_mode" not in message.content["config"]
        assert "stop" not in elements(message)
        assert len(json.dumps(message.content, ensure_ascii=False).encode()) < 30 * 1024


async def test_more_tables_than_a_card_takes(room):
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
    text = table * 6 + "| a | b |\n|---|---|"
    async with room.stream() as card:
        card.update(text)
    assert room.text == text
    assert len(room.messages) == 3
    assert {call["code"] for call in room.calls()} == {0}, "one was refused"


async def test_a_text_that_is_rewritten(room):
    async with room.stream() as card:
        card.update("first " * 8000)
        await room.sees(lambda _: len(room.messages) == 3)
        card.update("something else")
        await room.sees("something else")
    assert room.text == "something else"
    assert not room.gave_up


async def test_a_card_in_place_of_the_text(room):
    final = {"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "Approve?"}]}}
    card = room.stream(stop=STOP)
    card.open()
    card.update("I need your approval.")
    await room.sees("approval")
    await card.close(final)
    (message,) = room.messages
    assert message.content == final


async def test_nothing_at_all(room):
    async with room.stream():
        pass
    (message,) = room.messages
    assert words_of(message) == ""
    assert elements(message)["text"]["content"] == "…"


async def test_who_stopped_it_stays_above_it(room):
    card = room.stream(stop=STOP)
    card.open()
    card.update("half an ans")
    await room.sees("half")
    await card.close(status="Stopped by Ada")
    shown = elements(room.messages[0])
    assert shown["status"]["content"] == "Stopped by Ada"
    assert "stop" not in shown


async def test_a_brain_that_fails_leaves_the_card_to_others(room):
    card = room.stream()

    async def brain() -> None:
        async with card:
            card.update("half")
            await room.sees("half")
            raise RuntimeError("brain")

    with pytest.raises(RuntimeError, match="brain"):
        await brain()
    assert room.text == "half"
    later = room.stream(name="answer-0", earlier=card.card_ids)
    await later.close("half and half")
    assert room.text == "half and half"
    assert len(room.messages) == 1


async def test_another_attempt_whose_entity_is_gone(room):
    card = room.stream(earlier=["1"])
    await card.close("here")
    assert room.text == "here"
    (card_id,) = card.card_ids
    assert card_id != "1"


# Trouble


async def test_a_stream_closed_by_feishu_ends_as_one_message(make_room):
    """faults.md 38: closed at 10 min → one message with the whole text, no storm of calls."""
    now = [1_700_000_000.0]
    room = await make_room(clock=lambda: now[0], token_ttl=10**9)
    async with room.stream(stop=STOP) as card:
        card.update("first")
        message = await room.sees("first")
        now[0] += 601
        card.update("first second")
        await room.sees("whole answer follows")
        before = len(room.calls())
        for end in range(100):
            card.update("first second " + "more " * end)
            await asyncio.sleep(0)
        assert len(room.calls()) == before
        card.update("first second third")
    old, whole = room.messages
    assert old is message
    assert words_of(whole) == "first second third"
    assert "stop" not in elements(old)
    assert [call["code"] for call in room.calls()] == [0, 0, 200850, 0, 0]


async def test_it_is_closed_and_nothing_else_works_either(make_room):
    """faults.md 38, as users report it: every later call on the card is refused with 300309."""
    room = await make_room()
    async with room.stream() as card:
        card.update("first")
        await room.sees("first")
        room.feishu.faults.add(ApiFault(path=ENTITY, code=300309, status=400))
        card.update("first second")
    assert [words_of(message) for message in room.messages] == ["first", "first second"]
    assert [call["code"] for call in room.calls()].count(300309) <= 2


async def test_a_long_answer_whose_stream_was_closed_is_plain_text(room):
    room.feishu.faults.add(ApiFault(path=CONTENT, code=200850, status=400))
    text = "\n".join(f"{number} " + "长" * 300 for number in range(300))
    async with room.stream() as card:
        await room.sees("…")
        card.update(text[:500])
        await room.sees("whole answer follows")
        card.update(text)
    assert [message.msg_type for message in room.messages] == ["interactive", "text", "text", "text"]
    assert [call["code"] for call in room.calls() if call["code"]] == [200850]
    assert room.text == text


async def test_no_card_is_left_as_if_it_went_on(room):
    """The first of two cards refuses its steps: given up is the second, too."""
    text = "长" * 10_000
    async with room.stream(stop=STOP) as card:
        card.update(text)
        await room.sees(
            lambda message: (
                len(room.messages) == 2 and words_of(message) == text[len(words_of(room.messages[0])) :]
            )
        )
        room.feishu.faults.add(ApiFault(method="PUT", path=r"/cards/\d+$", code=200740, status=400, times=2))
        card.step("search")
        await room.sees("whole answer follows")
    first, second, *whole = room.messages
    for message in (first, second):
        assert "streaming_mode" not in message.content["config"]
        assert "stop" not in elements(message)
    assert "".join(message.text for message in whole) == text


@pytest.mark.parametrize(("code", "status"), [(99991672, 400), (300303, 400), (404, 404)])
async def test_without_cardkit_the_card_is_replaced(room, code, status):
    room.feishu.faults.add(ApiFault(path=ENTITY, code=code, status=status))
    async with room.stream(stop=STOP) as card:
        card.update("one")
        message = await room.sees("one")
        assert "streaming_mode" not in message.content["config"]
        assert "stop" in elements(message)
        card.update("one two")
        await room.sees("one two")
        card.update("长" * 20_000)
    assert room.text == "长" * 20_000
    assert "stop" not in elements(room.messages[0])
    assert len(room.calls(ENTITY)) == 1


async def test_without_any_card_it_is_text(room):
    room.feishu.faults.add(ApiFault(path=ENTITY, code=99991672, status=400))
    room.feishu.faults.add(ApiFault(method="PATCH", path="/im/", code=230099, status=400))
    async with room.stream() as card:
        card.update("one")
        await room.sees("one")
        room.feishu.faults.add(ApiFault(method="POST", path="/im/", code=230099, status=400, times=1))
        card.update("one two")
    assert [message.msg_type for message in room.messages] == ["interactive", "text"]
    assert room.messages[-1].text == "one two"


async def test_where_nothing_can_be_said_the_caller_is_told(room):
    room.feishu.faults.add(ApiFault(path="/im/", code=230002, status=400))
    card = room.stream()
    with pytest.raises(ChatUnavailable):
        await card.close("lost?")
    assert len(room.calls()) < 6


async def test_an_outage_in_the_middle(room):
    async with room.stream(stop=STOP) as card:
        card.update("before")
        message = await room.sees("before")
        outage = room.feishu.faults.add(ApiFault(drop=True))
        card.update("before and during")
        with room.feishu.world.subscribe() as changes:
            async with asyncio.timeout(20):
                dropped = [await anext(changes) for _ in range(3)]
        assert {change.kind for change in dropped} == {"api_call"}
        card.update("before, during and after")
        closing = asyncio.create_task(card.close())
        await asyncio.sleep(0)
        room.feishu.faults.remove(outage)
        await closing
    assert room.text == "before, during and after"
    assert room.messages == [message]
    assert "stop" not in elements(message)


async def test_an_outage_without_end(room):
    """The cards are given up in time, and who sends is told (an outbox would keep the message)."""
    card = room.stream(pace=replace(PACE, patience=0.05))
    card.open()
    card.update("before")
    await room.sees("before")
    room.feishu.faults.add(ApiFault(drop=True))
    with pytest.raises(TransportError):
        await card.close("before and after")


async def test_only_the_cards_are_out_of_order(room):
    card = room.stream(pace=replace(PACE, patience=0.05))
    card.open()
    card.update("before")
    await room.sees("before")
    room.feishu.faults.add(ApiFault(path=ENTITY, status=500, code=300120))
    await card.close("before and after")
    assert words_of(room.messages[-1]) == "before and after"
    assert len(room.messages) == 2


@pytest.mark.parametrize("refused", [False, True])
async def test_a_lost_answer_is_no_second_message(room, refused):
    """faults.md 34, on a card: nothing is shown twice, and what is shown in the end is the end."""
    if refused:
        room.feishu.faults.add(ApiFault(path=ENTITY, code=99991672, status=400))
    room.feishu.faults.add(ApiFault(method="POST", path="/im/", after=True, drop=True, times=1))
    card = room.stream(pace=replace(PACE, retry_first=0.1))
    card.open()
    for text in ("one", "two", "one"):
        card.update(text)
        await room.sees(lambda message, text=text: words_of(message) == text)
    # Twice, because the HTTP client itself tries a PUT once more.
    room.feishu.faults.add(ApiFault(method="PUT|PATCH", after=True, drop=True, times=2))
    card.update("one two")
    await room.sees("one two")
    card.update("one")
    await room.sees(lambda message: words_of(message) == "one")
    await card.close()
    assert room.text == "one"
    assert len(room.messages) == 1


async def test_a_limit_is_waited_for(room):
    limit = {"x-ogw-ratelimit-reset": "1"}
    room.feishu.faults.add(ApiFault(path=CONTENT, status=429, code=99991400, headers=limit, times=1))
    async with room.stream() as card:
        await room.sees("…")
        card.update("one")
        began = asyncio.get_running_loop().time()
        await room.sees("one")
        assert asyncio.get_running_loop().time() - began > 0.9
    assert room.text == "one"


async def test_somebody_else_writes_on_the_card(room):
    """300317: the sequence leaps over theirs."""
    async with room.stream() as card:
        card.update("one")
        await room.sees("one")
        (card_id,) = card.card_ids
        config = {"summary": {"content": "theirs"}}
        await room.client.cards.configure(card_id, config, sequence=2_000_000_000 - 200_000_000)
        card.update("one two")
        await room.sees("one two")
    assert room.text == "one two"


async def test_a_click_on_stop_while_it_writes(room):
    """200810: a card that is being clicked takes nothing; it is written again."""
    async with room.stream(stop=STOP) as card:
        card.update("one")
        message = await room.sees("one")
        entity = room.feishu.world.cards.of(message)
        entity.interactions += 1
        card.update("one two")
        with room.feishu.world.subscribe() as changes:
            async with asyncio.timeout(20):
                await anext(change async for change in changes if change.data.get("code") == 200810)
        entity.interactions -= 1
        await room.sees("one two")
    assert len(room.messages) == 1


@pytest.mark.parametrize("rule", [{"max_card_size": 6000}, {"max_card_tables": 1}])
async def test_a_platform_that_takes_less_than_it_says(make_room, rule):
    room = await make_room(**rule)
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n\n" * 3 + "words\n" * 1000
    async with room.stream() as card:
        card.update(text[:100])
        await room.sees("| 1 | 2 |")
        card.update(text)
    assert room.text == text
    assert not room.gave_up


async def test_a_platform_that_takes_next_to_nothing(make_room):
    room = await make_room(max_card_size=700)
    async with room.stream() as card:
        card.update("word " * 500)
    assert room.text == "word " * 500


PASSING = st.builds(
    lambda fault, how: fault.model_copy(update=how),
    st.builds(
        ApiFault,
        path=st.sampled_from([CONTENT, ENTITY, "/im/", ".*"]),
        method=st.sampled_from([".*", "PUT", "POST", "PATCH"]),
        times=st.integers(1, 4),
    ),
    st.sampled_from(
        [
            {"drop": True},
            {"drop": True, "after": True},
            {"status": 502, "body": "<html>"},
            {"status": 429, "code": 99991400},
            {"status": 400, "code": 200810},
            {"delay": 0.01},
        ]
    ),
)
REFUSALS = st.builds(
    ApiFault,
    path=st.sampled_from([CONTENT, ENTITY, "/im/v1/messages/"]),
    method=st.sampled_from([".*", "PUT", "PATCH"]),
    status=st.just(400),
    code=st.sampled_from([300317, 99991663, 99991672, 200850, 300309, 300313, 200860, 200740, 230099]),
    times=st.integers(1, 4),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    deltas=st.lists(
        st.text(st.characters(exclude_characters="`~<…", exclude_categories=["Cs"]), max_size=30), max_size=12
    ),
    times=st.sampled_from([1, 1, 40, 400]),
    faults=st.lists(PASSING | REFUSALS, max_size=5),
)
async def test_whatever_happens_no_text_is_lost(room, deltas, times, faults):
    for message in list(room.feishu.world.messages):
        del room.feishu.world.messages[message]
    room.sent.clear()
    room.feishu.faults.clear()
    for fault in faults:
        room.feishu.faults.add(fault)
    card = room.stream(stop=STOP)
    card.open()
    text = ""
    for delta in deltas:
        text += delta * times
        card.update(text)
        await asyncio.sleep(0.002)
    await card.close()
    assert room.text == text
    if text and not room.gave_up:
        assert not any("streaming_mode" in message.content["config"] for message in room.messages)
