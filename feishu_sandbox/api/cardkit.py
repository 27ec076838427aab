"""``/cardkit/v1``: card entities and their elements (facts, "CardKit"; Feishu, cardkit-v1: card, card-element).

Codes are those of the error tables of these pages. They do not say what is refused first, nor that a refused operation
uses up its sequence or uuid: here it does not.
"""

import json
import math
import re
from typing import Any

from ..rules import Rules
from ..world import CardEntity, Json
from ..world.card_edits import EditFailed, edited, with_text
from ..world.entities import elements_of, tables_in
from ..world.loose import as_list, as_object, parse_object
from .call import Call
from .contents import check_card
from .errors import ENTITY_SENT, NO_SUCH_ENTITY, NOT_MY_ENTITY, TOO_MANY_TABLES, ApiError

_ELEMENT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LAST_SEQUENCE = 2**31 - 1
_LONGEST_TEXT = 100_000
_NO_CARD = (200220, "Failed to generate card content")


async def create(call: Call) -> Json:
    """``POST /cards`` ``{type: card_json, data}``; templates are not kept here."""
    if call.text("type") != "card_json":
        raise _invalid("type must be card_json")
    card = _card(call.platform.rules, call.body.get("data"))
    return {"card_id": call.world.cards.create(call.app, card).card_id}


async def id_convert(call: Call) -> Json:
    """``POST /cards/id_convert`` ``{message_id}``"""
    message = call.world.messages.get(call.text("message_id"))
    if message is None or message.sender is not call.app or message.msg_type != "interactive":
        raise _invalid("message_id is not a card of this app")
    if message.content.get("schema") != "2.0":
        raise ApiError(300303, "Only schema 2.0 is supported")
    return {"card_id": call.world.cards.convert(call.app, message).card_id}


async def update(call: Call) -> Json:
    """``PUT /cards/:card_id``: the whole card; what it does not say again is gone, streaming mode too."""
    entity = _operated(call)
    given = as_object(call.body.get("card")) or {}
    if given.get("type") != "card_json":
        raise _invalid("card.type must be card_json")
    return _done(call, entity, _card(call.platform.rules, given.get("data")))


async def settings(call: Call) -> Json:
    """``PATCH /cards/:card_id/settings``"""
    entity = _operated(call)
    wanted = parse_object(call.text("settings"))
    return _edit(call, entity, "partial_update_setting", settings=wanted)


async def batch_update(call: Call) -> Json:
    """``POST /cards/:card_id/batch_update`` ``{actions: "[{action, params}]"}``: all of them or none."""
    entity = _operated(call)
    return _edits(call, entity, _list(call, "actions"))


async def add(call: Call) -> Json:
    """``POST /cards/:card_id/elements``"""
    entity = _operated(call)
    target = call.text("target_element_id", required=False)
    elements = _list(call, "elements")
    return _edit(
        call, entity, "add_elements", type=call.text("type"), target_element_id=target, elements=elements
    )


async def replace(call: Call) -> Json:
    """``PUT /cards/:card_id/elements/:element_id``"""
    entity = _operated(call)
    element = parse_object(call.text("element"))
    return _edit(call, entity, "update_element", element_id=_element_id(call), element=element)


async def patch(call: Call) -> Json:
    """``PATCH /cards/:card_id/elements/:element_id``"""
    entity = _operated(call)
    partial = parse_object(call.text("partial_element"))
    return _edit(
        call, entity, "partial_update_element", element_id=_element_id(call), partial_element=partial
    )


async def delete(call: Call) -> Json:
    """``DELETE /cards/:card_id/elements/:element_id``"""
    entity = _operated(call)
    return _edit(call, entity, "delete_elements", element_ids=[_element_id(call)])


async def content(call: Call) -> Json:
    """``PUT /cards/:card_id/elements/:element_id/content``: the whole text of one element, while it streams."""
    entity = _operated(call)
    text = call.text("content")
    if len(text) > _LONGEST_TEXT:
        raise _invalid("content is too long")
    if not call.world.cards.streaming(entity):
        told, entity.timed_out = entity.timed_out, False
        raise (
            ApiError(200850, "Card streaming timeout") if told else ApiError(300309, "Card streaming closed")
        )
    try:
        card = with_text(entity.card, _element_id(call), text)
    except EditFailed as failure:
        raise ApiError(failure.code, failure.why) from failure
    return _done(call, entity, card)


def entity_to_send(call: Call, content: str) -> CardEntity | None:
    """The entity that ``{"type": "card", "data": {"card_id"}}`` means; None for other contents.

    Raises ApiError 230099: it is not there, another app's, or has been sent.
    """
    body = parse_object(content) or {}
    if body.get("type") != "card":
        return None
    entity = call.world.cards.get(str((as_object(body.get("data")) or {}).get("card_id")))
    if entity is None or call.world.cards.expired(entity):
        raise ApiError(*NO_SUCH_ENTITY)
    if entity.app is not call.app:
        raise ApiError(*NOT_MY_ENTITY)
    if entity.message is not None:
        raise ApiError(*ENTITY_SENT)
    return entity


