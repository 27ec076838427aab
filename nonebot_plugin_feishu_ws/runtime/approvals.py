"""The approvals of one process: what `butler.approvals` needs, put together."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from typing_extensions import override

from ..adapter import Bot, MessageEvent, parse_event
from ..butler import Turn, tools
from ..butler.approvals import (
    Asking,
    Carrying,
    Clicked,
    Questions,
    Seat,
    Showing,
    Worker,
    install_clicks,
    is_superuser,
)
from ..config import Settings
from ..connectors import Link
from ..delivery import Lease, Outbox
from ..storage import ApprovalRow
from ..texts import locale_for
from ..texts.approvals import ApprovalTexts
from .bots import Bots
from .management import Management

_LIMIT = 600.0  # seconds an approved tool may take
_KEPT = timedelta(days=90)


class Approvals:
    """Asks, hears, carries out.

    Args:
        settings: As loaded.
        management: The records; takes the decisions.
        lease: This process at work.
        outbox: The way to Feishu.
        bots: The connectors that run here.
        turn_of: Makes the turn of a message, with a name for what is said in it.
    """

    def __init__(
        self,
        settings: Settings,
        management: Management,
        lease: Lease,
        outbox: Outbox,
        bots: Bots,
        turn_of: Callable[[Bot, MessageEvent, str], Turn],
    ) -> None:
        self._settings = settings
        self._bots = bots
        self._turn_of = turn_of
        self._store = management.approvals
        logbook, deciding = management.logbook, management.deciding
        questions = Questions(
            management.approvals_share, management.clock, timedelta(seconds=settings.approval_ttl)
        )
        self.asking = Asking(questions, outbox, logbook, management.spec_of)
        self._clicked = Clicked(deciding, tools, lambda bot: self._texts(bot.client.base_url))
        showing = Showing(self._store, management.approval_cards, tools)
        carrying = Carrying(self._store, tools, deciding, lease, is_superuser, limit=_LIMIT)
        self.worker = Worker(self._store, showing, tools, carrying, outbox, logbook, lease, self._seats)

    def listen(self) -> None:
        """Hear clicks. Once."""
        install_clicks(self._clicked)

    async def prune(self) -> None:
        """Forget what was over long ago.

        Raises:
            DatabaseUnavailable: The database is away.
        """
        await self._store.prune(_KEPT)

    def _seats(self) -> "_Seats":
        return _Seats({bot.self_id: (link, bot) for link, bot in self._bots}, self._seat)

    def _seat(self, link: Link, bot: Bot) -> Seat:
        async def turn(row: ApprovalRow, payload: bytes) -> Turn:
            event = parse_event(json.loads(payload), app_id=row.connector)
            if not isinstance(event, MessageEvent):
                raise TypeError(f"event {row.event_id} is no message")
            await bot.prepare(event)
            # Not the name of what was said when it was asked: those messages are there already.
            turn = self._turn_of(bot, event, f"approval {row.id}")
            return replace(turn, approved_by=row.decided_by)

        return Seat(link.spec.name, link.client, self._texts(link.base_url), turn)

    def _texts(self, base_url: str) -> ApprovalTexts:
        return ApprovalTexts(locale_for(self._settings.locale, base_url))


class _Seats(Mapping[str, Seat]):
    """Each is made when it is asked for: every second one looks whose they are, and there may be thousands."""

    def __init__(self, pairs: Mapping[str, tuple[Link, Bot]], make: Callable[[Link, Bot], Seat]) -> None:
        self._pairs = pairs
        self._make = make

    @override
    def __getitem__(self, app_id: str) -> Seat:
        return self._make(*self._pairs[app_id])

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    @override
    def __len__(self) -> int:
        return len(self._pairs)
