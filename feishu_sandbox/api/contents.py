"""Reading what an app sends: checked, its mentions resolved, in the form receivers get it.

Source: Feishu, "发送消息内容结构"; facts, "Messages" (post without an outer key) and limits table (sizes).
"""

import re
from typing import Any

from ..rules import Rules
from ..world import App, Json, Mention, User, World
from ..world.contents import SENDABLE_TYPES
from ..world.entities import elements_of, tables_in
from ..world.loose import as_list, as_object, parse_object
from .errors import BAD_CARD, TOO_LONG, TOO_MANY_ELEMENTS, TOO_MANY_TABLES, ApiError, invalid

_AT = re.compile(r'<at user_id="([^"]*)">.*?</at>', re.DOTALL)
_POST_TAGS = {"text", "a", "at", "img", "media", "emotion", "hr", "code_block", "md"}
_LOCALE = re.compile(r"[a-z]{2}_[a-z]{2}")
_CARD_KEYS = {"elements", "body", "header", "i18n_elements", "config", "card_link", "schema"}


class ContentReader:
    """Reads contents for one app."""

    def __init__(self, world: World, rules: Rules, app: App) -> None:
        self._world = world
        self._rules = rules
        self._app = app
        self._mentions: list[Mention] = []

    def read(self, msg_type: str, content: str) -> tuple[Json, tuple[Mention, ...]]:
        """Content and mentions of a send, reply or edit. Raises ApiError 230001, 230025, 230099."""
        if msg_type not in SENDABLE_TYPES:
            raise invalid("invalid msg_type.")
        limit = (
            self._rules.max_card_size if msg_type in ("post", "interactive") else self._rules.max_text_size
        )
        if len(content.encode("utf-8", "surrogatepass")) > limit:
            raise ApiError(*TOO_LONG)
        body = parse_object(content)
        if body is None:
            raise invalid("content is not a string in json format.")
        match msg_type:
            case "text":
                body = self._text(body)
            case "post":
                body = self._post(body)
            case "interactive":
                check_card(body)
                check_parts(body, self._rules)
            case "share_chat" | "share_user" | "system":
                _need(body, {"share_chat": "chat_id", "share_user": "user_id", "system": "type"}[msg_type])
            case _:
                key = _need(body, "image_key" if msg_type == "image" else "file_key")
                if msg_type != "sticker" and key not in self._world.resources:
                    raise invalid(f"invalid {'image_key' if msg_type == 'image' else 'file_key'}.")
        return body, tuple(self._mentions)

    def _text(self, body: Json) -> Json:
        text = _need(body, "text")
        return {"text": _AT.sub(lambda match: self._key(match[1]), text)}

    def _post(self, body: Json) -> Json:
        localised = next((as_object(body[name]) for name in body if _LOCALE.fullmatch(name)), None)
        if localised is None:
            raise invalid("invalid post content: a map of locales is expected.")
        rows = [
            [self._element(element) for element in as_list(row)] for row in as_list(localised.get("content"))
        ]
        if not any(rows):
            raise invalid("post content is empty.")
        return {"title": str(localised.get("title") or ""), "content": rows}

    def _element(self, value: Any) -> Json:
        element = as_object(value)
        if element is None or element.get("tag") not in _POST_TAGS:
            raise invalid("invalid post element tag.")
        if element["tag"] != "at":
            return element
        key = self._key(str(element.get("user_id", "")))
        name = next((m.who.name for m in self._mentions if m.key == key), "")
        return {"tag": "at", "user_id": key, "user_name": name, "style": element.get("style", [])}

    def _key(self, user_id: str) -> str:
        """``@_user_n`` for an id, ``@_all`` for everyone; an unknown id is refused."""
        if user_id == "all":
            return "@_all"
        who: User | App | None = None
        for kind in ("open_id", "union_id", "user_id"):
            who = who or self._world.find_user(kind, user_id, self._app)
        for bot in self._world.apps.values():
            if bot.open_id_for(self._app) == user_id:
                who = bot
        if who is None:
            raise invalid("invalid user_id in at tag.")
        known = next((m for m in self._mentions if m.who is who), None)
        if known is None:
            known = Mention(f"@_user_{len(self._mentions) + 1}", who)
            self._mentions.append(known)
        return known.key


def check_card(card: Json, *, code: tuple[int, str] = BAD_CARD) -> None:
    """A card is JSON 1.0, JSON 2.0 (``schema``, ``body.elements``) or ``{type: template, data}``.

    Raises ApiError 230099, or ``code``.
    """
    if card.get("type") == "template" and (as_object(card.get("data")) or {}).get("template_id"):
        return
    if card.get("schema") == "2.0":
        good = isinstance((as_object(card.get("body")) or {}).get("elements"), list)
    else:
        good = bool(_CARD_KEYS & card.keys()) and isinstance(card.get("elements", []), list)
    if not good or not _tagged(card):
        raise ApiError(*code)


def check_parts(card: Json, rules: Rules) -> None:
    """A card of JSON 2.0 has so many elements and tables (facts, "CardKit"). Raises ApiError 230099."""
    if card.get("schema") != "2.0":
        return
    if sum(1 for _ in elements_of(card)) > rules.max_card_elements:
        raise ApiError(*TOO_MANY_ELEMENTS)
    if tables_in(card) > rules.max_card_tables:
        raise ApiError(*TOO_MANY_TABLES)


def _tagged(card: Json) -> bool:
    elements = as_list((as_object(card.get("body")) or card).get("elements"))
    return all(isinstance((as_object(element) or {}).get("tag"), str) for element in elements)


def updatable(card: Json) -> bool:
    """Whether everyone sees updates: ``update_multi`` (facts, limits table); always so in JSON 2.0."""
    config = as_object(card.get("config")) or {}
    return bool(config.get("update_multi", card.get("schema") == "2.0" or card.get("type") == "template"))


def _need(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(f"{name} in content is required.")
    return value
