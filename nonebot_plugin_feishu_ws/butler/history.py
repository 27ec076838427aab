"""What was said before in a conversation, as a brain remembers it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, tuple_
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from ..delivery import DELETE_AT_ONCE, delete_in_pieces
from ..storage import ConversationRow, Database, utc_now

Conversation = tuple[str, str, str | None]
"""See `Turn.conversation`."""


class HistoryChanged(Exception):  # noqa: N818 - it says what is the case
    """Somebody has saved or forgotten the conversation since it was loaded. Nothing was saved."""


@dataclass(frozen=True, slots=True)
class History:
    """A conversation as it was loaded.

    Attributes:
        version: To save what grows from it; 0: nothing was ever saved.
        messages: Oldest first.
        summary: What came before them, in short.
        people: Who has spoken.
    """

    version: int = 0
    messages: list[Any] = field(default_factory=list[Any], repr=False)
    summary: str = field(default="", repr=False)
    people: frozenset[str] = frozenset()


class Histories:
    """Reads and writes `feishu_ws_conversation`. Every method raises DatabaseUnavailable where it does not work.

    Args:
        database: started.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, conversation: Conversation) -> History:
        """What is remembered."""
        async with self._database.session() as session:
            row = await session.get(ConversationRow, _key(conversation))
        if row is None:
            return History()
        return History(row.version, json.loads(row.messages), row.summary, frozenset(row.people))

    async def save(
        self,
        conversation: Conversation,
        history: History,
        messages: Sequence[Any],
        summary: str = "",
        speaker: str | None = None,
    ) -> None:
        """Remember this from now on.

        Args:
            conversation: Which.
            history: What it grew from.
            messages: JSON values, oldest first.
            summary: What came before them.
            speaker: Whose words are new in it.

        Raises:
            HistoryChanged: See there.
        """
        try:
            await self._database.write(
                lambda session: self.put(session, conversation, history, messages, summary, speaker)
            )
        except IntegrityError:
            raise HistoryChanged from None

    async def put(
        self,
        session: AsyncSession,
        conversation: Conversation,
        history: History,
        messages: Sequence[Any],
        summary: str = "",
        speaker: str | None = None,
    ) -> None:
        """As `save`, within the caller's transaction, which may then fail with IntegrityError, too."""
        text = json.dumps(list(messages), ensure_ascii=True, separators=(",", ":"))
        people = history.people if speaker is None else history.people | {speaker}
        values: dict[str, Any] = {
            "messages": text,
            "summary": summary,
            "people": sorted(people),
            "updated_at": utc_now(),
        }
        if not history.version:
            connector, chat_id, thread_id = _key(conversation)
            session.add(ConversationRow(connector=connector, chat_id=chat_id, thread_id=thread_id, **values))
            await session.flush()
            return
        step = update(ConversationRow).where(*_is(conversation))
        step = step.where(col(ConversationRow.version) == history.version)
        if not (await session.exec(step.values(version=history.version + 1, **values))).rowcount:
            raise HistoryChanged

    async def prune(self, older_than: timedelta) -> None:
        """Remember nothing of conversations in which nobody has spoken for so long."""
        key = tuple_(
            col(ConversationRow.connector), col(ConversationRow.chat_id), col(ConversationRow.thread_id)
        )
        old = select(ConversationRow.connector, ConversationRow.chat_id, ConversationRow.thread_id).where(
            col(ConversationRow.updated_at) < utc_now() - older_than
        )
        statement = delete(ConversationRow).where(key.in_(old.limit(DELETE_AT_ONCE)))
        await delete_in_pieces(self._database, statement)

    async def forget(self, conversation: Conversation) -> None:
        """Remember nothing of it."""

        async def work(session: AsyncSession) -> None:
            changed: dict[str, object] = {
                "version": ConversationRow.version + 1,
                "messages": "[]",
                "summary": "",
                "people": [],
            }
            step = update(ConversationRow).where(*_is(conversation))
            await session.exec(step.values(**changed, updated_at=utc_now()))

        await self._database.write(work)


def _key(conversation: Conversation) -> tuple[str, str, str]:
    connector, chat_id, thread_id = conversation
    return connector, chat_id, thread_id or ""


def _is(conversation: Conversation) -> tuple[Any, ...]:
    connector, chat_id, thread_id = _key(conversation)
    return (
        col(ConversationRow.connector) == connector,
        col(ConversationRow.chat_id) == chat_id,
        col(ConversationRow.thread_id) == thread_id,
    )
