"""Letting the model answer, and showing what it does while it does."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from pydantic_ai import (
    Agent,
    AgentRunResult,
    AgentRunResultEvent,
    DeferredToolRequests,
    DeferredToolResults,
    FunctionToolCallEvent,
    FunctionToolset,
    ModelMessage,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    UsageLimits,
    UserContent,
)
from pydantic_ai.messages import ThinkingPart
from pydantic_ai.usage import RunUsage

from ...cards import StreamingCard
from ...config import ButlerLimits
from ...telemetry import Kind, span
from ...texts.llm import LlmTexts
from .endpoint import Trouble, trouble_of
from .markdown import tame

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

Result = AgentRunResult[str | DeferredToolRequests]
_LONGEST_ARGUMENTS = 200  # characters of a step
_BLIND = frozenset({"refused", "model", "down"})
_EVERY = 0.05  # seconds


class NoAnswer(Exception):  # noqa: N818 - it says what is the case
    """The model did not answer, or not to the end.

    Attributes:
        trouble: Why.
        begun: Whether the model had answered something: words, or a call.
    """

    def __init__(self, trouble: Trouble, *, begun: bool) -> None:
        super().__init__(trouble.facts)
        self.trouble = trouble
        self.begun = begun

    @property
    def maybe_blind(self) -> bool:
        """Whether it may be because the model takes no pictures: servers say that in many ways."""
        return not self.begun and self.trouble.kind in _BLIND


class Thinking:
    """One answer as the model writes it, over all its steps.

    Args:
        agent: The model.
        card: Where it is shown.
        texts: In the language of the connector.
        limits: For all steps together.
    """

    def __init__(
        self,
        agent: Agent[None, str | DeferredToolRequests],
        card: StreamingCard,
        texts: LlmTexts,
        limits: ButlerLimits,
    ) -> None:
        self._agent = agent
        self._card = card
        self._texts = texts
        self._most = UsageLimits(request_limit=limits.requests, total_tokens_limit=limits.tokens)
        self._blocks: list[str] = []
        self._next: asyncio.TimerHandle | None = None
        self._shown = False
        self.usage = RunUsage()
        self._begun = False

    @property
    def text(self) -> str:
        """What was said so far, as it may be shown."""
        return tame("\n\n".join(block.strip("\n") for block in self._blocks if block.strip()))

    async def go(
        self,
        toolset: FunctionToolset[None],
        instructions: str,
        history: Sequence[ModelMessage],
        prompt: Sequence[UserContent] | None = None,
        results: DeferredToolResults | None = None,
        *,
        within: float,
    ) -> Result:
        """Let the model go on until it has answered, or calls something that needs approval.

        Args:
            toolset: What it may call.
            instructions: The system prompt.
            history: What was said before.
            prompt: What is asked, or
            results: what became of the calls at the end of `history`.
            within: Seconds.

        Raises:
            NoAnswer: See there.
        """
        self._card.status(self._texts.thinking())
        clock = asyncio.timeout(within)
        try:
            async with (
                self._traced(),
                clock,
                self._agent.run_stream_events(
                    prompt,
                    message_history=history,
                    deferred_tool_results=results,
                    instructions=instructions,
                    toolsets=[toolset],
                    usage=self.usage,
                    usage_limits=self._most,
                ) as events,
            ):
                async for event in events:
                    if isinstance(event, AgentRunResultEvent):
                        return event.result
                    self._show(event)
        except Exception as error:
            if isinstance(error, TimeoutError) and clock.expired():
                trouble = Trouble("slow", f"no answer within {within:g} s")
            else:
                trouble = trouble_of(error, begun=bool(self._blocks))
            if trouble is None:
                raise
            raise NoAnswer(
                trouble, begun=self._begun
            ) from None  # the server's words may hold the key it was given
        finally:
            if self._next is not None:
                self._next.cancel()
                self._write_now()
        raise NoAnswer(Trouble("garbled", "the run has no result"), begun=True)

    @contextlib.asynccontextmanager
    async def _traced(self) -> AsyncGenerator[None]:
        before = self.usage.input_tokens, self.usage.output_tokens
        model = self._agent.model
        name = model if isinstance(model, str) else model.model_name if model else "none"
        facts = {"gen_ai__operation__name": "chat", "gen_ai__request__model": name}
        with span(f"chat {name}", Kind.CLIENT, **facts) as traced:
            try:
                yield
            finally:
                traced.set_attribute("gen_ai.usage.input_tokens", self.usage.input_tokens - before[0])
                traced.set_attribute("gen_ai.usage.output_tokens", self.usage.output_tokens - before[1])

    def said(self, text: str) -> None:
        """Begin behind what was said before a restart."""
        self._blocks.append(text)

    def _show(self, event: object) -> None:
        self._begun = self._begun or isinstance(event, PartStartEvent)
        match event:
            case PartStartEvent(part=TextPart(content=content)):
                self._blocks.append(content)
                self._write()
            case PartDeltaEvent(delta=TextPartDelta(content_delta=more)):
                self._blocks[-1] += more
                self._write()
            case PartStartEvent(part=ThinkingPart()):
                self._card.status(self._texts.thinking())
            case FunctionToolCallEvent(part=call):
                self._card.status(self._texts.using(call.tool_name))
                self._card.step(self._texts.used(call.tool_name, _short(call.args)))
            case _:
                pass

    def _write(self) -> None:
        """Show what there is: the first words at once, then not each time something is added, since all of it is looked
        through."""
        if self._next is None:
            if not self._shown:
                self._write_now()
            self._next = asyncio.get_running_loop().call_later(_EVERY, self._write_now)
        self._card.status(self._texts.writing())

    def _write_now(self) -> None:
        self._next = None
        text = self.text
        self._shown = bool(text)
        self._card.update(text)


def _short(arguments: Any) -> str:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    return text if len(text) <= _LONGEST_ARGUMENTS else f"{text[:_LONGEST_ARGUMENTS]}…"
