"""From the inbox to the matchers: in order of arrival per chat, and never waiting for another event's handlers."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..adapter import ANSWER_DEADLINE, Bot, CardActionEvent, MessageEvent, parse_event
from ..butler import Place
from ..connectors import Link, LinkStopped
from ..delivery import Inbox, LogAction, LogBook, LogLevel
from ..screening import Screened, screen, speech
from .bots import Bots
from .intake import Job
from .takers import noting_takers

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_LAST_MOMENT = 1.0  # seconds for cancelled handlers to end in


class Dispatcher:
    """Parses, screens and hands out events.

    Each chat has a lane. What must keep its order (parsing, screening, fetching the quoted message) happens in the
    lane, one event at a time; handling itself runs beside it, because a handler may be waiting for the next message.

    Args:
        inbox: Told what became of each event.
        logbook: Where verdicts are noted.
        bots: The bots of links.
        expect: Keeps a message that speaks to the Butler its place in the conversation.
        link_of: The link that runs an app now.
    """

    def __init__(
        self,
        inbox: Inbox,
        logbook: LogBook,
        bots: Bots,
        expect: Callable[[MessageEvent], Place] | None,
        link_of: Callable[[str], Link | None],
    ) -> None:
        self._link_of = link_of
        self._expect = expect
        self._inbox = inbox
        self._logbook = logbook
        self._bots = bots
        self._lanes: dict[tuple[str, str | None], deque[Job]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, job: Job) -> None:
        """Take an event; events of one chat are handed out in the order in which they were submitted."""
        key = (job.link.spec.app_id, job.chat_id)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = deque()
            self._spawn(self._drive(key, lane))
        lane.append(job)

    async def click(self, link: Link, payload: Mapping[str, Any]) -> Mapping[str, object]:
        """Answer a card click: what a handler responds in time, else nothing."""
        clock = asyncio.get_running_loop().time
        answer_by = clock() + ANSWER_DEADLINE
        try:
            async with asyncio.timeout_at(answer_by):
                bot = await self._bots.of(link)
        except (TimeoutError, LinkStopped):
            logger.warning("%s: a click came before the bot knew who it is; not handled", link.spec.name)
            return {}
        event = parse_event(payload, app_id=link.spec.app_id)
        assert isinstance(event, CardActionEvent), "the way in tells clicks from other events"
        screened = screen(event, link.spec, bot_open_id=bot.identity.open_id, received_at=datetime.now(UTC))
        self._note(link, event, screened)
        if not screened.admission.allowed:
            return {}
        await bot.prepare(event)
        self._spawn(self._run(link, bot, event))
        return await event.answer(answer_by - clock())

    async def drained(self) -> None:
        """Wait until everything submitted so far, and what came meanwhile, is handled."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self, grace: float) -> None:
        """Let what runs finish for `grace` seconds, then cancel it; that is handed out again at restart."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.drained()
        for task in self._tasks:
            task.cancel()
        if self._tasks:  # NoneBot shields its handlers; the end of the loop ends those too
            _, left = await asyncio.wait(self._tasks, timeout=_LAST_MOMENT)
            if left:
                logger.warning("%d events are still being handled and will be handed out again", len(left))

    async def _drive(self, key: tuple[str, str | None], lane: deque[Job]) -> None:
        try:
            while lane:
                job = lane.popleft()
                try:
                    await self._hand_out(job)
                except LinkStopped:
                    successor = self._link_of(key[0])
                    if successor is None or successor is job.link:
                        self._inbox.give_back(job.row_id)
                    else:
                        lane.append(replace(job, link=successor))
                except Exception as error:
                    logger.exception("%s: event row %s cannot be handed out", job.link.spec.name, job.row_id)
                    self._inbox.dead(job.row_id, f"{type(error).__name__}: {error}")
                    self._logbook.write(
                        LogAction.WS_DEAD_LETTER,
                        level=LogLevel.ERROR,
                        connector=job.link.spec.app_id,
                        name=job.link.spec.name,
                        detail={"row": job.row_id, "error": type(error).__name__},
                    )
        finally:
            del self._lanes[key]

    async def _hand_out(self, job: Job) -> None:
        bot = await self._bots.of(job.link)
        event = parse_event(job.payload, app_id=job.link.spec.app_id)
        screened = screen(event, job.link.spec, bot_open_id=bot.identity.open_id, received_at=job.received_at)
        self._note(job.link, event, screened)
        if not screened.admission.allowed:
            self._inbox.done(job.row_id)
            return
        await bot.prepare(event)
        place: Place | None = None
        if self._expect is not None and isinstance(event, MessageEvent) and speech(event) is not None:
            place = self._expect(event)
        self._spawn(self._handle(job, bot, event, place))

    async def _handle(self, job: Job, bot: Bot, event: Any, place: Place | None) -> None:
        try:
            await self._run(job.link, bot, event)
        finally:
            if place is not None:
                place.leave()
        self._inbox.done(job.row_id)

    async def _run(self, link: Link, bot: Bot, event: Any) -> None:
        """Run the matchers; one more log row for a message or click that some took."""
        with noting_takers() as takers:
            await bot.run(event)
        if takers and isinstance(event, MessageEvent | CardActionEvent):
            self._logbook.write(
                LogAction.WS_ROUTED,
                connector=link.spec.app_id,
                name=link.spec.name,
                event_id=event.event_id,
                message_id=event.message_id,
                detail={"matchers": takers},
            )

    def _note(self, link: Link, event: Any, screened: Screened) -> None:
        """One log row for every message and click, and for every other event that was stopped."""
        admission, addressing = screened.admission, screened.addressing
        if admission.allowed and not isinstance(event, MessageEvent | CardActionEvent):
            return
        detail: dict[str, Any] = {
            "admitted": admission.allowed,
            "trace": [f"{step.reason}={step.outcome}" for step in admission.trace],
        }
        if addressing is not None:
            detail["trace"] += [f"{step.reason}={step.outcome}" for step in addressing.trace]
        refused = not admission.allowed or (addressing is not None and not addressing.allowed)
        if refused:
            reason = detail["reason"] = admission.reason or (addressing and addressing.reason)
            logger.debug("%s: event %s is filtered: %s", link.spec.name, event.event_id, reason)
        self._logbook.write(
            LogAction.WS_FILTERED if refused else LogAction.WS_ROUTED,
            connector=link.spec.app_id,
            name=link.spec.name,
            event_id=event.event_id,
            message_id=event.message_id,
            detail=detail,
        )

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
