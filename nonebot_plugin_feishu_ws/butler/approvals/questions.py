"""New approvals: asked once for each call, and not too many at a time."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from ...storage import ApprovalCardRow, ApprovalRow, ApprovalState, DatabaseClock
from .errors import TooManyWaiting
from .share import Share

MOST_WAITING = 20
"""Approvals of one person that may wait on one connector."""
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that looks like something else
_ID_LENGTH = 8
_NONCE_BYTES = 24


@dataclass(frozen=True, slots=True)
class Question:
    """A call somebody wants approved.

    Attributes:
        app_id: The bot's.
        message_id: The message that asked.
        event_id, call: The event that carried it, and which of its calls it is.
        asked_by: open_id.
        arguments: Canonical.
        card_ids: Where its cards go: the chat, and approvers directly.
    """

    app_id: str
    chat_id: str
    thread_id: str | None
    message_id: str
    event_id: str
    call: str
    asked_by: str
    tool: str
    arguments: str = field(repr=False)
    arguments_hash: str
    reason: str
    card_ids: tuple[str, ...]


class Questions:
    """Stores questions.

    Args:
        database: started.
        clock: its time.
        ttl: how long an approval waits.
        most_waiting: how many of one person's may wait on one connector.
    """

    def __init__(
        self, database: Share, clock: DatabaseClock, ttl: timedelta, *, most_waiting: int = MOST_WAITING
    ) -> None:
        self._database = database
        self._clock = clock
        self._ttl = ttl
        self._most_waiting = most_waiting

    async def ask(
        self, question: Question, then: Callable[[AsyncSession, ApprovalRow], Awaitable[None]]
    ) -> tuple[ApprovalRow, bool]:
        """Store a question; `then` puts its cards into the outbox, in the same transaction.

        Returns:
            The row, and whether it is new: an event that is handled again asks no second time.

        Raises:
            TooManyWaiting: Whoever asks has too many of them waiting.
            DatabaseUnavailable: The database is away.
        """

        async def work(session: AsyncSession) -> tuple[ApprovalRow, bool]:
            if (known := await _known(session, question)) is not None:
                return known, False
            if await self._waiting(session, question) >= self._most_waiting:
                raise TooManyWaiting(self._most_waiting)
            row = await self._row(session, question)
            session.add(row)
            await session.flush()
            session.add_all(ApprovalCardRow(approval_id=row.id, receive_id=one) for one in question.card_ids)
            await then(session, row)
            return row, True

        try:
            return await self._database.write(work)
        except IntegrityError:  # two replicas were handed the same event, and the other has asked
            return await self._database.write(work)

    async def _waiting(self, session: AsyncSession, question: Question) -> int:
        counted = select(func.count()).where(
            col(ApprovalRow.finished_at).is_(None),
            col(ApprovalRow.state) == ApprovalState.PENDING,
            col(ApprovalRow.connector) == question.app_id,
            col(ApprovalRow.asked_by) == question.asked_by,
            col(ApprovalRow.expires_at) > self._clock.sql(),
        )
        return (await session.exec(counted)).one()

    async def _row(self, session: AsyncSession, question: Question) -> ApprovalRow:
        now = await self._clock.read(session)
        return ApprovalRow(
            id="".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH)),
            connector=question.app_id,
            chat_id=question.chat_id,
            thread_id=question.thread_id,
            message_id=question.message_id,
            event_id=question.event_id,
            call=question.call,
            asked_by=question.asked_by,
            tool=question.tool,
            arguments=question.arguments,
            arguments_hash=question.arguments_hash,
            reason=question.reason,
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            created_at=now,
            expires_at=now + self._ttl,
        )


async def _known(session: AsyncSession, question: Question) -> ApprovalRow | None:
    found = select(ApprovalRow).where(
        col(ApprovalRow.connector) == question.app_id,
        col(ApprovalRow.event_id) == question.event_id,
        col(ApprovalRow.call) == question.call,
    )
    return (await session.exec(found)).first()
