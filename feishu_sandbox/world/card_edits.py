"""Changes of a card's parts, on a copy: what CardKit's operations do (Feishu, cardkit-v1/card/batch_update)."""

import copy
from typing import Any

from .entities import locate
from .loose import as_list, as_object
from .model import Json


class EditFailed(Exception):  # noqa: N818 - an answer of the platform, not a defect
    """The change cannot be made; ``code`` is Feishu's."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code
        self.why = why


def edited(card: Json, actions: list[Any]) -> Json:
    """The card after all ``{"action", "params"}``; none is done if one fails (EditFailed)."""
    changed = copy.deepcopy(card)
    for one in actions:
        action = as_object(one) or {}
        edit = _EDITS.get(str(action.get("action")))
        params = as_object(action.get("params"))
        if edit is None or params is None:
            raise EditFailed(10002, f"unknown action {action.get('action')!r}")
        edit(changed, params)
    return changed


def with_text(card: Json, element_id: str, text: str) -> Json:
    """The card with the text of one markdown or plain_text element replaced."""
    changed = copy.deepcopy(card)
    holder, place = _place(changed, element_id, 300313)
    if holder[place].get("tag") not in ("markdown", "plain_text"):
        raise EditFailed(300310, "Only update text")
    holder[place]["content"] = text
    return changed


def _configure(card: Json, params: Json) -> None:
    settings = as_object(params.get("settings")) or {}
    if not settings or not settings.keys() <= {"config", "card_link"}:
        raise EditFailed(300122, "settings has config and card_link")
    for key, value in settings.items():
        if (wanted := as_object(value)) is None:
            raise EditFailed(300122, f"{key} is not an object")
        card[key] = {**(as_object(card.get(key)) or {}), **wanted}


def _add(card: Json, params: Json) -> None:
    where, target, elements = params.get("type"), params.get("target_element_id"), params.get("elements")
    if where not in ("insert_before", "insert_after", "append") or not as_list(elements):
        raise EditFailed(10002, "type or elements is invalid")
    if where == "append":
        holder = card["body"] if not target else _found(card, str(target), 300315)
        if not isinstance(holder.get("elements"), list):
            raise EditFailed(300315, "the target is no container")
        holder["elements"] += as_list(elements)
        return
    holder, place = _place(card, str(target), 300315)
    if not isinstance(place, int):
        raise EditFailed(300315, "the target is not in a list")
    at = place + (where == "insert_after")
    holder[at:at] = as_list(elements)


def _delete(card: Json, params: Json) -> None:
    for element_id in as_list(params.get("element_ids")):
        holder, place = _place(card, str(element_id), 300314)
        del holder[place]


def _replace(card: Json, params: Json) -> None:
    element = as_object(params.get("element"))
    holder, place = _place(card, str(params.get("element_id")), 300121)
    if element is None or not isinstance(element.get("tag"), str):
        raise EditFailed(300121, "element is no component")
    holder[place] = element


def _patch(card: Json, params: Json) -> None:
    element = _found(card, str(params.get("element_id")), 300313)
    partial = as_object(params.get("partial_element"))
    if not partial:
        raise EditFailed(300313, "partial_element is empty")
    if partial.get("tag", element["tag"]) != element["tag"]:
        raise EditFailed(300312, "Unable to update element tag")
    element.update(partial)


def _place(card: Json, element_id: str, code: int) -> tuple[Any, Any]:
    found = locate(card, element_id)
    if found is None:
        raise EditFailed(code, f"not find elementID {element_id}")
    return found


def _found(card: Json, element_id: str, code: int) -> Json:
    holder, place = _place(card, element_id, code)
    return holder[place]


_EDITS = {
    "partial_update_setting": _configure,
    "add_elements": _add,
    "delete_elements": _delete,
    "update_element": _replace,
    "partial_update_element": _patch,
}
