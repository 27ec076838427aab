"""The cards about connectors, as JSON 2.0. What they show are facts people or Feishu may have written (names, errors,
log details), so all of it is plain text: nothing in it is markup.

Sources: open.feishu.cn …/feishu-cards/card-json-v2-structure, …/card-json-v2-components/containers/form-container,
…/interactive-components/input and button.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ..connectors import SECRETS, Connector, Reported, Source
from ..texts.chat import ChatTexts
from ..texts.connectors import ConnectorTexts
from .verbs import shown, state_of

Json = dict[str, Any]
Pair = tuple[Connector, Reported]

PREFIX = "feishu_ws_"
"""What the `action` of every button of ours begins with."""

_PAGE = 8  # connectors on one card: Feishu takes about 200 elements, each connector is 11
_MOST = 6000  # characters of one text; a card may have 30 KB


def list_card(
    texts: ConnectorTexts, pairs: Sequence[Pair], *, page: int = 0, note: str = "", may_add: bool
) -> Json:
    """Every connector with its light and its buttons, some to a page."""
    words = ChatTexts(texts.locale)
    pages = max(1, -(-len(pairs) // _PAGE))
    page = min(max(page, 0), pages - 1)
    elements = _noted(note or ("" if pairs else texts.no_connectors()))
    for pair in pairs[page * _PAGE : (page + 1) * _PAGE]:
        elements += [
            _text(_headline(texts, pair)),
            _row(_do(words, verb, pair, page=page) for verb in (_switch(pair), "verify", "logs", "status")),
        ]
    turns = [
        _button(words.button(name), {"action": f"{PREFIX}list", "page": to})
        for name, to in (("previous", page - 1), ("next", page + 1))
        if 0 <= to < pages
    ]
    if may_add:
        turns.append(_button(words.button("add"), {"action": f"{PREFIX}add"}, "primary"))
    if turns:
        elements += [{"tag": "hr"}, _row(turns)]
    return _card(words.list_title(page + 1, pages), elements)


def connector_card(texts: ConnectorTexts, pair: Pair, *, note: str = "") -> Json:
    """One connector: what was just done or found, its state, its fields, and what can be done.

    Args:
        texts: In the reader's language.
        pair: The connector.
        note: Shown first, instead of the fields.
    """
    words, (connector, _) = ChatTexts(texts.locale), pair
    lines = [_headline(texts, pair)]
    if not note:
        for field, value in shown(connector.spec).items():
            said = texts.is_set(bool(value)) if field in SECRETS else _plain(value)
            lines.append(f"{field}: {said}")
    elements = [*_noted(note), _text("\n".join(lines))]
    stored = connector.source is Source.STORED
    usual = [_switch(pair), "verify", "logs", "status", "doctor"]
    elements.append(_row(_do(words, verb, pair) for verb in usual))
    further = [_button(words.button("list"), {"action": f"{PREFIX}list", "page": 0})]
    if stored:
        value = {"name": connector.spec.name}
        further.insert(0, _button(words.button("set"), {"action": f"{PREFIX}set", **value}))
        remove = {"action": f"{PREFIX}ask", "verb": "remove", **value}
        further.append(_button(words.button("remove"), remove, "danger"))
    return _card(words.connector_title(connector.spec.name), [*elements, {"tag": "hr"}, _row(further)])


def confirm_card(words: ChatTexts, verb: str, name: str, nonce: str) -> Json:
    """Asks before something that cannot be undone, or silences a bot."""
    buttons = [
        _button(words.button(verb), {"action": f"{PREFIX}confirm", "nonce": nonce}, "danger_filled"),
        _button(words.button("cancel"), {"action": f"{PREFIX}cancel", "nonce": nonce}),
    ]
    return _card(words.confirm_title(), [_text(words.confirm(verb, name)), _row(buttons)], "red")


def form_card(
    texts: ConnectorTexts,
    title: str,
    note: str,
    fields: Sequence[str],
    values: Mapping[str, str],
    *,
    required: Sequence[str],
    wrong: Sequence[str] = (),
    nonce: str,
) -> Json:
    """Fields to fill in, secrets hidden while they are typed. Secrets are never filled in beforehand.

    Args:
        texts: In the reader's language.
        title: Of the card.
        note: What there is to know, or what was wrong.
        fields: To ask for, in order.
        values: What is filled in already.
        required: Those that must not be empty.
        wrong: Those whose last value cannot be used.
        nonce: Of this form.
    """
    words = ChatTexts(texts.locale)
    inputs: list[Json] = []
    for field in fields:
        secret = field in SECRETS
        inputs.append(
            {
                "tag": "input",
                "name": field,
                "label": _words(("❗ " if field in wrong else "") + words.label(field)),
                "placeholder": _words(texts.field(field)[:100]),
                "input_type": "password" if secret else "text",
                "default_value": "" if secret else values.get(field, ""),
                "required": field in required,
                "width": "fill",
            }
        )
        if field in wrong:
            inputs.append(_text(texts.field(field)))
    submit = _button(words.button("submit"), {"action": f"{PREFIX}form", "nonce": nonce}, "primary")
    # Inside a form a button needs a name; the click carries it beside the fields.
    inputs.append({**submit, "name": "submit", "form_action_type": "submit"})
    cancel = _button(words.button("cancel"), {"action": f"{PREFIX}form_cancel", "nonce": nonce})
    form = {"tag": "form", "name": "connector", "elements": inputs}
    return _card(title, [_text(note), form, cancel], "red" if wrong else "blue")


def scan_card(
    words: ChatTexts, text: str, state: str, *, link: str, image_key: str | None, nonce: str
) -> Json:
    """Scan-to-create: the code, the link, and how it gets on."""
    opens = {"type": "open_url", "default_url": link}
    page = {"tag": "button", "text": _words(words.button("open")), "type": "primary", "behaviors": [opens]}
    cancel = _button(words.button("cancel"), {"action": f"{PREFIX}scan_cancel", "nonce": nonce})
    code: list[Json] = []
    if image_key is not None:
        code.append({"tag": "img", "img_key": image_key, "alt": _words(words.scan_code())})
    return _card(words.scan_title(), [_text(text), *code, _text(state), _row([page, cancel])])


def note_card(title: str, note: str) -> Json:
    """Only words: nothing is left to click."""
    return _card(title, [_text(note)], "grey")


def _card(title: str, elements: Sequence[Json], colour: str = "blue") -> Json:
    return {
        "schema": "2.0",
        "config": {"update_multi": True},
        "header": {"template": colour, "title": _words(title)},
        "body": {"elements": list(elements)},
    }


def _words(content: str) -> Json:
    return {"tag": "plain_text", "content": content}


def _text(content: str) -> Json:
    return {"tag": "div", "text": _words(content)}


def _noted(note: str) -> list[Json]:
    if not note:
        return []
    return [_text(note if len(note) <= _MOST else "…" + note[-_MOST:]), {"tag": "hr"}]


def _button(label: str, value: Json, kind: str = "default") -> Json:
    behaviour = {"type": "callback", "value": value}
    return {"tag": "button", "text": _words(label), "type": kind, "behaviors": [behaviour]}


def _do(words: ChatTexts, verb: str, pair: Pair, page: int | None = None) -> Json:
    value: Json = {"action": f"{PREFIX}do", "verb": verb, "name": pair[0].spec.name}
    if verb == "disable":
        value["action"] = f"{PREFIX}ask"
    if page is not None:
        value["page"] = page
    return _button(words.button(verb), value, "primary" if verb in ("enable", "connect") else "default")


def _row(buttons: Any) -> Json:
    columns = [{"tag": "column", "width": "auto", "elements": [button]} for button in buttons]
    return {"tag": "column_set", "flex_mode": "flow", "columns": columns}


def _switch(pair: Pair) -> str:
    """The verb that changes whether it runs; one from configuration is only held back until the next start."""
    connector, reported = pair
    if connector.source is Source.CONFIG:
        return "connect" if reported.held else "disconnect"
    return "disable" if connector.spec.enabled else "enable"


def _headline(texts: ConnectorTexts, pair: Pair) -> str:
    connector, reported = pair
    source = texts.from_config() if connector.source is Source.CONFIG else ""
    line = f"{texts.state(state_of(connector, reported))}  {connector.spec.name}{source} · {connector.spec.app_id}"
    return f"{line}\n{reported.error}" if reported.error else line


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return "" if value is None else str(value)
