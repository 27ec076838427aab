"""The plugin's own runtime, connected to a sandbox of the test's own: everything real but the company behind it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from nonebot.matcher import Matcher
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from pydantic import SecretStr
from reading import plain
from typing_extensions import override

from feishu_sandbox import App, Chat, Message, Sandbox, User


@dataclass
class Company:
    """A sandbox with one connected app, a user and a group."""

    sandbox: Sandbox
    app: App
    alice: User
    group: Chat
    runtime: Any

    @property
    def direct(self) -> Chat:
        return self.sandbox.world.direct_chat(self.alice, self.app)

    async def ask(self, text: str, chat: Chat | None = None, **how: Any) -> Message:
        """Alice says something, to the bot's direct chat by default."""
        return await self.sandbox.world.say(self.alice, chat or self.direct, text, **how)

    async def answer(self, asked: Message) -> Message:
        """The bot's reply to a message."""
        return await self.sandbox.world.wait_for(
            lambda message: message.sender is self.app and message.parent_id == asked.message_id, timeout=10
        )

    async def told(self, text: str, chat: Chat | None = None, **how: Any) -> str:
        """Ask, and read the reply."""
        return plain(await self.answer(await self.ask(text, chat, **how)))

    async def acked(self, asked: Message, n: int = 1) -> int:
        """The code of the n-th ack of a message's event."""
        return (await self.sandbox.hub.wait_ack(self.event_of(asked), n, timeout=20)).code

    def event_of(self, asked: Message) -> str:
        """The id of the event that carried a message."""
        return next(
            delivery.envelope["header"]["event_id"]
            for delivery in self.sandbox.hub.deliveries
            if delivery.envelope["event"].get("message", {}).get("message_id") == asked.message_id
        )

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for what nobody signals."""
        async with asyncio.timeout(15):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0)

    def replies(self) -> list[Message]:
        return [message for message in self.sandbox.world.messages.values() if message.sender is self.app]

    async def settled(self) -> None:
        """Everything said so far has been dispatched: a question after it was answered, in the same chat."""
        await self.told("whoami")
        await self.runtime.management.logbook.flush()

    async def logged(self, action: str) -> list[Any]:
        """Log rows of the app, oldest first."""
        await self.runtime.management.logbook.flush()
        page = await self.runtime.management.logbook.read(self.app.app_id, limit=500)
        return [entry for entry in reversed(page.entries) if entry.action == action]


@pytest.fixture(scope="session")
async def runtime() -> AsyncIterator[Any]:
    from nonebot_plugin_feishu_ws import running

    await running.prepare()
    yield running
    await running.close()


@pytest.fixture
def matchers() -> Iterator[list[type[Matcher]]]:
    """Those a test makes; gone with it."""
    made: list[type[Matcher]] = []
    yield made
    for matcher in made:
        matcher.destroy()


Connect = Callable[..., Awaitable[Company]]


@pytest.fixture
async def connect(feishu_sandbox: Sandbox, runtime: Any) -> AsyncIterator[Connect]:
    """Connects an app with the policy given as keyword arguments."""
    from nonebot_plugin_feishu_ws.connectors import ConnectorSpec

    connected: list[App] = []

    async def start(sandbox: Sandbox = feishu_sandbox, **policy: Any) -> Company:
        world = sandbox.world
        app, alice = world.add_app("Butler"), world.add_user("Alice")
        group = world.add_group("Everyone", [alice, app])
        connected.append(app)
        spec = ConnectorSpec(
            name=f"butler-{len(connected)}",
            app_id=app.app_id,
            app_secret=SecretStr(app.app_secret),
            domain=sandbox.url,
            **policy,
        )
        link = await runtime.connect(spec)
        await sandbox.hub.wait_connected(app)
        await runtime._bots.of(link)
        return Company(sandbox, app, alice, group, runtime)

    yield start
    await asyncio.gather(*(runtime.disconnect(app.app_id) for app in connected))


@pytest.fixture
async def company(connect: Connect) -> Company:
    return await connect()


class Collected(SpanProcessor):
    """Spans that have ended, while somebody collects them."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] | None = None

    @override
    def on_end(self, span: ReadableSpan) -> None:
        if self.spans is not None:
            self.spans.append(span)


@pytest.fixture(scope="session")
def collected() -> Collected:
    """As an operator sets it up: a provider, and that for good."""
    provider, processor = TracerProvider(), Collected()
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    return processor


@pytest.fixture
def spans(collected: Collected) -> Iterator[list[ReadableSpan]]:
    collected.spans = []
    yield collected.spans
    collected.spans = None
