"""A conversation as the model is shown it, and as it is kept."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pydantic_ai import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)

from ..history import History
from ..turn import Turn
from .material import remembered_as
from .runs import Call

MOST_KEPT = 60_000
"""Characters of JSON: some 15,000 tokens."""


def messages_of(kept: Sequence[Any]) -> list[ModelMessage]:
    """What is kept, as the model takes it; nothing, where another version has kept what this one cannot read."""
    try:
        return ModelMessagesTypeAdapter.validate_python(list(kept))
    except ValueError:
        return []


def remembered(history: History) -> list[ModelMessage]:
    """A conversation as the model is shown it: what came before in short, in the place of a message and no more."""
    recent = messages_of(window(history.messages))
    return (
        [*exchange(f"[What was said before, in short] {history.summary}", "…"), *recent]
        if history.summary
        else recent
    )


def kept_of(messages: Sequence[ModelMessage]) -> list[Any]:
    """Messages as JSON, without the system prompt: each turn has its own. Of what was attached the beginning."""
    plain = [
        replace(message, instructions=None) if isinstance(message, ModelRequest) else message
        for message in remembered_as(messages)
    ]
    return ModelMessagesTypeAdapter.dump_python(plain, mode="json")


def window(kept: Sequence[Any], most: int = MOST_KEPT) -> list[Any]:
    """The newest messages that fit, from a question on: a result without its call is refused by models' servers."""
    sizes = [len(json.dumps(message)) for message in kept]
    start = len(kept)
    total = 0
    for number in range(len(kept) - 1, -1, -1):
        total += sizes[number]
        if total > most:
            break
        if _is_question(kept[number]):
            start = number
    return list(kept[start:])


def exchange(question: str, answer: str) -> list[ModelMessage]:
    """A question and its answer."""
    return [ModelRequest(parts=[UserPromptPart(question)]), ModelResponse(parts=[TextPart(answer or "…")])]


def waiting(messages: Sequence[ModelMessage], calls: Sequence[Call], answer: str) -> list[ModelMessage]:
    """Messages whose last calls wait for people, as the next questions are to see them: with every call answered.

    A call without a result is refused by models' servers, and by pydantic-ai.
    """
    parts = [ToolReturnPart(call.tool, call.refused or _WAITS, call.id) for call in calls]
    return [*messages, ModelRequest(parts=parts), ModelResponse(parts=[TextPart(answer or "…")])]


_WAITS = "Not run yet: it waits for a person's approval."


_NO_WORDS = "[no words, only what is attached]"


def prompt_of(turn: Turn) -> str:
    """What was asked. In a group it says who asked, by id: a name is whatever somebody calls himself."""
    direct = turn.event.event.message.chat_type == "p2p"
    text = turn.text or _NO_WORDS
    return text if direct else f"[{turn.open_id}] {text}"


def instructions_of(turn: Turn, prompt: str, now: str) -> str:
    """The system prompt and the facts of the chat. Names only, nothing secret."""
    direct = turn.event.event.message.chat_type == "p2p"
    kind = (
        "a direct chat with one person"
        if direct
        else "a group chat; each message begins with its sender's id"
    )
    return "\n".join(
        [
            prompt,
            "",
            f"You are the bot {turn.bot.bot_info.app_name!r} on the connector {turn.connector!r}, in {kind}.",
            f"It is {now} (UTC).",
        ]
    )


def _is_question(message: Any) -> bool:
    parts: list[dict[str, Any]] = message.get("parts", [])
    return any(part.get("part_kind") == "user-prompt" for part in parts)
