"""The way in: a frame's payload becomes a stored event before it is acked; a card click is answered at once."""

import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple

from ..connectors import Link
from ..delivery import Accepted, Inbox, InboxError, Incoming, LogAction, LogBook
from ..filters import Outcome, Reason
from ..gateway import Ack, Inbound
from ..telemetry import OTHER, about
from .jobs import Job
from .room import Room
from .spans import receiving
from .tally import CLICK, Fate, Tally

logger = logging.getLogger("nonebot_plugin_feishu_ws.runtime")

_MESSAGE = "im.message.receive_v1"
_REFUSED = Ack(500)


class Intake:
    """Answers data frames.

    Args:
        inbox: Where events are committed before they are acked.
        logbook: Where drops are noted.
        room: Where each event must find a place before it is stored; clicks need none.
        submit: Takes every new event, in order of arrival.
        click: Answers a card click, within Feishu's 3 s.
        tally: Counts what comes in.
    """

    def __init__(
        self,
        inbox: Inbox,
        logbook: LogBook,
        room: Room,
        submit: Callable[[Job], None],
        click: Callable[[Link, Mapping[str, Any]], Awaitable[Mapping[str, object]]],
        tally: Tally,
    ) -> None:
        self._inbox = inbox
        self._logbook = logbook
        self._room = room
        self._submit = submit
        self._click = click
        self._tally = tally

    async def receive(self, link: Link, inbound: Inbound) -> Ack:
        """Take one event in. What cannot be stored is refused, so that Feishu pushes it again."""
        begun, received_at = perf_counter(), datetime.now(UTC)
        try:
            payload = json.loads(inbound.payload)
        except (ValueError, RecursionError) as error:
            logger.warning(
                "%s: an event that is not JSON was refused: %s", link.spec.name, type(error).__name__
            )
            self._tally.events.add(OTHER, Fate.REFUSED)
            return _REFUSED
        if not isinstance(payload, dict):
            logger.warning("%s: an event that is not a JSON object was refused", link.spec.name)
            self._tally.events.add(OTHER, Fate.REFUSED)
            return _REFUSED
        event = Envelope.of(payload, inbound)  # pyright: ignore[reportUnknownArgumentType]
        with about(link.spec.name, link.spec.app_id, event.event_id):
            with receiving(link, event.event_type, event.event_id):
                ack, fate, job = await self._take(link, event, received_at)
            if job is not None:
                self._submit(job)
        self._tally.events.add(event.event_type, fate)
        took = self._tally.clicks if event.event_type == CLICK else self._tally.acks
        took.observe(perf_counter() - begun)
        return ack

    async def _take(self, link: Link, event: "Envelope", received_at: datetime) -> "_Taken":
        token = event.take_token()
        if not _same_token(link, token):
            self._dropped(link, event, Reason.TOKEN_MISMATCH)
            return _Taken(Ack(), Fate.FILTERED)
        if event.event_type == CLICK:
            return _Taken(Ack(data=await self._click(link, event.payload)), Fate.ANSWERED)
        return await self._store(link, event, event.stored(token), received_at)

    async def _store(self, link: Link, event: "Envelope", payload: bytes, received_at: datetime) -> "_Taken":
        incoming = Incoming(
            app_id=link.spec.app_id,
            event_id=event.event_id,
            message_id=event.message_id,
            event_type=event.event_type,
            chat_id=event.chat_id,
            payload=payload,
        )
        chat = link.spec.app_id, event.chat_id
        if not await self._room.enter(chat):
            self._refused(link, event)
            return _Taken(_REFUSED, Fate.REFUSED)
        try:
            taken = await self._inbox.accept(incoming)
        except BaseException as error:
            self._room.leave(chat)
            if not isinstance(error, InboxError):
                raise
            logger.error("%s: event %s is not stored and refused: %s", link.spec.name, event.event_id, error)
            return _Taken(_REFUSED, Fate.REFUSED)
        if isinstance(taken, Accepted):
            job = Job(
                link=link,
                row_id=taken.row_id,
                owner=taken.owner,
                payload=event.payload,
                event_id=event.event_id,
                event_type=event.event_type,
                message_id=event.message_id,
                chat_id=event.chat_id,
                received_at=received_at,
            )
            return _Taken(Ack(), Fate.ACCEPTED, job)
        self._room.leave(chat)
        self._dropped(link, event, Reason.DUPLICATE)
        return _Taken(Ack(), Fate.DUPLICATE)

    def _refused(self, link: Link, event: "Envelope") -> None:
        """The 1st, 2nd, 4th, 8th … is reported: when there are too many events there are many of these."""
        count = self._room.refused
        if count & (count - 1) == 0:
            logger.error(
                "%s: event %s is refused, Feishu will push it again: %d events are in hand (%d refused so far)",
                link.spec.name,
                event.event_id,
                self._room.in_hand,
                count,
            )

    def _dropped(self, link: Link, event: "Envelope", reason: Reason) -> None:
        logger.debug("%s: %s %s is dropped: %s", link.spec.name, event.event_type, event.event_id, reason)
        self._tally.filtered.add(reason)
        self._logbook.write(
            LogAction.WS_FILTERED,
            connector=link.spec.app_id,
            name=link.spec.name,
            event_id=event.event_id,
            message_id=event.message_id,
            detail={"admitted": False, "reason": reason, "trace": [f"{reason}={Outcome.FAIL}"]},
        )


