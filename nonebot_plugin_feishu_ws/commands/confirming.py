"""Asking before what cannot be undone, or silences a bot: a card whose buttons are good for whoever asked, once."""

from dataclasses import dataclass

from ..connectors import ReadOnly, Source
from .access import words_of
from .cards import Json, confirm_card
from .desk import Desk
from .slips import Slips

ASKED = frozenset({"disable", "remove"})
"""The verbs with buttons that ask first."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a confirmation stands for: `id` so that another connector of the same name is not taken for it."""

    verb: str
    name: str
    id: str
    page: int | None


class Confirmations:
    """Asks, and takes the answers."""

    def __init__(self) -> None:
        self._slips: Slips[Step] = Slips()

    async def ask(
        self,
        desk: Desk,
        who: tuple[str, str],
        verb: str,
        name: str,
        *,
        page: int | None = None,
        message_id: str | None = None,
    ) -> tuple[Json, str]:
        """The card that asks.

        Args:
            desk: For whom.
            who: App id and open_id of the person who may answer.
            verb: One of `ASKED`.
            name: The connector.
            page: Of the list to go back to.
            message_id: The card it will be on, if that exists already; else see `place`.

        Returns:
            The card, and the nonce on it.

        Raises:
            ConnectorError: There is none of that name, or it is declared in configuration.
            DatabaseUnavailable: Nobody knows now.
        """
        connector = await desk.management.service.get(desk.actor, name)
        if connector.source is Source.CONFIG:
            raise ReadOnly(connector.spec.name)
        step = Step(verb, connector.spec.name, connector.id, page)
        nonce = self._slips.put(who, step, message_id)
        return confirm_card(words_of(desk), verb, step.name, nonce), nonce

    def place(self, nonce: str, message_id: str) -> None:
        """Say on which card a nonce is, once that was sent."""
        self._slips.place(nonce, message_id)

    def take(self, who: tuple[str, str], nonce: object, message_id: str | None) -> Step:
        """What somebody answered about.

        Raises:
            SlipError: The answer is not good for this person on this card.
        """
        return self._slips.take(who, nonce, message_id)
