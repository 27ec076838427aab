"""What only a shell can do: look after the database and its key, and do one thing to every connector."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

from rich.progress import Progress

from ..connectors import SecretsLocked, Source
from ..runtime import InHand, StillNamed
from ..storage import DatabaseUnavailable, StorageError
from ..texts.shell import ShellTexts
from .answer import Answer, Table
from .desk import Desk
from .printing import Printer
from .verbs import perform

FOR_ALL = ("verify", "enable", "disable", "connect", "disconnect")
"""Verbs that may be said of every connector at once."""

_AT_ONCE = 8  # connectors a verb is performed on side by side
_SHORTEST_ID = 4  # characters: what is shorter stands in too many texts to be looked for

# What a verb answers to its words; None: they do not fit it.
ShellVerb = Callable[[Desk, Sequence[str], ShellTexts, Printer], Awaitable[Answer | None]]


async def managed(desk: Desk, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Do something with the connectors, and leave nothing open."""
    try:
        await desk.management.start()
    except StorageError as error:
        work.close()
        await desk.management.database.close()
        return _unusable(error)
    try:
        return await work
    finally:
        await desk.management.stop()


async def each(desk: Desk, verb: str, texts: ShellTexts, progress: Progress) -> Answer:
    """Perform a verb on every connector it can be said of; refusals do not stop the others."""
    connectors = await desk.management.service.visible(desk.actor)
    if verb in ("enable", "disable"):  # what is declared in configuration is enabled there
        connectors = [connector for connector in connectors if connector.source is Source.STORED]
    names = [connector.spec.name for connector in connectors]
    if not names:
        return Answer(desk.texts.no_connectors(), [])
    room = asyncio.Semaphore(_AT_ONCE)
    bar = progress.add_task(verb, total=len(names))

    async def one(name: str) -> Answer:
        async with room:
            answer = await perform(desk, f"{verb} {name}")
        progress.advance(bar)
        return answer

    answers = await asyncio.gather(*map(one, names))
    rows = tuple((name, answer.text) for name, answer in zip(names, answers, strict=True))
    data = [
        {"name": name, "done": not answer.failed, "message": answer.text}
        for name, answer in zip(names, answers, strict=True)
    ]
    return Answer(
        "\n".join(text for _, text in rows),
        data,
        Table(texts.result_columns(), rows),
        failed=any(answer.failed for answer in answers),
    )


async def _rotate(desk: Desk, words: Sequence[str], texts: ShellTexts, printer: Printer) -> Answer | None:
    if words:
        return None

    async def work() -> Answer:
        with printer.progress() as bars:
            bar = bars.add_task("rotate-key", total=None)
            try:
                end = await desk.management.rotate_key(
                    lambda progress: bars.update(bar, completed=progress.done, total=progress.total)
                )
            except SecretsLocked as error:
                return Answer(desk.texts.error(error), {"error": type(error).__name__}, failed=True)
            except DatabaseUnavailable:
                return Answer(texts.rotation_broken_off(), {"error": "DatabaseUnavailable"}, failed=True)
        return Answer(texts.rotated(end.total), {"done": end.done, "total": end.total})

    return await managed(desk, work())


async def _db(desk: Desk, words: Sequence[str], texts: ShellTexts, _printer: Printer) -> Answer | None:
    if tuple(words) not in (("current",), ("upgrade",)):
        return None
    database = desk.management.database
    try:
        before, newest = await database.revisions()
        if words[0] == "current":
            return Answer(texts.revision(before, newest), {"current": before, "newest": newest})
        await database.start()
        after, _ = await database.revisions()
        return Answer(texts.upgraded(before, after), {"before": before, "current": after})
    except StorageError as error:
        return _unusable(error)
    finally:
        await database.close()


def _unusable(error: StorageError) -> Answer:
    return Answer(str(error), {"error": type(error).__name__}, failed=True)


async def _export_user(desk: Desk, words: Sequence[str], texts: ShellTexts, _: Printer) -> Answer | None:
    if len(words) != 2 or not (ids := _ids(words[0])):
        return None

    async def work() -> Answer:
        try:
            lines = await desk.management.export_user(desk.actor, ids)
        except DatabaseUnavailable as error:
            return _unusable(error)
        if words[1] == "-":
            return Answer("\n".join(lines), [json.loads(line) for line in lines])
        try:
            write_new(words[1], lines)
        except OSError as error:
            return Answer(texts.not_written(words[1], error.strerror or ""), {"error": "File"}, failed=True)
        return Answer(texts.exported(len(lines) - 1, words[1]), {"rows": len(lines) - 1})

    return await managed(desk, work())


async def _forget_user(desk: Desk, words: Sequence[str], texts: ShellTexts, _: Printer) -> Answer | None:
    really = "--yes" in words
    rest = [word for word in words if word != "--yes"]
    if len(rest) != 1 or not (ids := _ids(rest[0])):
        return None

    async def work() -> Answer:
        try:
            done = await desk.management.forget_user(desk.actor, ids, really=really)
        except InHand as error:
            return Answer(texts.in_hand(str(error)), {"error": "InHand", "rows": error.counts}, failed=True)
        except StillNamed as error:
            facts = {"error": "StillNamed", "connectors": error.connectors}
            return Answer(texts.still_named(str(error)), facts, failed=True)
        except DatabaseUnavailable as error:
            return _unusable(error)
        changed, deleted = sum(done.changed.values()), sum(done.deleted.values())
        facts = {"changed": done.changed, "deleted": done.deleted}
        if not really and changed + deleted:
            return Answer(texts.would_forget(changed, deleted), facts, failed=True)
        return Answer(texts.forgotten(changed, deleted, done.alias), {**facts, "alias": done.alias})

    return await managed(desk, work())


def _ids(word: str) -> list[str]:
    ids = word.split(",")
    return ids if all(len(one) >= _SHORTEST_ID for one in ids) else []


def write_new(file: str, lines: Sequence[str]) -> None:
    """To a new file that nobody else can read."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as new:
        new.writelines(f"{line}\n" for line in lines)


SHELL_VERBS: Mapping[str, ShellVerb] = {
    "rotate-key": _rotate,
    "export-user": _export_user,
    "forget-user": _forget_user,
    "db": _db,
}
