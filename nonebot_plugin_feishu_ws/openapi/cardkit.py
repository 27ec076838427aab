"""CardKit: card entities, which can be changed piece by piece and whose text can be streamed.

Paths in the docstrings are those of open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/. What holds for all of them: JSON
2.0 only, no `update_multi: false`, the app that made the entity, 14 days, 10 operations a second on one card, and a
`sequence` that is higher with every operation on it, also after the whole card was replaced (300317, `OutOfSequence`).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from .answers import Json
from .caller import compact
from .messages import Content, content_text, quoted
from .models import CardEntity, parse

Place = Literal["insert_before", "insert_after", "append"]
LAST_SEQUENCE = 2**31 - 1
LONGEST_UUID = 64
"""Characters."""


class CardKit:
    """The calls of cardkit-v1, as `FeishuClient.cards`. They raise what the client's calls raise.

    Operations have in common:
        card_id: of the entity, from `create`.
        sequence: 1 to 2,147,483,647, higher than that of any earlier operation on the card.
        uuid: 1–64 characters; Feishu does the operations of one uuid once, and answers the next with `Repeated`.

    Parameters:
        call: makes a call as the app and returns its `data`.
    """

    def __init__(self, call: Callable[[str, str, Mapping[str, object]], Awaitable[Json]]) -> None:
        self._call = call

    async def create(self, card: Content) -> str:
        """Make an entity, to be sent once (`entity_content`); returns its card_id (cardkit-v1/card/create)."""
        body = {"type": "card_json", "data": content_text(card)}
        return parse(CardEntity, await self._call("POST", "cardkit/v1/cards", body)).card_id

    async def card_id_of(self, message_id: str) -> str:
        """The card_id of a card that was sent, with an entity or without (cardkit-v1/card/id_convert)."""
        data = await self._call("POST", "cardkit/v1/cards/id_convert", {"message_id": message_id})
        return parse(CardEntity, data).card_id

    async def replace(self, card_id: str, card: Content, *, sequence: int, uuid: str | None = None) -> None:
        """The whole card anew; what it does not say again is gone, streaming mode too (cardkit-v1/card/update)."""
        body = {"card": {"type": "card_json", "data": content_text(card)}}
        await self._operate("PUT", card_id, "", body, sequence, uuid)

    async def configure(
        self, card_id: str, config: Mapping[str, object], *, sequence: int, uuid: str | None = None
    ) -> None:
        """Change fields of the card's `config`, such as `streaming_mode` (cardkit-v1/card/settings)."""
        await self._operate(
            "PATCH", card_id, "/settings", {"settings": compact({"config": config})}, sequence, uuid
        )

    async def stream(
        self, card_id: str, element_id: str, text: str, *, sequence: int, uuid: str | None = None
    ) -> None:
        """The whole text of a markdown or plain_text element (cardkit-v1/card-element/content).

        It is typed out on the screen if the old text is its beginning.

        Raises:
            StreamClosed: streaming mode is off, or has ended by itself after ten minutes.
        """
        path = f"/elements/{quoted(element_id)}/content"
        await self._operate("PUT", card_id, path, {"content": text}, sequence, uuid)

    async def batch(
        self,
        card_id: str,
        actions: Sequence[Mapping[str, object]],
        *,
        sequence: int,
        uuid: str | None = None,
    ) -> None:
        """Several changes at once, each `{"action", "params"}` (cardkit-v1/card/batch_update)."""
        await self._operate("POST", card_id, "/batch_update", {"actions": compact(actions)}, sequence, uuid)

    async def add_elements(
        self,
        card_id: str,
        elements: Sequence[Mapping[str, object]],
        *,
        place: Place = "append",
        target: str | None = None,
        sequence: int,
        uuid: str | None = None,
    ) -> None:
        """Put elements before or after `target`, or at its end, or at the card's (cardkit-v1/card-element/create)."""
        body = {"type": place, "elements": compact(elements)}
        if target is not None:
            body["target_element_id"] = target
        await self._operate("POST", card_id, "/elements", body, sequence, uuid)

    async def replace_element(
        self,
        card_id: str,
        element_id: str,
        element: Mapping[str, object],
        *,
        sequence: int,
        uuid: str | None = None,
    ) -> None:
        """Another element in its place, of any kind (cardkit-v1/card-element/update)."""
        path, body = f"/elements/{quoted(element_id)}", {"element": compact(element)}
        await self._operate("PUT", card_id, path, body, sequence, uuid)

    async def change_element(
        self,
        card_id: str,
        element_id: str,
        fields: Mapping[str, object],
        *,
        sequence: int,
        uuid: str | None = None,
    ) -> None:
        """Change fields of an element, all but its tag (cardkit-v1/card-element/patch)."""
        path, body = f"/elements/{quoted(element_id)}", {"partial_element": compact(fields)}
        await self._operate("PATCH", card_id, path, body, sequence, uuid)

    async def delete_element(
        self, card_id: str, element_id: str, *, sequence: int, uuid: str | None = None
    ) -> None:
        """Take an element out (cardkit-v1/card-element/delete)."""
        await self._operate("DELETE", card_id, f"/elements/{quoted(element_id)}", {}, sequence, uuid)

    async def _operate(
        self,
        method: str,
        card_id: str,
        path: str,
        body: Mapping[str, object],
        sequence: int,
        uuid: str | None,
    ) -> None:
        if not 1 <= sequence <= LAST_SEQUENCE:
            raise ValueError(f"sequence must be 1 to {LAST_SEQUENCE}, not {sequence}")
        if uuid is not None and not 1 <= len(uuid) <= LONGEST_UUID:
            raise ValueError(f"uuid must have 1 to {LONGEST_UUID} characters, this one has {len(uuid)}")
        named = {} if uuid is None else {"uuid": uuid}
        whole = {**body, "sequence": sequence, **named}
        await self._call(method, f"cardkit/v1/cards/{quoted(card_id)}{path}", whole)


def entity_content(card_id: str) -> dict[str, object]:
    """The content of the `interactive` message that shows an entity; it can be sent once."""
    return {"type": "card", "data": {"card_id": card_id}}
