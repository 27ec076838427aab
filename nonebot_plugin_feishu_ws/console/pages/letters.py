"""Dead letters: events that were given up."""

from fastapi import Response

from ...delivery import DeadLetter, dead_letters
from .visit import Notice, Visit

_MOST = 200


async def index(visit: Visit) -> Response:
    """Those of every connector somebody may see."""
    names = {one.spec.app_id: one.spec.name for one in await visit.management.service.visible(visit.actor)}
    found: dict[str, list[DeadLetter]] = {}
    for letter in await dead_letters(visit.management.database, names, limit=_MOST):
        found.setdefault(names[letter.app_id], []).append(letter)
    return await visit.page("letters", section="letters", found=found)


async def replay(visit: Visit) -> Response:
    """Have one of them handled after all, or all of a connector's."""
    event = visit.form.get("event") or None
    count = await visit.management.service.replay(visit.actor, visit.path("name"), event)
    texts = visit.texts.letters
    if count == 0 and event is not None:
        notice = Notice("bad", texts.unknown(event[:64]))
    else:
        notice = Notice("good", texts.replayed(count))
    return await visit.go("/dead-letters", notice)
