"""`replay NAME [EVENT_ID|all]`: events that were given up."""

from ..texts.connectors import ConnectorTexts
from ..texts.deadletters import DeadLetterTexts
from .answer import Answer, Table
from .desk import Desk
from .grammar import Call

_ALL = "all"


async def replay(desk: Desk, call: Call) -> Answer:
    """Show them, or have one or all of them handled after all.

    Raises:
        ConnectorError: There is no such connector.
        DatabaseUnavailable: Nobody knows now.
    """
    name, event = str(call.arguments["name"]), call.arguments.get("event")
    if event is None:
        return await _listed(desk, name)
    texts = DeadLetterTexts(desk.texts.locale)
    event_id = None if event == _ALL else str(event)
    count = await desk.management.service.replay(desk.actor, name, event_id)
    if count == 0 and event_id is not None:
        return Answer(texts.unknown(event_id), {"error": "UnknownDeadLetter"}, failed=True)
    return Answer(texts.replayed(count), {"replayed": count})


async def _listed(desk: Desk, name: str) -> Answer:
    texts = DeadLetterTexts(desk.texts.locale)
    letters = await desk.management.service.dead_letters(desk.actor, name)
    moment = ConnectorTexts(desk.texts.locale).moment
    rows = tuple(
        (
            letter.event_id,
            moment(letter.received_at),
            letter.event_type,
            letter.message_id or "",
            letter.error or "",
        )
        for letter in letters
    )
    data = [
        {
            "event_id": letter.event_id,
            "event_type": letter.event_type,
            "chat_id": letter.chat_id,
            "message_id": letter.message_id,
            "received_at": letter.received_at.isoformat(),
            "attempts": letter.attempts,
            "error": letter.error,
        }
        for letter in letters
    ]
    if not rows:
        return Answer(texts.none(), data)
    lines = [" ".join(part for part in row if part) for row in rows]
    return Answer("\n".join([*lines, texts.how(name, desk.root)]), data, Table(texts.columns(), rows))
