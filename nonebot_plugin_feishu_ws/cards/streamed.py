"""What one card of a streamed answer shows, as card JSON 2.0."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..texts import Locale
from ..texts.streaming import StreamTexts
from .parts import Json, button, escape, markdown, plain

TEXT, STATUS, STEPS = "text", "status", "steps_text"
"""The element_ids of what can be streamed."""
EMPTY = "…"
"""Shown where there is no text yet: an element cannot be empty."""
_LARGEST_STEPS = 4000
_LONGEST_STEP = 300
_LONGEST_STATUS = 300
_SUMMARY = 80
_LONGEST_TITLE = 200
_TYPING = {"print_frequency_ms": {"default": 50}, "print_step": {"default": 4}, "print_strategy": "fast"}
"""80 characters a second, about what models write; what is left when more text comes is shown at once."""


@dataclass(frozen=True, slots=True)
class View:
    """What a card is to show.

    Parameters:
        text: markdown.
        live: more is to come: the card streams and has the stop button.
        title: of the card, may be empty.
        status: a line above the text, plain, may be empty.
        steps: what was done so far, plain, in a panel that is closed at first.
        stop: what a click on the stop button carries; None for no button.
        card: shown instead of all this.
    """

    text: str
    live: bool
    title: str = ""
    status: str = ""
    steps: tuple[str, ...] = ()
    stop: Mapping[str, object] | None = None
    card: Mapping[str, object] | None = field(default=None, repr=False)

    def texts(self) -> dict[str, str]:
        """What can be streamed, by element_id."""
        texts = {STATUS: escape(self.status[:_LONGEST_STATUS]), STEPS: _listed(self.steps)}
        return {**{name: text for name, text in texts.items() if text}, TEXT: self.text or EMPTY}

    def shape(self) -> object:
        """All the rest: a card of the same shape differs in texts alone."""
        return (self.live, self.title, self.stop, self.card, *self.texts())


def layout(view: View, locale: Locale, *, streams: bool) -> Json:
    """The card JSON of a view.

    Parameters:
        locale: of the few words of ours.
        streams: whether a live card is in streaming mode.
    """
    if view.card is not None:
        return dict(view.card)
    words = StreamTexts(locale)
    texts = view.texts()
    elements: list[Json] = []
    if STATUS in texts:
        elements.append({**markdown(texts[STATUS]), "element_id": STATUS, "text_size": "notation"})
    if STEPS in texts:
        panel: Json = {"tag": "collapsible_panel", "element_id": "steps", "expanded": False}
        inside = {**markdown(texts[STEPS]), "element_id": STEPS, "text_size": "notation"}
        elements.append({**panel, "header": {"title": plain(words.steps())}, "elements": [inside]})
    elements.append({**markdown(texts[TEXT]), "element_id": TEXT})
    config: Json = {"update_multi": True}
    if view.live:
        if streams:
            config |= {"streaming_mode": True, "streaming_config": _TYPING}
        if view.stop is not None:
            elements.append({**button(words.stop(), view.stop), "element_id": "stop"})
    else:
        config["summary"] = {"content": " ".join(view.text.split())[:_SUMMARY]}
    card: Json = {"schema": "2.0", "config": config, "body": {"elements": elements}}
    return {**card, "header": {"title": plain(view.title[:_LONGEST_TITLE])}} if view.title else card


def card_text(card: Json) -> str:
    """A card as the JSON text that is sent."""
    return json.dumps(card, ensure_ascii=False)


def _listed(steps: tuple[str, ...]) -> str:
    """The steps as a list, the first ones left out where there are too many."""
    lines: list[str] = []
    left = _LARGEST_STEPS
    for step in reversed(steps):
        line = f"- {escape(' '.join(step.split())[:_LONGEST_STEP])}"
        left -= len(line.encode("utf-8", "replace"))
        if left < 0:
            lines.append(f"- {EMPTY}")
            break
        lines.append(line)
    return "\n".join(reversed(lines))
