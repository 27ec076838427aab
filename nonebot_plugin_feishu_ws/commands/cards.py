"""The cards about connectors. What they show are facts people or Feishu may have written (names, errors, log details),
so all of it is plain text: nothing in it is markup.
"""

from collections.abc import Mapping, Sequence

from ..cards import Json, button, card, divider, field, fit, form, image, link, row, submit, text
from ..connectors import SECRETS, Connector, Reported, Source, values_of
from ..texts.chat import ChatTexts
from ..texts.connectors import ConnectorTexts
from .standings import light_of, trouble_of

Pair = tuple[Connector, Reported]

PREFIX = "feishu_ws_"
"""What the `action` of every button of ours begins with."""

_PAGE = 8  # connectors on one card: each is 15 of the 200 elements that Feishu takes
_MOST = 6000  # characters of a note, whose end is what matters


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
            text(_headline(texts, pair)),
            row(_do(words, verb, pair, page=page) for verb in (_switch(pair), "verify", "logs", "status")),
        ]
    turns = [
        button(words.button(name), {"action": f"{PREFIX}list", "page": to})
        for name, to in (("previous", page - 1), ("next", page + 1))
        if 0 <= to < pages
    ]
    if may_add:
        turns.append(button(words.button("add"), {"action": f"{PREFIX}add"}, "primary"))
    if turns:
        elements += [divider(), row(turns)]
    return fit(card(words.list_title(page + 1, pages), *elements), texts.locale)


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
        for name, value in values_of(connector.spec).items():
            said = texts.is_set(bool(value)) if name in SECRETS else _plain(value)
            lines.append(f"{name}: {said}")
    elements = [*_noted(note), text("\n".join(lines))]
    stored = connector.source is Source.STORED
    usual = [_switch(pair), "verify", "logs", "status", "doctor"]
    elements.append(row(_do(words, verb, pair) for verb in usual))
    further = [button(words.button("list"), {"action": f"{PREFIX}list", "page": 0})]
    if stored:
        value = {"name": connector.spec.name}
        further.insert(0, button(words.button("set"), {"action": f"{PREFIX}set", **value}))
        remove = {"action": f"{PREFIX}ask", "verb": "remove", **value}
        further.append(button(words.button("remove"), remove, "danger"))
    title = words.connector_title(connector.spec.name)
    return fit(card(title, *elements, divider(), row(further)), texts.locale)


def confirm_card(words: ChatTexts, verb: str, name: str, nonce: str) -> Json:
    """Asks before something that cannot be undone, or silences a bot."""
    buttons = [
        button(words.button(verb), {"action": f"{PREFIX}confirm", "nonce": nonce}, "danger_filled"),
        button(words.button("cancel"), {"action": f"{PREFIX}cancel", "nonce": nonce}),
    ]
    return card(words.confirm_title(), text(words.confirm(verb, name)), row(buttons), colour="red")


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
    for name in fields:
        secret = name in SECRETS
        inputs.append(
            field(
                name,
                ("❗ " if name in wrong else "") + words.label(name),
                kind="password" if secret else "text",
                placeholder=texts.field(name),
                default="" if secret else values.get(name, ""),
                required=name in required,
            )
        )
        if name in wrong:
            inputs.append(text(texts.field(name)))
    inputs.append(submit(words.button("submit"), {"action": f"{PREFIX}form", "nonce": nonce}))
    cancel = button(words.button("cancel"), {"action": f"{PREFIX}form_cancel", "nonce": nonce})
    made = card(title, text(note), form("connector", *inputs), cancel, colour="red" if wrong else "blue")
    return fit(made, texts.locale)


def scan_card(
    words: ChatTexts, note: str, state: str, *, url: str, image_key: str | None, nonce: str
) -> Json:
    """Scan-to-create: the code, the link, and how it gets on."""
    buttons = [
        link(words.button("open"), url, "primary"),
        button(words.button("cancel"), {"action": f"{PREFIX}scan_cancel", "nonce": nonce}),
    ]
    code = [] if image_key is None else [image(image_key, words.scan_code())]
    return card(words.scan_title(), text(note), *code, text(state), row(buttons))


def note_card(title: str, note: str) -> Json:
    """Only words: nothing is left to click."""
    return card(title, text(note), colour="grey")


def _noted(note: str) -> list[Json]:
    if not note:
        return []
    return [text(note if len(note) <= _MOST else "…" + note[-_MOST:]), divider()]


def _do(words: ChatTexts, verb: str, pair: Pair, page: int | None = None) -> Json:
    value: Json = {"action": f"{PREFIX}do", "verb": verb, "name": pair[0].spec.name}
    if verb == "disable":
        value["action"] = f"{PREFIX}ask"
    if page is not None:
        value["page"] = page
    return button(words.button(verb), value, "primary" if verb in ("enable", "connect") else "default")


def _switch(pair: Pair) -> str:
    """The verb that changes whether it runs; one from configuration is only held back until the next start."""
    connector, reported = pair
    if connector.source is Source.CONFIG:
        return "connect" if reported.held else "disconnect"
    return "disable" if connector.spec.enabled else "enable"


def _headline(texts: ConnectorTexts, pair: Pair) -> str:
    connector, reported = pair
    source = texts.from_config() if connector.source is Source.CONFIG else ""
    light = light_of(texts, connector, reported)
    line = f"{light}  {connector.spec.name}{source} · {connector.spec.app_id}"
    return "\n".join([line, *trouble_of(texts, connector, reported)])


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return "" if value is None else str(value)
