"""One message on its way to Feishu: tried until it is certain what became of it, or that nobody can know."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..openapi import (
    AnswerTooLarge,
    BadCredentials,
    FeishuClient,
    FeishuError,
    MessageGone,
    RateLimited,
    ServerError,
    TokenInvalid,
    TransportError,
)
from ..storage import OutboxState
from .drafts import Draft, uuid_for
from .lease import Lease
from .outbox_rows import Kept

_log = logging.getLogger(__name__)
WINDOW = 55 * 60.0
"""Seconds for which a uuid may be used again: Feishu remembers one for an hour (feishu-facts.md, limits table)."""
_LONGEST_WAIT = 600.0
_WORTH_ANOTHER_TRY = (AnswerTooLarge, BadCredentials, RateLimited, ServerError, TokenInvalid, TransportError)


@dataclass(frozen=True, slots=True)
class Way:
    """How a connector that runs here speaks: its client, and its name for the log."""

    client: FeishuClient
    name: str


class NoWay(Exception):
    """The connector of a message does not run here (any more)."""


class Closing(Exception):
    """This process is about to end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: SENT with its `message_id`, or FAILED or UNKNOWN with the reason."""

    state: OutboxState
    message_id: str | None = None
    error: str | None = None

    @classmethod
    def of(cls, kept: Kept) -> "Outcome | None":
        """What a row says; None: it is still to be sent."""
        if kept.state in (OutboxState.QUEUED, OutboxState.SENDING):
            return None
        return cls(kept.state, kept.message_id, kept.error)


@dataclass(eq=False, slots=True)
class Item:
    """A message in this process's hands.

    Attributes:
        owner: The worker it was taken as.
        tried_at: When Feishu may have seen its uuid first, by the database's clock.
        unsure: A try was made whose outcome nobody knows.
        outcome: What became of it; None: it is in other hands.
    """

    row_id: int
    draft: Draft
    owner: str
    attempts: int
    tried_at: datetime | None
    unsure: bool
    outcome: asyncio.Future[Outcome | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    _since: tuple[float, float] = (0.0, 0.0)

    def was_tried(self, at: datetime, age: float = 0.0) -> None:
        """Feishu may have seen it `age` seconds ago, which was `at` by the database's clock."""
        self.tried_at = at
        self._since = time.monotonic() - age, time.time() - age

    def age(self) -> float:
        """Seconds since then, by whichever clock says more: one may have been set back, one may have slept."""
        monotonic, wall = self._since
        return max(time.monotonic() - monotonic, time.time() - wall)

    def settle(self, outcome: Outcome | None) -> None:
        """Tell whoever waits. Once."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)


class Sender:
    """Sends messages, one call for each.

    Args:
        lease: Asked before every request whether this process may still speak.
        ways: Of the connectors that run here.
        claim: Commits that Feishu may see a message from now on; `was_tried` afterwards.
        disclaim: Notes that Feishu cannot have seen it after all.
        window: Seconds, see `WINDOW`.
        retry_first, retry_most: Seconds until the next try, doubling from the one to the other.
    """

    def __init__(
        self,
        lease: Lease,
        ways: Mapping[str, Way],
        claim: Callable[[Item], Awaitable[None]],
        disclaim: Callable[[Item], None],
        *,
        window: float,
        retry_first: float,
        retry_most: float,
    ) -> None:
        self._lease = lease
        self._ways = ways
        self._claim = claim
        self._disclaim = disclaim
        self._window = window
        self._retry_first = retry_first
        self._retry_most = retry_most
        self.closing = asyncio.Event()
        """Set it, and nobody waits for another try."""

    async def send(self, item: Item) -> Outcome:
        """Send a message; returns when it is settled.

        Raises:
            NoWay: its connector does not run here.
            Closing: another try would be due later.
            Fenced: this process is no longer at work.
        """
        pause = self._retry_first
        while True:
            way = self._ways.get(item.draft.app_id)
            if way is None:
                raise NoWay
            if item.tried_at is None:
                await self._claim(item)
            await self._lease.confirm(item.owner)
            # The last look before the request: this process may have slept since the one before.
            if item.unsure and item.age() > self._window:
                return Outcome(
                    OutboxState.UNKNOWN, error="Feishu may or may not have taken it over an hour ago"
                )
            item.attempts += 1
            try:
                return Outcome(OutboxState.SENT, await _deliver(way.client, item))
            except FeishuError as error:
                seen = not (error.unsent or isinstance(error, RateLimited | TokenInvalid))
                if not isinstance(error, _WORTH_ANOTHER_TRY):
                    # An earlier try may have been carried out all the same.
                    return Outcome(
                        OutboxState.UNKNOWN if item.unsure else OutboxState.FAILED, error=str(error)
                    )
                _log.warning("%s: message %s is not sent yet: %s", way.name, item.draft.uuid, error)
                wait = (
                    min(error.retry_after or pause, _LONGEST_WAIT)
                    if isinstance(error, RateLimited)
                    else pause
                )
            except ValueError as error:
                return Outcome(OutboxState.FAILED, error=f"it cannot be sent: {error}")
            item.unsure = item.unsure or seen
            if not item.unsure:
                item.tried_at = None
                self._disclaim(item)
            await self._pause(wait * random.uniform(1.0, 1.2))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 2, self._retry_most)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.closing.wait()
            raise Closing


async def _deliver(client: FeishuClient, item: Item) -> str:
    draft = item.draft
    uuid = draft.uuid
    if draft.reply_to is not None:
        if draft.receive_id is not None and draft.receive_id_type == "chat_id":
            client.learn(draft.reply_to, draft.receive_id)
        try:
            sent = await client.reply_message(
                draft.reply_to, draft.msg_type, draft.content, in_thread=draft.in_thread, uuid=uuid
            )
            return sent.message_id
        except MessageGone:
            # If an earlier try did reply, a new message would say it twice.
            if draft.receive_id is None or item.unsure:
                raise
        uuid = uuid_for(uuid, "new message")
    assert draft.receive_id is not None, "a draft has a receiver or a message it replies to"
    sent = await client.send_message(
        draft.receive_id, draft.msg_type, draft.content, receive_id_type=draft.receive_id_type, uuid=uuid
    )
    return sent.message_id
