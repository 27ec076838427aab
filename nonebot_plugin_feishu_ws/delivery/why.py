"""What became of one message, and why: its story, read back from the log and the inbox."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select

from ..storage import Database, EventRow, EventState, MergedRow
from .logbook import LogAction, LogBook, LogEntry


@dataclass(frozen=True, slots=True)
class Arrival:
    """How far the message's event has come, while the inbox still remembers it.

    Attributes:
        attempts: How often it was handed out; more than once if the process died over it.
        error: Why it was given up, of a dead letter.
    """

    event_id: str
    received_at: datetime
    state: EventState
    attempts: int
    done_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Together:
    """Which other messages are answered in the same turn, see `MergedRow`.

    Attributes:
        later: The message that stands for all of them, if it is not this one; None, too, if it is no longer known.
        state: How far that one has come.
        earlier: The messages this one stands for, as far as they are still known.
    """

    later: str | None = None
    state: EventState | None = None
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Screening:
    """The filters' word on one event: the message, another push of it, or a click in it.

    Attributes:
        verdicts: Every filter that was asked and its answer, in order.
        admitted: Whether it went to NoneBot; a message that does not speak to the bot does, too.
        reason: Of the filter that stopped it, or that kept it from the Butler.
    """

    at: datetime
    event_id: str | None
    verdicts: tuple[tuple[str, str], ...]
    admitted: bool
    reason: str | None


@dataclass(frozen=True, slots=True)
class Taker:
    """A matcher that ran on the event.

    Attributes:
        plugin: The plugin it is of, or the module where it is in none.
        error: The type of what it raised; None if it raised nothing.
    """

    plugin: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Handling:
    """Handling has ended: which matchers ran, in the order in which they finished."""

    at: datetime
    event_id: str | None
    takers: tuple[Taker, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, or the attempt at one.

    Attributes:
        message_id: Of the answer; None if it was not sent.
        error: Why it was not sent.
    """

    at: datetime
    message_id: str | None
    msg_type: str
    error: str | None


Chapter = Screening | Handling | Said


@dataclass(frozen=True, slots=True)
class Story:
    """What one connector did with a message.

    Attributes:
        app_id: The connector's.
        connector: Its name at the time; None if it wrote no line.
        arrival: None where the inbox has forgotten the event, or it is no received message (but, say, a clicked card).
        chapters: In order of time.
        together: Those it is answered together with; None: it is answered by itself.
    """

    app_id: str
    connector: str | None
    message_id: str
    arrival: Arrival | None
    chapters: tuple[Chapter, ...]
    together: Together | None = None


async def why(database: Database, logbook: LogBook, message_id: str, app_ids: Collection[str]) -> list[Story]:
    """What became of a message.

    Args:
        database: Started.
        logbook: On the same database; what it has not written yet is waited for.
        message_id: Of a message a bot received, or of a card that was clicked (`om_…`).
        app_ids: The connectors to be told of: those the reader may see. All bots of a group receive its messages, so
            one message may have a story for each of them.

    Returns:
        One story for each connector that knows the message; none: nobody does, or not to the reader.

    Raises:
        DatabaseUnavailable: The database is away.
    """
    await logbook.flush()
    lines: dict[str, list[LogEntry]] = {}
    for entry in await logbook.about(message_id, app_ids):
        lines.setdefault(entry.connector or "", []).append(entry)
    arrivals = await _arrivals(database, message_id, app_ids)
    together = {
        app_id: await _together(database, app_id, arrival.event_id) for app_id, arrival in arrivals.items()
    }
    return [
        Story(
            app_id=app_id,
            connector=next((entry.name for entry in reversed(lines.get(app_id, []))), None),
            message_id=message_id,
            arrival=arrivals.get(app_id),
            chapters=tuple(_chapters(lines.get(app_id, []))),
            together=together.get(app_id),
        )
        for app_id in dict.fromkeys([*lines, *arrivals])
    ]


async def _arrivals(database: Database, message_id: str, app_ids: Collection[str]) -> dict[str, Arrival]:
    wanted = select(EventRow).where(
        col(EventRow.connector).in_(app_ids), col(EventRow.message_id) == message_id
    )
    async with database.session() as session:
        rows = (await session.exec(wanted)).all()
    return {
        row.connector: Arrival(row.event_id, row.received_at, row.state, row.attempts, row.done_at, row.error)
        for row in rows
    }


async def _together(database: Database, app_id: str, event_id: str) -> Together | None:
    mine = col(MergedRow.connector) == app_id
    into = select(MergedRow.turn).where(mine, col(MergedRow.event_id) == event_id)
    parts = select(MergedRow.event_id).where(mine, col(MergedRow.turn) == event_id)
    async with database.session() as session:
        turn = (await session.exec(into)).first()
        earlier = (await session.exec(parts.order_by(col(MergedRow.position)))).all()
        if turn is None and not earlier:
            return None
        messages = select(EventRow.event_id, EventRow.message_id, EventRow.state).where(
            col(EventRow.connector) == app_id, col(EventRow.event_id).in_([turn, *earlier])
        )
        rows = (await session.exec(messages)).all()
    known = {event: (message, EventState(state)) for event, message, state in rows}
    if turn in known:
        return Together(*known[turn])
    if turn is not None:
        return Together()
    return Together(earlier=tuple(known[event][0] or event for event in earlier if event in known))


def _chapters(entries: Iterable[LogEntry]) -> Iterable[Chapter]:
    for entry in entries:
        detail = entry.detail
        if entry.action == LogAction.WS_OUTBOUND:
            yield Said(entry.at, detail["sent"], detail["type"], detail["error"])
        elif entry.action in (LogAction.WS_FILTERED, LogAction.WS_ROUTED):
            if "matchers" in detail:
                takers = tuple(Taker(each["plugin"], each["error"]) for each in detail["matchers"])
                yield Handling(entry.at, entry.event_id, takers)
            else:
                yield Screening(
                    entry.at,
                    entry.event_id,
                    tuple(_verdict(step) for step in detail.get("trace", ())),
                    detail.get("admitted", entry.action == LogAction.WS_ROUTED),
                    detail.get("reason"),
                )


def _verdict(step: str) -> tuple[str, str]:
    reason, _, outcome = step.partition("=")
    return reason, outcome
