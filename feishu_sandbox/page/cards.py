"""Cards of JSON 1.0 and 2.0, read into nodes. Whatever stands in a card, reading it never fails.

Feishu: "卡片 JSON 1.0 结构" (feishu-cards/card-json-structure), "卡片 JSON 2.0 结构"
(feishu-cards/card-json-v2-structure). An element this page cannot draw becomes a visible `unsupported` node.
The client's own limits (feishu-facts.md, CardKit) are the platform's business; here are only guards against
runaway input.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from markupsafe import Markup

from . import inputs
from .markup import Naming, clean, colour, image_html, link_html, markdown, mention_html, plain, safe_url
from .nodes import Card, Context, Json, Node, as_list, as_map, behaviour, text_css, text_html, text_of

__all__ = ["read_card"]

MAX_DEPTH = 12
MAX_CHILDREN = 200
MAX_ROWS = 50


def read_card(content: object, naming: Naming, locale: str) -> Card:
    """Read a card's JSON (any version, any shape).

    `locale` is `zh_cn` or `en_us`: the key of the card's own translations.
    """
    card = as_map(content)
    context = Context(naming, locale, version=2 if clean(card.get("schema")).startswith("2") else 1)
    if card.get("type") in ("template", "card") and "data" in card:
        data = as_map(card["data"])
        name = clean(data.get("template_id") or data.get("card_id"))
        return Card(elements=(Node("unsupported", text=f"{clean(card['type'])} {name}"),))
    header = as_map(as_map(card.get("i18n_header")).get(locale)) or as_map(card.get("header"))
    config = as_map(card.get("config"))
    body = as_map(card.get("body")) if context.version == 2 else card
    elements = as_map(card.get("i18n_elements")).get(locale) or body.get("elements")
    link = as_map(card.get("card_link"))
    return Card(
        title=text_html(header.get("title"), context),
        subtitle=text_html(header.get("subtitle"), context),
        template=colour(header.get("template")),
        tags=tuple(_pill(as_map(one), context) for one in as_list(header.get("text_tag_list"))[:3]),
        elements=_read_all(elements, context),
        link=safe_url(link.get("url")) or safe_url(link.get("pc_url")),
        css="card-fill" if config.get("width_mode") == "fill" or config.get("wide_screen_mode") else "",
        streaming=config.get("streaming_mode") is True,
    )


def _pill(tag: Json, context: Context) -> Node:
    return Node(
        "pill",
        text=text_of(tag.get("text"), context.locale),
        css=f"pill-{colour(tag.get('color')) or 'blue'}",
    )


def _read_all(elements: object, context: Context) -> tuple[Node, ...]:
    """Read a list of elements. Guards against runaway nesting and number."""
    if context.depth > MAX_DEPTH:
        return (Node("unsupported", text="…"),)
    inner = replace(context, depth=context.depth + 1)
    found = as_list(elements)
    nodes = [_read(one, inner) for one in found[:MAX_CHILDREN]]
    if len(found) > MAX_CHILDREN:
        nodes.append(Node("unsupported", text=f"… +{len(found) - MAX_CHILDREN}"))
    return tuple(nodes)


def _read(value: object, context: Context) -> Node:
    if row := as_list(value):  # a forwarded card: rows of plain elements
        return Node("row", children=_read_all(row, context))
    element = as_map(value)
    tag = clean(element.get("tag"))
    reader = _READERS.get(tag)
    return reader(element, context) if reader else Node("unsupported", text=tag or "?")


def _text(element: Json, context: Context) -> Node:
    return Node("text", text_html(element, context), css=text_css(element))


def _words(element: Json, _: Context) -> Node:
    return Node("text", link_html(clean(element.get("href")), clean(element.get("text"))))


def _markdown(element: Json, context: Context) -> Node:
    words = text_of(element, context.locale)
    return Node("text", markdown(words, context.naming, version=context.version), css=text_css(element))


def _div(element: Json, context: Context) -> Node:
    fields = tuple(
        Node("field", text_html(one.get("text"), context), css="short" if one.get("is_short") else "")
        for one in map(as_map, as_list(element.get("fields"))[:MAX_CHILDREN])
    )
    extra = _read_all([element["extra"]], context) if element.get("extra") else ()
    text = as_map(element.get("text"))
    return Node("div", text_html(element.get("text"), context), "", text_css(text), fields, {"extra": extra})


def _image(element: Json, context: Context) -> Node:
    css = (
        "picture picture-small"
        if element.get("mode") == "tiny" or element.get("size") in ("tiny", "small")
        else "picture"
    )
    title = text_of(element.get("title"), context.locale)
    return Node(
        "image", image_html(element.get("img_key"), text_of(element.get("alt"), context.locale), css), title
    )


def _images(element: Json, _: Context) -> Node:
    pictures = [as_map(one).get("img_key") for one in as_list(element.get("img_list"))[:9]]
    return Node(
        "row", children=tuple(Node("image", image_html(key, "", "picture picture-small")) for key in pictures)
    )


def _columns(element: Json, context: Context) -> Node:
    columns = tuple(_column(as_map(one), context) for one in as_list(element.get("columns"))[:10])
    mode = clean(element.get("flex_mode"))
    css = [
        f"flex-{mode}" if mode in ("stretch", "flow", "bisect", "trisect") else "flex-none",
        _ground(element),
    ]
    return Node("columns", css=" ".join(filter(None, css)), children=columns)


def _column(element: Json, context: Context) -> Node:
    weight = element.get("weight")
    fits = element.get("width") in (None, "weighted") and isinstance(weight, int) and 1 <= weight <= 5
    css = [
        f"weight-{weight}" if fits else "weight-auto" if element.get("width") == "auto" else "weight-1",
        _ground(element),
    ]
    return Node(
        "column", css=" ".join(filter(None, css)), children=_read_all(element.get("elements"), context)
    )


def _ground(element: Json) -> str:
    shade = colour(element.get("background_style") or element.get("background_color"))
    return f"ground-{shade}" if shade and shade != "default" else ""


def _rule(*_: object) -> Node:
    return Node("hr")


def _row(element: Json, context: Context) -> Node:
    return Node("row", children=_read_all(element.get("actions"), context))


def _note(element: Json, context: Context) -> Node:
    return Node("note", children=_read_all(element.get("elements"), context))


def _panel(element: Json, context: Context) -> Node:
    title = text_html(as_map(element.get("header")).get("title"), context)
    opened = {"open": bool(element.get("expanded"))}
    return Node(
        "panel",
        title,
        css=_ground(element),
        children=_read_all(element.get("elements"), context),
        data=opened,
    )


def _form(element: Json, context: Context) -> Node:
    return Node("form", children=_read_all(element.get("elements"), replace(context, in_form=True)))


def _container(element: Json, context: Context) -> Node:
    """A clickable area (2.0 "交互容器")."""
    does = behaviour(element)
    data = {
        "action": {"tag": "interactive_container", "value": does.value} if does.callback else None,
        "url": does.url,
        "disabled": bool(element.get("disabled")),
    }
    return Node(
        "container", css=_ground(element), children=_read_all(element.get("elements"), context), data=data
    )


def _people(element: Json, context: Context) -> Node:
    listed = as_list(element.get("persons")) or ({"id": element.get("user_id")},)
    ids = [clean(as_map(one).get("id")) for one in listed[:MAX_CHILDREN]]
    return Node("text", Markup(" ").join(mention_html(one, "", context.naming) for one in ids if one))


def _table(element: Json, context: Context) -> Node:
    columns = [as_map(one) for one in as_list(element.get("columns"))[:MAX_ROWS]]
    head = tuple(Node("cell", text=clean(one.get("display_name") or one.get("name"))) for one in columns)
    rows = [
        Node("line", children=tuple(_cell(row.get(clean(one.get("name"))), one, context) for one in columns))
        for row in map(as_map, as_list(element.get("rows"))[:MAX_ROWS])
    ]
    return Node("table", children=tuple(rows), data={"head": head})


def _cell(value: object, column: Json, context: Context) -> Node:
    if column.get("data_type") in ("lark_md", "markdown"):
        return Node("cell", markdown(value, context.naming, version=2))
    if pills := as_list(value):
        return Node("cell", children=tuple(_pill(as_map(one), context) for one in pills[:10]))
    return Node("cell", Markup('<span class="plain">{}</span>').format(plain(value)))


Reader = Callable[[Json, Context], Node]

_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "plain_text": _text,
        "lark_md": _text,
        "markdown": _markdown,
        "text": _words,
        "a": _words,
        "div": _div,
        "hr": _rule,
        "img": _image,
        "img_combination": _images,
        "note": _note,
        "action": _row,
        "column_set": _columns,
        "collapsible_panel": _panel,
        "interactive_container": _container,
        "form": _form,
        "person": _people,
        "person_list": _people,
        "table": _table,
        **inputs.READERS,
    }
)
