"""Calls keep to Feishu's limits and to their order, and one limited chat leaves the others alone."""

import asyncio
import itertools
import random
import selectors
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from feishu_sandbox import Chat, Sandbox
from nonebot_plugin_feishu_ws.delivery import Pacer
from nonebot_plugin_feishu_ws.openapi import ApiCall, Facts, FeishuClient, RateLimited

MESSAGES = "/open-apis/im/v1/messages"


class QuickLoop(asyncio.SelectorEventLoop):
    """A loop on which nothing has to be waited for: time jumps to whatever happens next."""

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())
        self._jumped = 0.0

    @override
    def time(self) -> float:
        return self._jumped

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._jumped = max(self._jumped, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    """Run to the end on a loop of its own, in no time."""

    async def main() -> Any:
        return await work()

    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        return runner.run(main())


async def nothing() -> None:
    """A call that takes no time."""


def reply_to(message_id: str, app_id: str = "cli_a") -> ApiCall:
    return ApiCall(app_id, "POST", f"{MESSAGES}/{message_id}/reply")


def send_to(chat_id: str, app_id: str = "cli_a", kind: str = "chat_id") -> ApiCall:
    return ApiCall(app_id, "POST", MESSAGES, {"receive_id_type": kind}, {"receive_id": chat_id})


def most_within(times: list[float], seconds: float) -> int:
    """The largest number of these in any interval of that length."""
    times = sorted(times)
    return max(
        (sum(1 for at in times[index:] if at < start + seconds) for index, start in enumerate(times)),
        default=0,
    )


@settings(max_examples=40, deadline=None)
@given(
    delays=st.lists(st.tuples(st.floats(0, 0.6), st.floats(0, 0.6)), min_size=1, max_size=60),
    pauses=st.lists(st.floats(0, 1.5), min_size=1, max_size=60),
)
def test_no_window_of_feishus_ever_sees_too_many(
    delays: list[tuple[float, float]], pauses: list[float]
) -> None:
    """Wherever its windows begin and however long requests and answers travel."""

    async def work() -> None:
        pacer, counted, order = Pacer(), list[float](), list[int]()
        now = asyncio.get_running_loop().time

        async def call(number: int) -> None:
            there, back = delays[number % len(delays)]

            async def perform() -> None:
                await asyncio.sleep(there)
                counted.append(now())
                order.append(number)
                await asyncio.sleep(back)

            await pacer.run(send_to("oc_1"), perform)

        async with asyncio.TaskGroup() as group:
            for number, pause in zip(range(60), itertools.cycle(pauses), strict=False):
                group.create_task(call(number))
                await asyncio.sleep(pause if number % 7 == 0 else 0)
        assert most_within(counted, 1.0) <= 5
        assert order == list(range(60))

    run(work)


def test_each_api_of_each_app_has_its_own_limits() -> None:
    async def work() -> None:
        pacer, counted = Pacer(), defaultdict[str, list[float]](list)
        loop = asyncio.get_running_loop()

        async def call(app_id: str, path: str) -> None:
            async def perform() -> None:
                await asyncio.sleep(0.05)
                counted[app_id].append(loop.time())

            await pacer.run(ApiCall(app_id, "GET", path), perform)

        async with asyncio.TaskGroup() as group:
            for number in range(2000):
                group.create_task(call("cli_a", f"/open-apis/im/v1/chats/oc_{number}/members"))
            for number in range(50):
                group.create_task(call("cli_b", f"/open-apis/im/v1/chats/oc_{number}/members"))
        assert most_within(counted["cli_a"], 1.0) <= 50
        assert most_within(counted["cli_a"], 60.0) <= 1000
        assert max(counted["cli_a"]) < 85, "as fast as that allows"
        assert max(counted["cli_b"]) < 0.1
        await asyncio.sleep(62)
        await pacer.run(send_to("oc_1"), nothing)
        assert len(pacer) == 2, "what is idle is forgotten"

    run(work)


def test_a_refused_call_keeps_its_place_and_only_its_chat_waits() -> None:
    """faults.md 35, on the scheduler alone: 230020 and 11232 are the chat's, what the gateway refuses is the API's."""

    async def work(code: int, status: int) -> tuple[list[str], dict[str, float]]:
        pacer, order, at = Pacer(), list[str](), dict[str, float]()
        refusals = [RateLimited(Facts(msg="too fast", code=code, status=status, retry_after=3.0))]

        async def call(name: str, chat_id: str) -> None:
            async def perform() -> None:
                if name == "a1" and refusals:
                    raise refusals.pop()
                order.append(name)
                at[name] = asyncio.get_running_loop().time()

            await pacer.run(send_to(chat_id), perform)

        async with asyncio.TaskGroup() as group:
            for name, chat_id in (("a1", "oc_a"), ("a2", "oc_a"), ("b1", "oc_b")):
                group.create_task(call(name, chat_id))
                await asyncio.sleep(0.01)
        return order, at

    for code in (230020, 11232):
        order, at = run(lambda code=code: work(code, 400))
        assert order == ["b1", "a1", "a2"]
        assert at["b1"] < 0.1
        assert 3.0 <= at["a1"] < 3.1
    for status in (400, 429):
        order, at = run(lambda status=status: work(99991400, status))
        assert order.index("a1") < order.index("a2")
        assert 3.0 <= at["b1"] < 3.1, "it is the same API"


def test_patience_ends() -> None:
    async def work() -> None:
        pacer, tries = Pacer(patience=60), list[float]()
        now = asyncio.get_running_loop().time

        async def refused() -> None:
            tries.append(now())
            raise RateLimited(Facts(msg="too fast", code=230020))

        with pytest.raises(RateLimited):
            await pacer.run(send_to("oc_1"), refused)
        assert 30 < now() <= 60
        assert len(tries) >= 5, "again and again meanwhile"

        async def refused_for_long() -> None:
            raise RateLimited(Facts(msg="too fast", code=99991400, retry_after=3600))

        before = now()
        with pytest.raises(RateLimited):
            await pacer.run(send_to("oc_1"), refused_for_long)
        assert now() < before + 15, "an hour is more than anybody waits"
        await pacer.run(send_to("oc_2"), nothing)
        assert now() <= before + 75, "and nobody is kept for longer"

    run(work)


def test_whoever_is_cancelled_holds_nobody_up() -> None:
    async def work() -> None:
        pacer, done = Pacer(), list[int]()
        forever = asyncio.Event()

        async def call(number: int) -> None:
            async def perform() -> None:
                if number == 0:
                    await forever.wait()
                done.append(number)

            await pacer.run(send_to("oc_1"), perform)

        tasks = [asyncio.create_task(call(number)) for number in range(9)]
        await asyncio.sleep(1)
        assert done == []
        for number in (3, 0):
            tasks[number].cancel()
        await asyncio.wait(tasks)
        assert done == [1, 2, 4, 5, 6, 7, 8]
        await asyncio.sleep(100)
        await pacer.run(send_to("oc_2"), nothing)
        assert len(pacer) == 2

    run(work)


def test_a_reply_counts_in_the_chat_of_its_message() -> None:
    """Known from events and from answers to what was sent; a person's chat is that person."""

    async def work() -> None:
        pacer, counted = Pacer(), list[float]()

        async def call(call: ApiCall, answer: Any = None) -> None:
            async def perform() -> Any:
                counted.append(asyncio.get_running_loop().time())
                return answer

            await pacer.run(call, perform)

        pacer.learn("om_1", "oc_1")
        await call(
            send_to("ou_1", kind="open_id"), {"code": 0, "data": {"message_id": "om_2", "chat_id": "oc_1"}}
        )
        calls = [send_to("oc_1"), reply_to("om_1"), reply_to("om_2"), send_to("ou_1", kind="open_id")] * 3
        async with asyncio.TaskGroup() as group:
            for each in calls:
                group.create_task(call(each))
        assert most_within(counted, 1.0) == 5
        assert max(counted) < 2.5
        async with asyncio.TaskGroup() as group:
            for number in range(9):
                group.create_task(call(reply_to(f"om_unknown_{number}")))
        assert max(counted) < 2.5, "other messages are in other chats"

    run(work)


def test_how_long_a_burst_takes_and_that_other_chats_do_not_feel_it() -> None:
    """A hundred to one chat in at most 21 s; p95 of other chats is at most 100 ms meanwhile."""

    async def work() -> None:
        pacer, clock = Pacer(), asyncio.get_running_loop().time
        took: list[float] = []

        async def chatter(chat_id: str) -> None:
            while True:
                at = clock()
                await pacer.run(send_to(chat_id), nothing)
                took.append(clock() - at)
                await asyncio.sleep(random.uniform(0.5, 1.5))

        talk = [asyncio.create_task(chatter(f"oc_quiet_{number}")) for number in range(8)]
        async with asyncio.TaskGroup() as burst:
            for _ in range(100):
                burst.create_task(pacer.run(send_to("oc_busy"), nothing))
        assert clock() <= 21
        for task in talk:
            task.cancel()
        assert len(took) > 100
        assert sorted(took)[int(len(took) * 0.95)] <= 0.1

    run(work)


@pytest.mark.long
async def test_a_burst_of_a_hundred_to_one_chat(feishu_sandbox: Sandbox) -> None:
    """In order, without one refusal, and not before other chats' messages; on the wire."""
    world = feishu_sandbox.world
    app, alice = world.add_app("Butler"), world.add_user("Alice")
    busy = world.add_group("busy", [alice, app])
    others = [world.add_group(f"quiet {number}", [alice, app]) for number in range(8)]
    clock = asyncio.get_running_loop().time
    took: list[float] = []
    async with aiohttp.ClientSession() as session:
        client = FeishuClient(
            app.app_id, app.app_secret, base_url=feishu_sandbox.url, session=session, pace=Pacer()
        )
        await client.bot_info()  # a connection and a token

        async def say(chat: Chat, text: str) -> None:
            await client.send_message(chat.chat_id, "text", {"text": text})

        async def chatter(chat: Chat) -> None:
            while True:
                at = clock()
                await say(chat, "hello")
                took.append(clock() - at)
                await asyncio.sleep(random.uniform(0.5, 1.5))

        with world.subscribe() as changes:
            started = clock()
            burst = [asyncio.create_task(say(busy, str(number))) for number in range(100)]
            talk = [asyncio.create_task(chatter(chat)) for chat in others]
            await asyncio.gather(*burst)
            lasted = clock() - started
            for task in talk:
                task.cancel()
            await asyncio.wait(talk)
        calls = [change.data async for change in changes if change.kind == "api_call"]
    assert {call["code"] for call in calls} == {0}
    assert lasted <= 60  # whatever else the machine does; how long it really takes is the test above
    assert [message.text for message in world.messages_in(busy)] == [str(number) for number in range(100)]
    assert sorted(took)[int(len(took) * 0.95)] <= lasted / 10
