"""A bot whose model is a script, in a local Feishu."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic_ai import ModelMessage
from pydantic_ai.models.function import DeltaToolCall
from reading import read, values

from feishu_sandbox import Message, User


def is_stream(message: Message) -> bool:
    """Whether it is an answer's card rather than an approval's."""
    return message.msg_type == "interactive" and "feishu_auth_decision" not in json.dumps(message.content)


@dataclass
class Office:
    """A company whose bot has a scripted model: each step of the script answers one request to it."""

    company: Any
    bob: User
    group: Any
    brain: Any
    script: list[Any]
    seen: list[str] = field(default_factory=list)
    """What was sent to the model with each request: every message, and the system prompt."""
    offered: list[list[str]] = field(default_factory=list)

    @property
    def world(self) -> Any:
        return self.company.sandbox.world

    async def ask(self, text: str, user: User | None = None) -> Message:
        return await self.world.say(user or self.company.alice, self.group, text, mentions=[self.company.app])

    async def reply(self, asked: Message, words: str) -> Message:
        """The first answer to a message that says something."""
        return await self.world.wait_for(
            lambda m: m.sender is self.company.app and m.parent_id == asked.message_id and words in read(m),
            timeout=15,
        )

    async def ended(self, asked: Message, words: str) -> Message:
        """An answer's card that says something, and will not change any more."""
        return await self.world.wait_for(
            lambda m: (
                m.parent_id == asked.message_id
                and is_stream(m)
                and words in read(m)
                and not any(value.get("action") == "feishu_stop" for value in values(m))
            ),
            timeout=15,
        )

    async def approval(self, asked: Message) -> Message:
        return await self.world.wait_for(
            lambda m: m.parent_id == asked.message_id and bool(values(m)) and not is_stream(m), timeout=15
        )

    async def click(self, user: User, card: Message, value: dict[str, Any]) -> Any:
        return await self.world.click(user, card.message_id, {"tag": "button", "value": value})

    async def decide(self, card: Message, approved: bool = True) -> None:
        value = next(value for value in values(card) if value["approved"] is approved)
        assert (await self.click(self.bob, card, value)).error is None

    def answers(self, asked: Message) -> list[Message]:
        return [
            m
            for m in self.world.messages.values()
            if m.sender is self.company.app and m.parent_id == asked.message_id
        ]


def says(*pieces: str) -> Any:
    """A step that streams a text."""

    async def step(_: list[ModelMessage]) -> AsyncIterator[Any]:
        for piece in pieces:
            yield piece

    return step


def calls(*wanted: tuple[str, Any], text: str = "") -> Any:
    """A step that calls tools."""

    async def step(_: list[ModelMessage]) -> AsyncIterator[Any]:
        if text:
            yield text
        yield {
            number: DeltaToolCall(
                name=name,
                json_args=arguments if isinstance(arguments, str) else json.dumps(arguments),
                tool_call_id=f"call_{number}",
            )
            for number, (name, arguments) in enumerate(wanted)
        }

    return step


Open = Callable[..., Awaitable[Office]]
