"""Dead letters: events that were given up."""

from fastapi import Response

from .visit import Notice, Visit


async def index(visit: Visit) -> Response:
    """Those of every connector somebody may see."""
    service = visit.management.service
    found = [
        (connector.spec.name, letters)
        for connector in await service.visible(visit.actor)
        if (letters := await service.dead_letters(visit.actor, connector.spec.name))
    ]
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