def _operated(call: Call) -> CardEntity:
    """The entity of the path, if the operation may be done."""
    rules, cards = call.platform.rules, call.world.cards
    card_id, sequence = call.part("card_id"), call.body.get("sequence")
    uuid = call.text("uuid", required=False)
    if len(card_id) > rules.max_card_id_length or len(uuid) > rules.max_card_uuid_length:
        raise _invalid("card_id or uuid is too long")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or sequence > _LAST_SEQUENCE:
        raise _invalid("sequence must be a positive int32")
    entity = cards.get(card_id)
    if entity is None:
        raise ApiError(200740, "The card entity does not exist")
    if entity.app is not call.app:
        raise ApiError(300311, "The current application does not have permission to update/use this card")
    if cards.expired(entity):
        raise ApiError(200750, "The card entity has expired")
    _count(call, entity)
    if uuid and uuid in entity.uuids:
        raise ApiError(200770, "UUID conflict")
    if sequence <= entity.sequence:
        raise ApiError(300317, "sequence number compare failed")
    if entity.interactions:
        raise ApiError(200810, "The card is in an ongoing interaction and cannot be updated")
    return entity


def _count(call: Call, entity: CardEntity) -> None:
    """10 operations/s per card; the pages have no code of its own for it, so it is the general one."""
    rules = call.platform.rules
    full = call.platform.limits.count(("entity", entity.card_id), (rules.card_operations_per_second, 1.0))
    if full is not None:
        headers = {
            "x-ogw-ratelimit-limit": str(full.limit),
            "x-ogw-ratelimit-reset": str(max(1, math.ceil(full.reset))),
        }
        status = rules.rate_limit_status
        raise ApiError(99991400, "request trigger frequency limit", status=status, headers=headers)


def _edit(call: Call, entity: CardEntity, action: str, **params: Any) -> Json:
    return _edits(call, entity, [{"action": action, "params": params}])


def _edits(call: Call, entity: CardEntity, actions: list[Any]) -> Json:
    try:
        card = edited(entity.card, actions)
    except EditFailed as failure:
        raise ApiError(failure.code, failure.why) from failure
    return _done(call, entity, card)


def _done(call: Call, entity: CardEntity, card: Json) -> Json:
    _check(card, call.platform.rules)
    entity.sequence = call.body["sequence"]
    if uuid := call.text("uuid", required=False):
        entity.uuids.add(uuid)
    if entity.message is None:
        entity.draft = card
        call.world.cards.restart(entity, card)
    else:
        call.world.set_card(entity.message, card)
    return {}


def _card(rules: Rules, data: object) -> Json:
    if not data:
        raise ApiError(300307, "The card DSL is empty")
    card = parse_object(data) if isinstance(data, str) else None
    if card is None:
        raise ApiError(*_NO_CARD)
    _check(card, rules)
    return card


def _check(card: Json, rules: Rules) -> None:
    if card.get("schema") != "2.0":
        raise ApiError(300303, "Only schema 2.0 is supported")
    check_card(card, code=_NO_CARD)
    if (as_object(card.get("config")) or {}).get("update_multi", True) is not True:
        raise ApiError(300302, "update_multi property is false")
    if len(json.dumps(card, ensure_ascii=False).encode()) > rules.max_card_size:
        raise ApiError(200860, "Card content exceeds limit.")
    elements = list(elements_of(card))
    if len(elements) > rules.max_card_elements:
        raise ApiError(300305, f"The number of card components exceeds {rules.max_card_elements}")
    if tables_in(card) > rules.max_card_tables:
        raise ApiError(*TOO_MANY_TABLES)
    ids = [element["element_id"] for element in elements if "element_id" in element]
    for element_id in ids:
        _check_id(element_id, rules)
    if len(set(ids)) < len(ids):
        raise ApiError(300301, "Duplicate element_id in card component.")


def _element_id(call: Call) -> str:
    element_id = call.part("element_id")
    _check_id(element_id, call.platform.rules)
    return element_id


def _check_id(element_id: object, rules: Rules) -> None:
    good = isinstance(element_id, str) and _ELEMENT_ID.fullmatch(element_id)
    if not good or len(str(element_id)) > rules.max_card_id_length:
        raise _invalid("element_id must be 1 to 20 letters, digits and underscores, a letter first")


def _list(call: Call, name: str) -> list[Any]:
    whole = parse_object(f'{{"list": {call.text(name)}}}') or {}
    if not isinstance(whole.get("list"), list):
        raise _invalid(f"{name} must be a JSON array in a string")
    return as_list(whole["list"])


def _invalid(why: str) -> ApiError:
    return ApiError(10002, f"Your request contains an invalid request parameter. {why}")
