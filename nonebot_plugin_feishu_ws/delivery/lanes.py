"""Messages in this process's hands: those to one place one after another, places side by side."""

import asyncio
import logging
from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..storage import OutboxState
from ..telemetry import Counts, about
from .drafts import Place
from .errors import Fenced
from .logbook import LogAction, LogBook, LogLevel
from .outbox_rows import Kept, Key
from .sending import Closing, Item, NoWay, Outcome, Sender, Way

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Step:
    """A row that is to change.

    Attributes:
        keep: Whether the message stays in this process's hands.
        done: For whoever waits for the commit.
    """

    item: Item
    state: OutboxState
    keep: bool = True
    outcome: Outcome | None = None
    done: asyncio.Future[None] | None = None


class Lanes:
    """Sends what it is given, in the order of rows.

    Args:
        sender: Carries out each message.
        ways: Of the connectors that run here, for the log.
        logbook: Told what became of each message.
        change: Writes what becomes of rows.
    """

    def __init__(
        self,
        sender: Sender,
        ways: Mapping[str, Way],
        logbook: LogBook,
        change: Callable[[Step], None],
    ) -> None:
        self._sender = sender
        self._ways = ways
        self._logbook = logbook
        self._change = change
        self._lanes: dict[Place, list[Item]] = {}
        self._drivers: set[asyncio.Task[None]] = set()
        self._closed = False
        self.behind = True
        """There may be older messages of ours that are nobody's now."""
        self.items: dict[Key, Item] = {}
        """What is in hand, until what became of it is written."""
        self.settled = Counts()
        """How messages ended here, by state."""

    def __contains__(self, place: Place) -> bool:
        """Whether something is on its way to this place."""
        return place in self._lanes

    def open(self) -> None:
        """Take messages (again)."""
        self._closed = False
        self.behind = True
        self._sender.closing.clear()

    async def close(self, grace: float) -> None:
        """Take no more, let requests under way end for so many seconds, and drop the rest."""
        self._closed = True
        self._sender.closing.set()
        if self._drivers:
            await asyncio.wait(self._drivers, timeout=grace)
        for driver in self._drivers:
            driver.cancel()
        if self._drivers:
            await asyncio.wait(self._drivers)

    async def drained(self) -> None:
        """Wait until nothing is on its way."""
        while self._drivers:
            await asyncio.wait(self._drivers)

    def adopt(self, kept: Kept) -> None:
        """Send a message that is ours from now on; once, however often it is found."""
        draft = kept.draft
        if draft.key in self.items or self._closed:
            return
        item = Item(kept.row_id, draft, kept.owner, kept.attempts, None, kept.unsure)
        if kept.tried_at is not None:
            item.was_tried(kept.tried_at, kept.age)
        self.items[draft.key] = item
        lane = self._lanes.get(draft.place)
        if lane is None:
            lane = self._lanes[draft.place] = []
            driver = asyncio.create_task(self._drive(draft.place, lane), name="feishu-ws lane")
            self._drivers.add(driver)
            driver.add_done_callback(self._drivers.discard)
        insort(lane, item, key=lambda item: item.row_id)

    def forget(self, item: Item) -> None:
        """It is in hand no more."""
        if self.items.get(item.draft.key) is item:
            del self.items[item.draft.key]

    def drop(self, owner: str) -> None:
        """What was taken under this id is in other hands."""
        self.behind = True
        for driver in self._drivers:
            driver.cancel()
        for item in list(self.items.values()):
            if item.owner == owner:
                item.settle(None)
                self.forget(item)

    async def _drive(self, place: Place, lane: list[Item]) -> None:
        try:
            while lane and not self._closed:
                item = lane.pop(0)
                try:
                    outcome = await self._send(item)
                except NoWay:
                    self._hand_back([item, *lane])
                    return
                except Closing:
                    return
                except Fenced:
                    for each in (item, *lane):
                        each.settle(None)
                        self.forget(each)
                    return
                except Exception as error:
                    _log.exception("message %s cannot be sent", item.draft.uuid)
                    outcome = Outcome(OutboxState.UNKNOWN, error=f"sending broke off: {type(error).__name__}")
                self._settle(item, outcome)
        finally:
            if self._lanes.get(place) is lane:
                del self._lanes[place]

    async def _send(self, item: Item) -> Outcome:
        draft, way = item.draft, self._ways.get(item.draft.app_id)
        if draft.event_id is None or way is None:
            return await self._sender.send(item)
        with about(way.name, draft.app_id, draft.event_id):
            return await self._sender.send(item)

    def _hand_back(self, items: list[Item]) -> None:
        self.behind = True
        for item in items:
            state = OutboxState.QUEUED if item.tried_at is None else OutboxState.SENDING
            item.settle(None)
            self.forget(item)
            self._change(Step(item, state, keep=False))

    def _settle(self, item: Item, outcome: Outcome) -> None:
        item.settle(outcome)
        self.settled.add(outcome.state)
        self._change(Step(item, outcome.state, keep=False, outcome=outcome))
        draft, way = item.draft, self._ways.get(item.draft.app_id)
        self._logbook.write(
            LogAction.WS_OUTBOUND,
            level=LogLevel.INFO if outcome.error is None else LogLevel.ERROR,
            connector=draft.app_id,
            name=way and way.name,
            event_id=draft.event_id,
            message_id=draft.reply_to,
            detail={
                "sent": outcome.message_id,
                "to": draft.receive_id,
                "type": draft.msg_type,
                "error": outcome.error,
                "state": outcome.state,
            },
        )
