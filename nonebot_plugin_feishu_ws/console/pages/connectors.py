"""The connectors, and one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Response

from ...connectors import SECRETS, Connector, Part, Reported, Source, state_of, values_of
from ...filters import Policy
from ...storage import utc_now
from ...texts.console import ConsoleTexts
from .visit import Notice, Visit

_LATEST = 10  # lines of the log on a connector's own page
_RUNNING = ("connected", "connecting", "reconnecting")


@dataclass(frozen=True, slots=True)
class Card:
    """A connector, as pages show it.

    Attributes:
        state: The contract's.
        trouble: What keeps it from its work.
        first: The button that stands out: what is to be done next.
        others: Further buttons.
        editable: It is stored, and its secrets open.
    """

    connector: Connector
    reported: Reported
    state: str
    trouble: Sequence[str]
    first: str | None
    others: Sequence[str]
    editable: bool

    @property
    def name(self) -> str:
        return self.connector.spec.name

    @property
    def processes(self) -> Sequence[Part]:
        """Each of them, if there is more than one."""
        return self.reported.parts if len(self.reported.parts) > 1 else ()


def card_of(texts: ConsoleTexts, connector: Connector, reported: Reported) -> Card:
    """What to show of a connector, and what can be done about it."""
    stored = connector.source is Source.STORED
    editable = stored and connector.locked is None
    first, others = _buttons(connector, reported)
    return Card(
        connector,
        reported,
        state_of(connector, reported),
        texts.standing.trouble(connector, reported),
        first,
        others,
        editable,
    )


def _buttons(connector: Connector, reported: Reported) -> tuple[str | None, Sequence[str]]:
    stored = connector.source is Source.STORED
    if connector.locked is not None:
        return None, ()
    if stored and connector.verified_at is None:
        return "verify", ()
    if not connector.spec.enabled:
        return ("enable", ("verify",)) if stored else (None, ("verify",))
    disable = ("disable",) if stored else ()
    if reported.state in _RUNNING and not reported.held:
        return None, ("disconnect", "verify", *disable)
    return "connect", ("verify", *disable)


async def index(visit: Visit) -> Response:
    """All of them."""
    pairs = await visit.management.service.status(visit.actor)
    cards = [card_of(visit.texts, *pair) for pair in pairs]
    connected = sum(card.state == "connected" for card in cards)
    return await visit.page(
        "connectors", section="connectors", cards=cards, connected=connected, now=utc_now()
    )


async def show(
    visit: Visit, *, notice: Notice | None = None, problems: Mapping[str, str] | None = None
) -> Response:
    """One of them: how it is doing, what it is, what happened last.

    Args:
        visit: Its form is that of a test message, if there is one.
        notice: Why the message was not sent.
        problems: What is wrong with which field of it.
    """
    name = visit.path("name")
    ((connector, reported),) = await visit.management.service.status(visit.actor, name)
    page = await visit.management.service.logs(visit.actor, connector.spec.name, limit=_LATEST)
    values = values_of(connector.spec)
    return await visit.page(
        "connector",
        status=HTTPStatus.OK if notice is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        notice=notice,
        section="connectors",
        card=card_of(visit.texts, connector, reported),
        secrets={field: bool(values[field]) for field in SECRETS},
        policy={field: values[field] for field in Policy.model_fields},
        entries=page.entries,
        typed=visit.form,
        problems=problems or {},
        public_url=visit.console.settings.console_url or "",
        now=utc_now(),
    )


async def remove(visit: Visit) -> Response:
    """Asks first."""
    connector = await visit.management.service.get(visit.actor, visit.path("name"))
    return await visit.page("remove", section="connectors", name=connector.spec.name)
