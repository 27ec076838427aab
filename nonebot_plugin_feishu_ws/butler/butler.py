"""The Butler: takes a turn, shows that it works, lets the brain answer, stops when told to."""

import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable

from ..adapter import ActionFailed, MessageEvent, NetworkError
from ..delivery import Fenced, OutboxError
from ..openapi import FeishuError
from ..storage import DatabaseUnavailable
from ..texts.llm import LlmTexts
from .conversations import Conversations, Place
from .merging import Member, Merger
from .sign import WAITS, WORKS, Sign
from .stops import Stops
from .turn import Brain, Merging, Remembering, Turn, conversation_of

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

STOP_WORDS = frozenset({"stop", "/stop", "停止", "/停止"})
NEW_WORDS = frozenset({"new", "/new", "新对话", "/新对话"})
_GRACE = 0.4  # seconds

_PLACE = "_feishu_ws_place"


def place_of(event: MessageEvent) -> Place | None:
    """The place `Butler.expect` keeps for a message, if it does."""
    return getattr(event, _PLACE, None)


class Butler:
    """Serves addressed messages with one brain.

    Args:
        brain: Who answers, asked for at each turn.
        stops: How `stop` reaches other processes; None: there are none.
        grace: Seconds of waiting, and of work, before a reaction shows it.
    """

    def __init__(
        self, brain: Callable[[], Brain], stops: Stops | None = None, *, grace: float = _GRACE
    ) -> None:
        self._brain = brain
        self._stops = stops
        self._grace = grace
        self._conversations = Conversations()
        self._merger = Merger(self._conversations)

    def expect(self, event: MessageEvent) -> Place:
        """Keep a message its place in its conversation while NoneBot finds out whose it is.

        Whoever calls this leaves the place when the message is handled.
        """
        place = self._conversations.take(conversation_of(event))
        object.__setattr__(event, _PLACE, place)
        return place

    async def serve(self, turn: Turn) -> None:
        """Answer one turn. Returns when it is answered, failed or stopped; never raises what the brain raises."""
        if turn.text.strip().lower() in STOP_WORDS:
            count = await self._stop(turn)
            await turn.say(turn.texts.stopped(count) if count else turn.texts.nothing_to_stop(), final=True)
            return
        if turn.text.strip().lower() in NEW_WORDS:
            await self._forget(turn)
            return
        place, brain = self._place(turn), self._brain()
        async with Sign(turn.bot.client, turn.event.message_id, WAITS, grace=self._grace) as sign:
            if isinstance(brain, Merging):
                await self._guarded(turn, self._with_others(brain, turn, place, sign))
            else:
                with self._heard(turn, place.stop):
                    await place.run(lambda: self._answer(turn, sign))

    async def attend(self, turn: Turn, work: Callable[[], Awaitable[None]]) -> None:
        """Go on with a turn that was served before, once it is its conversation's. Ends quietly when stopped."""
        place = self._conversations.take(turn.conversation)
        with self._heard(turn, place.stop):
            await place.run(work)

    async def stop_elsewhere(self, app_id: str, chat_id: str, event_id: str) -> bool:
        """Stop a turn that another process has, by the message it answers; False: none has it.

        Raises:
            DatabaseUnavailable: Nobody was told.
        """
        return self._stops is not None and await self._stops.one(app_id, chat_id, event_id)

    async def close(self) -> None:
        """Hear nothing from other processes any more."""
        if self._stops is not None:
            await self._stops.close()

    def _heard(self, turn: Turn, stop: Callable[[], bool]) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._stops is None else self._stops.heard(turn, stop)

    async def _stop(self, turn: Turn) -> int:
        """Stop what is done in a conversation, here and elsewhere; how many turns that is."""
        count = self._conversations.stop(turn.conversation)
        if self._stops is None:
            return count
        try:
            return count + await self._stops.in_conversation(turn.conversation)
        except DatabaseUnavailable as error:
            logger.warning("%s: a stop reaches this process only: %s", turn.connector, error)
            return count

    async def _forget(self, turn: Turn) -> None:
        """Start afresh: what runs is stopped, what was said is forgotten."""
        brain, texts = self._brain(), LlmTexts(turn.texts.locale)
        if not isinstance(brain, Remembering):
            await turn.say(texts.nothing_to_forget(), final=True)
            return
        await self._stop(turn)
        await self._place(turn).run(lambda: self._afresh(turn, brain, texts))

    async def _afresh(self, turn: Turn, brain: Remembering, texts: LlmTexts) -> None:
        if await turn.answered():
            return
        try:
            if self._stops is not None:
                await self._stops.ended(turn.conversation)
            await brain.forget(turn)
        except DatabaseUnavailable as error:
            logger.error("%s: a conversation cannot be forgotten: %s", turn.connector, error)
            await turn.say(turn.texts.failed(secrets.token_hex(4)), final=True)
        else:
            await turn.say(texts.afresh(), final=True)

    def _place(self, turn: Turn) -> Place:
        """The place kept for a message; a new one, if there is none any more."""
        place = place_of(turn.event)
        return self._conversations.take(turn.conversation) if place is None or place.was_left else place

    async def _with_others(self, brain: Merging, turn: Turn, place: Place, sign: Sign) -> None:
        """Answer a turn, with messages that come right before or after it; or nothing, where another turn does."""
        try:
            standing = await brain.standing(turn)
        except BaseException:
            place.leave()
            raise
        if standing is None:
            place.leave()
        elif standing.free:
            member = Member(brain, standing.turn, place, sign)
            with self._heard(turn, member.stop):
                await self._merger.serve(member, self._answer)
        else:
            with self._heard(turn, place.stop):
                await place.run(lambda: self._answer(standing.turn, sign))

    async def _answer(self, turn: Turn, sign: Sign) -> None:
        await self._guarded(turn, self._said_once(turn, sign))

    async def _said_once(self, turn: Turn, sign: Sign) -> None:
        if not await turn.answered():
            sign.show(WORKS)
            await self._brain().answer(turn)

    async def _guarded(self, turn: Turn, work: Awaitable[None]) -> None:
        try:
            await work
        except Fenced:
            logger.warning("%s: another process answers %s", turn.connector, turn.event.message_id)
        except (FeishuError, ActionFailed, NetworkError, OutboxError) as error:
            # The answer could not be delivered: saying so would fail the same way.
            logger.error("%s: no answer to %s: %s", turn.connector, turn.event.message_id, error)
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s: answering %s failed (%s)", turn.connector, turn.event.message_id, reference)
            await turn.say(turn.texts.failed(reference), final=True)
