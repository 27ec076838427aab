"""From the inbox to the matchers: in order of arrival per chat, and never waiting for another event's handlers."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from ..adapter import (
    ANSWER_DEADLINE,
    Bot,
    CardActionEvent,
    FeishuEvent,
    Handling,
    MessageEvent,
    Reading,
    handling,
)
from ..butler import Place
from ..cards import failure
from ..connectors import Link, LinkStopped
from ..delivery import Inbox
from ..screening import admitted, screen, speech
from ..telemetry import about
from .bots import Bots
from .families import cancel_with_children
from .jobs import Job
from .notes import Notes
from .room import Room
from .spans import processing
from .takers import noting_takers
from .tally import Fate, Tally

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_LAST_MOMENT = 1.0  # seconds for cancelled handlers to end in


class _Work(NamedTuple):
    """Whose task it is.

    Attributes:
        app_id: The connector's.
        owner: As in `Job`; None: of nobody's event.
    """

    app_id: str
    owner: str | None = None


class Dispatcher:
    """Screens, parses and hands out events.

    What must keep its order in a chat (screening, parsing, fetching the quoted message) happens one event at a time: at
    once where there is nothing to wait for, which is how most events are handed out, else in the chat's lane. Handling
    itself runs beside it, because a handler may be waiting for the next message.

    Args:
        inbox: Told what became of each event.
        notes: Where the log is told.
        bots: The bots of links.
        room: Where each event leaves its place when it is finished or given back.
        expect: Keeps a message that speaks to the Butler its place in the conversation.
        link_of: The link that runs an app now.
        confirm: Raises `Fenced` if the process is no longer the owner given.
        tally: Counts how events end.
    """

    def __init__(
        self,
        inbox: Inbox,
        notes: Notes,
        bots: Bots,
        room: Room,
        *,
        expect: Callable[[MessageEvent], Place] | None,
        link_of: Callable[[str], Link | None],
        confirm: Callable[[str], Awaitable[None]],
        tally: Tally,
    ) -> None:
        self._inbox = inbox
        self._notes = notes
        self._bots = bots
        self._room = room
        self._expect = expect
        self._link_of = link_of
        self._confirm = confirm
        self._tally = tally
        self._lanes: dict[Hashable, deque[Job]] = {}
        self._tasks: dict[asyncio.Task[None], _Work] = {}
        self._disowned: set[str] = set()
        self._closing = False

    def submit(self, job: Job) -> None:
        """Take an event that has its place in the room; those of one chat are handed out in the order of submission.

        To be called inside `about` the event.
        """
        lane = self._lanes.get(job.chat)
        if lane is None:
            if self._handed_out(job):
                return
            lane = self._lanes[job.chat] = deque()
            task = self._spawn(self._drive(job.chat, lane), _Work(job.link.spec.app_id))
            task.add_done_callback(partial(self._driven, job.chat, lane))
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
        reading = Reading(payload, app_id=link.spec.app_id)
        event = self._admitted(link, reading, bot.identity.open_id, datetime.now(UTC))
        if event is None:
            return {}
        assert isinstance(event, CardActionEvent), "the way in tells clicks from other events"
        bot.complete(event)
        self._spawn(self._run(link, bot, event), _Work(link.spec.app_id))
        return await event.answer(answer_by - clock())

    async def drained(self) -> None:
        """Wait until everything submitted so far, and what came meanwhile, is handled."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def disown(self, owner: str) -> None:
        """The process was fenced off: what it took under that name is another's by now. Clicks go on."""
        self._disowned.add(owner)
        cancel_with_children([task for task, work in self._tasks.items() if work.owner == owner])

    async def drain(self, app_id: str, grace: float) -> None:
        """Let what runs for one connector finish for `grace` seconds, then cancel it and give it back.

        What waits in its lanes goes to the link that follows it, or back; once its own link is stopped.
        """
        await self._finish(grace, lambda work: work.app_id == app_id)

    async def close(self, grace: float) -> None:
        """Hand out nothing more, let what runs finish for `grace` seconds, then cancel it; give back all the rest."""
        self._closing = True
        self._room.close()
        for lane in self._lanes.values():
            while len(lane) > 1:  # the first one is on its way out
                self._give_back(lane.pop())
        await self._finish(grace, lambda _: True)

    async def _finish(self, grace: float, concerned: Callable[[_Work], bool]) -> None:
        def left() -> list[asyncio.Task[None]]:
            return [task for task, work in self._tasks.items() if concerned(work)]

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                while tasks := left():
                    await asyncio.wait(tasks)
        if tasks := left():
            cancel_with_children(tasks)
            _, stubborn = await asyncio.wait(tasks, timeout=_LAST_MOMENT)
            if stubborn:
                logger.warning("%d handlers ignore their cancellation and are left behind", len(stubborn))

    async def _drive(self, chat: Hashable, lane: deque[Job]) -> None:
        while lane:
            job = lane[0]
            try:
                with about(job.link.spec.name, job.link.spec.app_id, job.event_id):
                    await self._hand_out(job)
            except LinkStopped:
                successor = self._link_of(job.link.spec.app_id)
                if successor is not None and successor is not job.link:
                    lane[0] = replace(job, link=successor)  # before those behind it
                    continue
                if job.link.spec.enabled or self._closing:
                    self._give_back(job)
                else:
                    self._turn_away(job)
            except Exception as error:
                self._failed(job, error)
            lane.popleft()
        del self._lanes[chat]

    def _driven(self, chat: Hashable, lane: deque[Job], _: object) -> None:
        if lane:  # cancelled
            del self._lanes[chat]
            for job in lane:
                self._give_back(job)

    def _handed_out(self, job: Job) -> bool:
        """Hand out an event if there is nothing to wait for; nobody of its chat is waiting. False: there is."""
        bot = self._bots.known(job.link)
        if bot is None:
            return False
        try:
            reading = Reading(job.payload, app_id=job.link.spec.app_id)
            if reading.quotes:
                return False
            event = self._admitted(job.link, reading, bot.identity.open_id, job.received_at)
            if event is not None:
                bot.complete(event)
            self._pass_on(job, bot, event)
        except Exception as error:
            self._failed(job, error)
        return True

    async def _hand_out(self, job: Job) -> None:
        bot = await self._bots.of(job.link)
        reading = Reading(job.payload, app_id=job.link.spec.app_id)
        event = self._admitted(job.link, reading, bot.identity.open_id, job.received_at)
        if event is not None:
            await bot.prepare(event)
        self._pass_on(job, bot, event)

    def _pass_on(self, job: Job, bot: Bot, event: FeishuEvent | None) -> None:
        """Have an event handled; None was filtered."""
        if event is None:
            self._done(job, Fate.FILTERED)
            return
        if job.owner in self._disowned:
            self._give_back(job)
            return
        place: Place | None = None
        if self._expect is not None and isinstance(event, MessageEvent) and speech(event) is not None:
            place = self._expect(event)
        task = self._spawn(self._handle(job, bot, event), _Work(job.link.spec.app_id, job.owner))
        task.add_done_callback(partial(self._handled, job, place))

    def _turn_away(self, job: Job) -> None:
        """Whoever disabled the connector wants nothing of it to be handled, later neither."""
        self._admitted(job.link, Reading(job.payload, app_id=job.link.spec.app_id), "", job.received_at)
        self._done(job, Fate.FILTERED)

    def _admitted(
        self, link: Link, reading: Reading, bot_open_id: str, received_at: datetime
    ) -> FeishuEvent | None:
        """The event, if it is admitted; the log knows why."""
        screened = screen(
            reading,
            link.spec,
            bot_open_id=bot_open_id,
            received_at=received_at,
            enabled=link.spec.enabled,
        )
        self._notes.screened(link, reading, screened)
        return admitted(reading, screened) if screened.admission.allowed else None

    async def _handle(self, job: Job, bot: Bot, event: Any) -> None:
        handling.set(Handling(job.link.spec.app_id, job.event_id, partial(self._confirm, job.owner)))
        await self._run(job.link, bot, event)

    def _handled(self, job: Job, place: Place | None, task: asyncio.Task[None]) -> None:
        """Not in the task itself: it may be cancelled before its first step."""
        if place is not None:
            place.leave()
        if task.cancelled():
            self._give_back(job)
        elif (error := task.exception()) is not None:
            self._failed(job, error)
        else:
            self._done(job)

    async def _run(self, link: Link, bot: Bot, event: Any) -> None:
        """Run the matchers."""
        with processing(link, event.header.event_type, event.event_id), noting_takers() as takers:
            if isinstance(event, CardActionEvent):
                event.otherwise(lambda: failure() if any(taker["error"] for taker in takers) else None)
            await bot.run(event)
        self._notes.taken(link, event, takers)

    # How an event leaves: one of these, once.

    def _done(self, job: Job, fate: Fate = Fate.DONE) -> None:
        self._tally.events.add(job.event_type, fate)
        self._inbox.done(job.row_id)
        self._room.leave(job.chat)

    def _give_back(self, job: Job, error: str | None = None) -> None:
        self._tally.events.add(job.event_type, Fate.GIVEN_BACK)
        self._inbox.give_back(job.row_id, error=error)
        self._room.leave(job.chat)

    def _failed(self, job: Job, error: BaseException) -> None:
        """Our own fault, or NoneBot's: a handler's never comes here. It is tried again, but not for ever."""
        logger.error("%s: event %s failed", job.link.spec.name, job.event_id, exc_info=error)
        self._give_back(job, f"{type(error).__name__}: {error}")

    def _spawn(self, coroutine: Coroutine[Any, Any, None], work: _Work) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self._tasks[task] = work
        task.add_done_callback(self._tasks.pop)
        return task