class _Taken(NamedTuple):
    """What an event is answered, what has become of it, and what is to be handled of it."""

    ack: Ack
    fate: Fate
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What must be known of an event before it is parsed: schema 2.0, schema 1.0, or the old flat card callback."""

    payload: dict[str, Any]
    raw: bytes = field(repr=False)
    event_id: str
    event_type: str
    message_id: str | None
    chat_id: str | None

    @classmethod
    def of(cls, payload: dict[str, Any], inbound: Inbound) -> "Envelope":
        header, body = _object(payload.get("header")), _object(payload.get("event"))
        event_type = _text(header.get("event_type")) or _text(body.get("type")) or ""
        if not event_type and (inbound.kind == "card" or "action" in payload):
            event_type = CLICK
        message = _object(body.get("message"))
        return cls(
            payload,
            inbound.payload,
            # An event without an id of its own still has the frame's, which a re-push repeats.
            _text(header.get("event_id")) or _text(payload.get("uuid")) or inbound.message_id,
            event_type,
            _text(message.get("message_id")) if event_type == _MESSAGE else None,
            _text(message.get("chat_id")) or _text(body.get("chat_id")) or _text(body.get("open_chat_id")),
        )

    def stored(self, token: str | None) -> bytes:
        """The payload as JSON without the token that was taken from it.

        As it came, where that is easily done. Else written anew: in UTF-8 and without needless escapes, for it is
        searched for people's ids.
        """
        raw = self.raw
        if raw.startswith(b'{"') and b"\\u" not in raw:
            # Inside a string there is a backslash before the last quote of "token", so that this is no part of any.
            named = raw.count(b'"token"')
            written = b'"token":"' + (token or "").encode("utf-8", "surrogatepass") + b'"'
            if named == 0:
                return raw
            if named == 1 and written in raw:
                return raw.replace(written, b'"token":""')
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )

    def take_token(self) -> str | None:
        """Remove the verification token from the payload, so that it is stored nowhere, and return it."""
        if "token" in (header := _object(self.payload.get("header"))):
            return _text(header.pop("token"))
        # In the old card callback `token` is the card's; only schema 1.0 has the verification token at the top.
        return _text(self.payload.pop("token", None)) if "uuid" in self.payload else None


def _same_token(link: Link, token: str | None) -> bool:
    expected = link.spec.verification_token
    if expected is None or not expected.get_secret_value():
        return True
    given = (token or "").encode("utf-8", "surrogatepass")
    return hmac.compare_digest(expected.get_secret_value().encode(), given)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
