"""What one may ask without anybody's leave: connectors, the time, who is here."""

from contextlib import aclosing
from datetime import datetime
from zoneinfo import ZoneInfo

from ...connectors import Connector, Reported
from ...openapi import FeishuError
from ...texts.builtin import BuiltinTexts
from ..reading import one_line
from ..turn import Turn
from .rights import actor_of
from .trouble import said_of

MOST_CONNECTORS = 50
MOST_MEMBERS = 100
SCOPE = "im:chat.members:read"
"""What the app needs to list members; Feishu's error does not always say so."""
_LONGEST_NAME = 60
_LONGEST_ERROR = 200


async def connectors(turn: Turn) -> str:
    actor = actor_of(turn)
    found = await turn.connectors.status(actor) if turn.connectors and actor.who else []
    if not found:
        return turn.status()
    lines = [line for pair in found[:MOST_CONNECTORS] for line in _about(turn, *pair)]
    if (more := len(found) - MOST_CONNECTORS) > 0:
        lines.append(BuiltinTexts(turn.texts.locale).more(more))
    return "\n".join(lines)


def _about(turn: Turn, connector: Connector, reported: Reported) -> list[str]:
    texts = BuiltinTexts(turn.texts.locale)
    state = turn.texts.state(reported.state if connector.runnable else "disabled")
    line = texts.connector(connector.spec.name, state, reported.connections, reported.wanted)
    error = str(connector.locked) if connector.locked is not None else reported.error
    return [line, f"  {one_line(error, _LONGEST_ERROR)}"] if error else [line]


async def now(turn: Turn, zone: str = "") -> str:
    texts = BuiltinTexts(turn.texts.locale)
    if not zone:
        return texts.now(datetime.now().astimezone())
    try:
        return texts.now(datetime.now(ZoneInfo(zone)))
    except (KeyError, ValueError, OSError):  # no such zone; a name that is no path; a directory
        return texts.unknown_zone(one_line(zone, _LONGEST_NAME))


async def members(turn: Turn) -> str:
    texts = BuiltinTexts(turn.texts.locale)
    if not turn.event.is_group:
        return texts.only_in_groups()
    names: list[str] = []
    try:
        async with aclosing(turn.bot.client.list_chat_members(turn.chat_id)) as people:
            async for person in people:
                names.append(one_line(person.name, _LONGEST_NAME) or person.member_id)
                if len(names) > MOST_MEMBERS:
                    break
    except FeishuError as error:
        return said_of(texts, error, needed=SCOPE)
    return texts.members(names[:MOST_MEMBERS], more=len(names) > MOST_MEMBERS)
