"""A connector's check-up: its results appear as they come."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi import Response

from ...connectors import Check, CheckName
from .streams import event, streamed
from .visit import Visit


async def show(visit: Visit) -> Response:
    """The page; with `?run=1` it asks for the results at once."""
    connector = await visit.management.service.get(visit.actor, visit.path("name"))
    checks = [(check.value, visit.texts.checkup.title(check)) for check in CheckName]
    return await visit.page(
        "doctor",
        section="connectors",
        name=connector.spec.name,
        checks=checks,
        running=bool(visit.query("run")),
    )


async def run(visit: Visit) -> Response:
    """The results, one `event` for each check."""
    await visit.management.service.get(
        visit.actor, visit.path("name")
    )  # an unknown one is a 404, and no stream
    return streamed(_run(visit))


async def _run(visit: Visit) -> AsyncGenerator[str]:
    found: asyncio.Queue[Check | None] = asyncio.Queue()

    async def examine() -> None:
        try:
            await visit.management.examine(visit.actor, visit.path("name"), found=found.put_nowait)
        finally:
            found.put_nowait(None)

    task = asyncio.create_task(examine(), name="feishu-ws console check-up")
    try:
        while (check := await found.get()) is not None:
            yield event(check.name.value, _shown(visit, check))
        await task
        yield event("finished", visit.texts.word("finished"))
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _shown(visit: Visit, check: Check) -> str:
    template = visit.console.templates().get_template("check.html")
    return template.render(
        check=check,
        outcome=visit.texts.checkup.outcome(check.outcome),
        advice=visit.texts.checkup.check(check),
    )
