"""The card an answer is written on: its messages go through the outbox, and after a crash it is taken up again."""

import json
from collections.abc import Mapping
from typing import Any, cast

from sqlmodel import col, select

from ...adapter import handling, target_of
from ...cards import Pace, StreamingCard
from ...delivery import Draft, Outbox, SendFailed, uuid_for
from ...openapi import Facts, InvalidRequest
from ...storage import Database, OutboxRow
from ..turn import Turn

STOP = "feishu_stop"
"""What the stop button carries, with `turn`, the id of the event that is answered."""
_MOST_CARDS = 50


class Stage:
    """Makes the card of one stage of one answer.

    Args:
        outbox: The way to Feishu.
        database: Where its messages are.
        turn: What is answered.
        number: Of the stage, see `RunRow.stage`.
        pace: Of the card.
    """

    def __init__(
        self, outbox: Outbox, database: Database, turn: Turn, number: int, pace: Pace | None = None
    ) -> None:
        self._outbox = outbox
        self._database = database
        self._turn = turn
        self._number = number
        self._pace = pace

    async def card(self) -> StreamingCard:
        """The card; what an earlier attempt has sent of it is written on."""
        turn = self._turn
        return StreamingCard(
            turn.bot.client,
            self._send,
            locale=turn.texts.locale,
            stop={"action": STOP, "turn": turn.event.event_id},
            earlier=await self._earlier(),
            pace=self._pace,
        )

    async def _send(self, part: str, msg_type: str, content: str) -> str:
        """See `cards.Send`."""
        turn, target = self._turn, target_of(self._turn.event)
        draft = Draft(
            app_id=turn.app_id,
            uuid=self._uuid(part),
            msg_type=msg_type,
            content=content,
            reply_to=target.message_id,
            receive_id=target.chat_id,
            in_thread=target.in_thread,
            event_id=turn.event.event_id,
        )
        if (current := handling.get()) is not None:
            await current.confirm()
        await self._outbox.post([draft])
        try:
            return await self._outbox.sent(draft.app_id, draft.uuid)
        except SendFailed as error:
            # The card knows another way; the outbox has borne what passes.
            raise InvalidRequest(Facts(msg=error.error)) from None

    def _uuid(self, part: str) -> str:
        return uuid_for(self._turn.app_id, self._turn.event.event_id, "llm", str(self._number), part)

    async def _earlier(self) -> list[str]:
        """The card entities of an earlier attempt, in order."""
        uuids = [self._uuid(f"stream-{number}") for number in range(_MOST_CARDS)]
        sent = select(OutboxRow.uuid, OutboxRow.content).where(
            col(OutboxRow.connector) == self._turn.app_id, col(OutboxRow.uuid).in_(uuids)
        )
        async with self._database.session() as session:
            contents = dict((await session.exec(sent)).all())
        found: list[str] = []
        for uuid in uuids:
            card_id = _entity(contents.get(uuid, ""))
            if card_id is None:
                break
            found.append(card_id)
        return found


def _entity(content: str) -> str | None:
    """The card_id in a message's content, see `openapi.entity_content`."""
    try:
        parsed = cast("Mapping[str, Any]", json.loads(content))
        return str(parsed["data"]["card_id"])
    except (ValueError, KeyError, TypeError):
        return None
