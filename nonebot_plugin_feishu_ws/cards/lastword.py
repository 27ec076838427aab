"""The whole of a streamed answer as messages, where its cards could not show it."""

import logging

from ..openapi import InvalidRequest, TooLarge
from ..texts import Locale
from .paging import Bounds, paginate
from .streamed import View, card_text, layout
from .streampages import Send

log = logging.getLogger("nonebot_plugin_feishu_ws.cards")

_LARGEST_TEXT = 100 * 1024
"""Bytes of one plain message; Feishu takes 150 KB."""


class LastWord:
    """One card if all fits on one, else plain text in as few messages as it takes; nothing if there is nothing.

    Parameters:
        view: what is to be said, the whole text in it.
        bounds: of a card.
    """

    def __init__(self, send: Send, locale: Locale, view: View, bounds: Bounds) -> None:
        self._send = send
        self._view = view
        card = card_text(layout(view, locale, streams=False))
        self._left = [("whole", "interactive", card)]
        if view.card is None and not view.text:
            self._left = []
        elif view.card is None and len(paginate(view.text, bounds, whole=True)) > 1:
            self._left = self._plain()

    async def say(self) -> bool:
        """Send the next message; False if there is none."""
        if not self._left:
            return False
        part, msg_type, content = self._left[0]
        try:
            await self._send(part, msg_type, content)
        except (InvalidRequest, TooLarge) as error:
            if msg_type == "text" or not self._view.text:
                raise
            log.warning("streaming card: no card at all is taken, plain text follows: %s", error)
            self._left = self._plain()
        else:
            del self._left[0]
        return True

    def _plain(self) -> list[tuple[str, str, str]]:
        text = self._view.text
        pages = paginate(text, Bounds(_LARGEST_TEXT, len(text)), whole=True)
        return [(f"whole-{number}", "text", card_text({"text": page})) for number, page in enumerate(pages)]
