"""One answer of a model to one message: thought, asked for, waited for, said; each step stored before it is shown."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_ai import Agent, DeferredToolRequests, DeferredToolResults, ModelMessage, UserContent
from pydantic_ai.messages import ModelMessagesTypeAdapter
from sqlalchemy.exc import IntegrityError

from ...cards import Pace, StreamingCard
from ...config import ButlerLimits
from ...delivery import Fenced, Outbox, OutboxError
from ...openapi import FeishuError
from ...storage import Database, DatabaseUnavailable, RunRow, RunState, utc_now
from ...texts.llm import LlmTexts
from ..conversations import at_work
from ..history import Histories, History, HistoryChanged
from ..tools import ToolRegistry
from ..turn import Turn
from .compaction import Compaction
from .markdown import tame
from .material import stored, unseen
from .memory import exchange, instructions_of, kept_of, prompt_of, remembered, waiting, window
from .offering import Toolbox
from .people import outcome, put
from .runs import Call, Runs, calls_of
from .spending import Spending
from .stage import Stage
from .thinking import NoAnswer, Result, Thinking

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_SAVES = 3  # tries, where another process answers in the same conversation

ModelAgent = Agent[None, str | DeferredToolRequests]


@dataclass(frozen=True, slots=True)
class Means:
    """What every answer needs.

    Attributes:
        agent: The model.
        tools: What can be called.
        prompt: Of the operator; empty: ours.
        pace: Of cards.
    """

    agent: ModelAgent
    tools: ToolRegistry
    runs: Runs
    histories: Histories
    spending: Spending
    compaction: Compaction
    outbox: Outbox
    database: Database
    limits: ButlerLimits
    prompt: str = ""
    pace: Pace | None = None


class Answer:
    """One stage of an answer. `begin` it, or take it up again with `ask`, `resume` or `show`.

    Args:
        means: What it needs.
        turn: What is answered.
        number: Of the stage, see `RunRow.stage`.
    """

    def __init__(self, means: Means, turn: Turn, number: int = 0) -> None:
        self._means = means
        self._turn = turn
        self._number = number
        self._texts = LlmTexts(turn.texts.locale)
        self._toolbox = Toolbox(turn, means.tools, means.limits.tool_calls)
        self._stage = Stage(means.outbox, means.database, turn, number, means.pace)
        self._history = History()
        self._base: int | None = None
        self._note = ""
        self._asked = 0
        self._deadline = 0.0

    async def begin(self, attachments: Sequence[UserContent] = ()) -> None:
        """Answer what was asked.

        Args:
            attachments: What came with it, as the model takes it.
        """
        self._history = await self._means.histories.load(self._turn.conversation)
        base = remembered(self._history)
        self._base = len(base)
        await self._work(base, prompt=[prompt_of(self._turn), *attachments])

    async def resume(self, run: RunRow) -> None:
        """Go on once people have decided."""
        calls = calls_of(run)
        rows = await self._means.runs.approvals(run)
        told = {call.id: call.refused or outcome(rows.get(call.key)) for call in calls}
        self._note = "\n".join(f"[{call.tool} {call.arguments}] {told[call.id]}" for call in calls)
        messages = ModelMessagesTypeAdapter.validate_json(run.messages)
        await self._work(messages, results=DeferredToolResults(calls=dict(told)))

    async def ask(self, run: RunRow) -> None:
        """Ask people for the calls of a run that were not all asked for."""
        await self._work(
            ModelMessagesTypeAdapter.validate_json(run.messages), calls=calls_of(run), text=run.answer
        )

    async def show(self, run: RunRow) -> None:
        """Say what is known to be said."""
        card = await self._stage.card()
        await card.close(run.answer)
        await self._means.runs.done(run.connector, run.event_id, run.stage)

    # --- the work -----------------------------------------------------------------------------------------------

    async def _work(
        self,
        messages: list[ModelMessage],
        *,
        prompt: Sequence[UserContent] | None = None,
        results: DeferredToolResults | None = None,
        calls: list[Call] | None = None,
        text: str = "",
    ) -> None:
        if self._base is None:
            self._history = await self._means.histories.load(self._turn.conversation)
        self._deadline = asyncio.get_running_loop().time() + self._means.limits.seconds
        card = await self._stage.card()
        thinking = Thinking(self._means.agent, card, self._texts, self._means.limits)
        if text:
            thinking.said(text)
        card.open()
        ended = "failed"
        try:
            if calls is not None:
                results = await self._put_to_people(card, thinking, messages, calls)
                if results is None:
                    ended = "waiting"
                    return
            ended = await self._think(card, thinking, messages, prompt, results)
        except NoAnswer as error:
            ended = error.trouble.kind
            logger.warning(
                "%s: no answer to %s: %s",
                self._turn.connector,
                self._turn.event.message_id,
                error.trouble.facts,
            )
            words = self._texts.trouble(error.trouble.kind)
            await self._end(card, "\n\n".join(part for part in (thinking.text, words) if part), ())
        except asyncio.CancelledError:
            ended = "stopped"
            if (place := at_work()) is None or not place.stopped:
                await card.abandon()  # the message is handled again, and written on the same card
                raise
            said = thinking.text or self._texts.stopped()
            await self._end(card, said, exchange(self._question(), said), status=self._texts.stopped())
            raise
        except (DatabaseUnavailable, Fenced, FeishuError, OutboxError):
            await card.abandon()  # others go on with it, or nothing can be said
            raise
        except Exception:
            await card.close(thinking.text)  # a defect: the Butler says so
            raise
        finally:
            self._means.spending.use.turns.add(ended)
            with contextlib.suppress(DatabaseUnavailable):
                await self._means.spending.add(self._turn.app_id, self._turn.open_id, thinking.usage)

    async def _think(
        self,
        card: StreamingCard,
        thinking: Thinking,
        messages: list[ModelMessage],
        prompt: Sequence[UserContent] | None,
        results: DeferredToolResults | None,
    ) -> str:
        """Returns how it ends, see `Use.turns`."""
        toolset = await self._toolbox.offered()
        instructions = instructions_of(
            self._turn, self._means.prompt or self._texts.prompt(), f"{utc_now():%Y-%m-%d %H:%M}"
        )
        while True:
            within = self._deadline - asyncio.get_running_loop().time()
            try:
                result: Result = await thinking.go(
                    toolset, instructions, messages, prompt, results, within=max(within, 0.0)
                )
            except NoAnswer as error:
                prompt = unseen(prompt or ()) if error.maybe_blind else None
                if prompt is None:
                    raise
                logger.info("%s: asked again without pictures: %s", self._turn.connector, error.trouble.facts)
                continue
            messages = result.all_messages()
            if isinstance(result.output, str):
                answer = thinking.text or tame(result.output) or self._texts.empty()
                await self._end(card, answer, self._new(messages, answer))
                return "answered"
            calls = [
                Call(call.tool_call_id, call.tool_name, call.args_as_json_str(), self._key())
                for call in result.output.calls
            ]
            await self._store(RunState.ASKING, thinking.text, (), messages=stored(messages), calls=calls)
            results = await self._put_to_people(card, thinking, messages, calls)
            if results is None:
                return "waiting"
            prompt = None

    async def _put_to_people(
        self, card: StreamingCard, thinking: Thinking, messages: list[ModelMessage], calls: list[Call]
    ) -> DeferredToolResults | None:
        """Ask; None: somebody was asked, and the answer ends here for now. Else what the model is told."""
        card.status(self._texts.using("…"))
        calls = [await put(self._turn, self._means.tools, call, thinking.text) for call in calls]
        if all(call.refused for call in calls):
            self._toolbox.decided()
            return DeferredToolResults(calls={call.id: call.refused for call in calls})
        words = self._texts.waits([call.tool for call in calls if not call.refused])
        answer = "\n\n".join(part for part in (thinking.text, words) if part)
        new = self._new(messages, answer)
        await self._store(
            RunState.WAITING,
            answer,
            new if self._base is None else waiting(new, calls, answer),
            messages=stored(messages),
            calls=calls,
        )
        await card.close(answer)
        return None

    # --- how it ends --------------------------------------------------------------------------------------------

    async def _end(
        self, card: StreamingCard, answer: str, new: Sequence[ModelMessage], *, status: str = ""
    ) -> None:
        """Store what is said in the end, then say it."""
        await self._store(RunState.ANSWERED, answer, new)
        await card.close(answer, status=status)
        await self._means.runs.done(self._turn.app_id, self._turn.event.event_id, self._number)
        self._means.compaction.soon(self._turn)

    async def _store(
        self,
        state: RunState,
        answer: str,
        new: Sequence[ModelMessage],
        *,
        messages: str = "[]",
        calls: Sequence[Call] = (),
    ) -> None:
        """Store the run, and with it what the conversation is remembered by."""
        means, turn, added = self._means, self._turn, kept_of(new)
        for _ in range(_SAVES if added else 0):
            history = self._history
            try:
                await means.runs.put(
                    turn,
                    self._number,
                    state,
                    messages=messages,
                    calls=calls,
                    answer=answer,
                    also=lambda session, history=history: means.histories.put(
                        session,
                        turn.conversation,
                        history,
                        window([*history.messages, *added]),
                        history.summary,
                        turn.open_id,
                    ),
                )
            except (HistoryChanged, IntegrityError):
                self._history = await means.histories.load(turn.conversation)
            else:
                return
        if added:
            logger.warning("%s: an answer is not remembered: others answer there, too", turn.connector)
        await means.runs.put(turn, self._number, state, messages=messages, calls=calls, answer=answer)

    def _new(self, messages: Sequence[ModelMessage], answer: str) -> list[ModelMessage]:
        """What this adds to the conversation. What goes on after people have decided adds that as a message: what was
        said when the calls were made is there already, and others may have spoken since."""
        if self._base is None:
            return exchange(self._question(), answer)
        return list(messages[self._base :])

    def _question(self) -> str:
        return self._note or prompt_of(self._turn)

    def _key(self) -> str:
        self._asked += 1
        return f"{self._number}.{self._asked}"
