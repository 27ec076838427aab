"""The cards that show an approval: which messages they are, and what they show."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import cast

from sqlalchemy import and_, or_
from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from ...storage import ApprovalCardRow, ApprovalRow, ApprovalState, OutboxRow, OutboxState, one_of, utc_now
from .face import card_uuid
from .share import Share

_LEFT_ALONE = timedelta(seconds=4)
_TRIED_FOR = timedelta(days=1)
"""So long a card is brought up to date that was not at once."""
_Pairs = Sequence[tuple[ApprovalRow, ApprovalCardRow | None]]


class CardRows:
    """Reads and writes `feishu_ws_approvalcard`. Every method raises DatabaseUnavailable where the database does not
    work.

    Args:
        database: started.
        left_alone: for so long what is over is left to the process that saw to it.
    """

    def __init__(self, database: Share, *, left_alone: timedelta = _LEFT_ALONE) -> None:
        self._database = database
        self._left_alone = left_alone

    async def with_cards(self, approval_id: str) -> tuple[ApprovalRow | None, Sequence[ApprovalCardRow]]:
        """An approval and its cards, as far as their messages are known."""
        found = (
            select(ApprovalRow, ApprovalCardRow)
            .join(ApprovalCardRow, col(ApprovalCardRow.approval_id) == col(ApprovalRow.id), isouter=True)
            .where(col(ApprovalRow.id) == approval_id)
            .order_by(col(ApprovalCardRow.id))
        )
        async with self._database.session() as session:
            pairs = cast("_Pairs", (await session.exec(found)).all())
        row = pairs[0][0] if pairs else None
        return row, [card for _, card in pairs if card is not None]

    async def of(self, row: ApprovalRow) -> Sequence[ApprovalCardRow]:
        """An approval's cards; what the outbox knows of them by now is noted. One that will never be is dropped."""
        mine = _cards_of(row.id)
        async with self._database.session() as session:
            found = (await session.exec(mine)).all()
        if all(one.message_id for one in found):
            return found
        await self._database.write(lambda session: self._note(session, row, found))
        async with self._database.session() as session:
            return (await session.exec(mine)).all()

    async def _note(self, session: AsyncSession, row: ApprovalRow, cards: Sequence[ApprovalCardRow]) -> None:
        by_uuid = {card_uuid(row.id, card.receive_id): card for card in cards if card.message_id is None}
        sent = select(OutboxRow.uuid, OutboxRow.message_id, OutboxRow.state).where(
            col(OutboxRow.connector) == row.connector, col(OutboxRow.uuid).in_(by_uuid)
        )
        for uuid, message_id, state in (await session.exec(sent)).all():
            this = col(ApprovalCardRow.id) == by_uuid[uuid].id
            if message_id is not None:
                await session.exec(update(ApprovalCardRow).where(this).values(message_id=message_id))
            elif state in (OutboxState.FAILED, OutboxState.UNKNOWN):
                await session.exec(delete(ApprovalCardRow).where(this))

    async def behind(self, apps: Collection[str], limit: int) -> Sequence[tuple[str, str]]:
        """Approvals that are over, of which a card does not show it yet or is not known yet; each with its bot."""
        now = utc_now()
        recent = and_(
            col(ApprovalRow.finished_at) < now - self._left_alone,
            col(ApprovalRow.finished_at) > now - _TRIED_FOR,
        )
        stale = or_(
            col(ApprovalCardRow.shown).is_(None), col(ApprovalCardRow.shown) != col(ApprovalRow.state)
        )
        found = (
            select(ApprovalRow.id, ApprovalRow.connector)
            .join(ApprovalCardRow, col(ApprovalCardRow.approval_id) == col(ApprovalRow.id))
            .where(recent, stale, one_of(col(ApprovalRow.connector), apps))
            .distinct()
            .limit(limit)
        )
        async with self._database.session() as session:
            return (await session.exec(found)).all()

    async def showed(self, card: ApprovalCardRow, state: ApprovalState) -> None:
        """A card shows a state now."""

        async def work(session: AsyncSession) -> None:
            this = update(ApprovalCardRow).where(col(ApprovalCardRow.id) == card.id)
            await session.exec(this.values(shown=state))

        await self._database.write(work)


def _cards_of(approval_id: str) -> SelectOfScalar[ApprovalCardRow]:
    mine = select(ApprovalCardRow).where(col(ApprovalCardRow.approval_id) == approval_id)
    return mine.order_by(col(ApprovalCardRow.id))
