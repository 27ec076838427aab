"""The brain that is a model: it answers on a growing card, calls our tools, and waits where people decide."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.models import Model

from ...cards import Pace
from ...config import ButlerLimits
from ...delivery import Lease, Outbox
from ...storage import Database, RunRow, RunState
from ...texts.llm import LlmTexts
from ..conversations import Place, at_work
from ..history import Histories
from ..inputs import inputs_of
from ..tools import ToolRegistry
from ..turn import Standing, Turn
from .answer import Answer, Means, ModelAgent
from .compaction import LONG, Compaction
from .endpoint import close
from .material import material
from .merges import Merges, rebuilt, together
from .runs import Runs
from .spending import Spending

KEPT = timedelta(days=7)
"""So long an answer is known to have been given; Feishu pushes for less, and approvals wait for a day at most."""


class LlmBrain:
    """Answers with a model. It is a `Brain` that is `Remembering` and `Merging`.

    Args:
        model: Of pydantic-ai.
        tools: What it can call, with the rights of whoever asks.
        database: started.
        lease: This process at work.
        outbox: The way to Feishu.
        limits: Of the settings.
        prompt: The system prompt; empty: ours, in the connector's language.
        pace: Of cards.
        long: Characters of JSON from which on a conversation is made shorter.
        others: Whether a message is for another plugin, which has taken it.
        window: Of merging, see `Merging.window`; 0: no messages are merged.
        kept: For how long answers are known to have been given.
        command: Whether a message begins as a command does; such are never merged.
    """

    def __init__(
        self,
        model: Model,
        tools: ToolRegistry,
        database: Database,
        lease: Lease,
        outbox: Outbox,
        *,
        limits: ButlerLimits,
        prompt: str = "",
        pace: Pace | None = None,
        long: int = LONG,
        others: Callable[[Turn], bool] = lambda _: False,
        window: float = 0.0,
        kept: timedelta = KEPT,
        command: Callable[[Turn], bool] = lambda _: False,
    ) -> None:
        self._model = model
        self._others = others
        self.window = window
        self._kept = kept
        self._command = command
        self._merges = Merges(database, lease)
        agent: ModelAgent = Agent(model, output_type=[str, DeferredToolRequests])
        self.runs = Runs(database, lease)
        histories, spending = Histories(database), Spending(database, limits)
        self._means = Means(
            agent,
            tools,
            self.runs,
            histories,
            spending,
            Compaction(model, histories, spending, long=long),
            outbox,
            database,
            limits,
            prompt,
            pace,
        )
        self.use = spending.use
        """What was used of the model in this process."""
        self._running: dict[tuple[str, str, str], Place] = {}

    async def standing(self, turn: Turn) -> Standing | None:
        """See `Merging.standing`. What an earlier process has begun is not changed any more."""
        known = await self._merges.known(turn.app_id, turn.event.event_id)
        if known.elsewhere:
            return None
        if known.earlier:
            return Standing(rebuilt(turn, known), free=False)
        return Standing(turn, free=self.window > 0 and not known.begun and not self._command(turn))

    async def merge(self, turns: Sequence[Turn]) -> Turn:
        """See `Merging.merge`."""
        await self._merges.commit(turns)
        *earlier, last = turns
        return together(last, [turn.text for turn in earlier], [turn.event for turn in earlier])

    async def answer(self, turn: Turn) -> None:
        """See `Brain.answer`. What was answered, or waits for people, is not begun again."""
        if self._others(turn):
            return
        run = await self.runs.get(turn.app_id, turn.event.event_id)
        answer = Answer(self._means, turn)
        if run is not None:
            if run.stage == 0:
                await self._go_on(turn, answer, run)
        elif await self._means.spending.begin(turn.app_id, turn.open_id):
            with self._at_work(turn):
                await answer.begin(material(await inputs_of(turn)))
        else:
            await turn.say(LlmTexts(turn.texts.locale).spent(), final=True)

    async def resume(self, turn: Turn) -> None:
        """Go on with what waited for people, unless another process does.

        Args:
            turn: The one it was asked in.
        """
        run = await self.runs.claim(turn.app_id, turn.event.event_id)
        if run is None:
            return
        try:
            await self._go_on(turn, Answer(self._means, turn, run.stage), run)
        except asyncio.CancelledError:
            if (place := at_work()) is not None and place.stopped:
                await self.runs.drop(run)
            raise

    async def forget(self, turn: Turn) -> None:
        """Remember nothing of a conversation, and go on with nothing that waits in it."""
        await self._means.histories.forget(turn.conversation)
        await self.runs.forget(turn.conversation)

    def stop(self, app_id: str, chat_id: str, event_id: str) -> bool:
        """Stop an answer; False if it is not written here (any more)."""
        place = self._running.get((app_id, chat_id, event_id))
        return place is not None and place.stop()

    async def close(self) -> None:
        """End what goes on behind answers, and close the connections to the model's server."""
        await self._means.compaction.stop()
        await close(self._model)

    async def prune(self) -> None:
        """Forget what is of no use any more.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        await self.runs.prune(self._kept)
        await self._merges.prune()
        await self._means.spending.prune()

    async def _go_on(self, turn: Turn, answer: Answer, run: RunRow) -> None:
        with self._at_work(turn):
            match run.state:
                case RunState.ASKING:
                    await answer.ask(run)
                case RunState.RESUMING:
                    await answer.resume(run)
                case RunState.WAITING | RunState.ANSWERED:
                    await answer.show(run)
                case RunState.DONE:
                    pass

    @contextmanager
    def _at_work(self, turn: Turn) -> Generator[None]:
        key, place = (turn.app_id, turn.chat_id, turn.event.event_id), at_work()
        if place is not None:
            self._running[key] = place
        try:
            yield
        finally:
            self._running.pop(key, None)
