"""What a card is once read: a tree of nodes that a template prints without asking further questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from markupsafe import Markup

from .markup import Naming, clean, colour, markdown, plain, safe_url

__all__ = [
    "NOTHING",
    "Card",
    "Context",
    "Json",
    "Node",
    "as_list",
    "as_map",
    "behaviour",
    "confirmation",
    "text_css",
    "text_html",
    "text_of",
]

Json = Mapping[str, Any]
NOTHING = Markup("")


@dataclass(frozen=True, slots=True)
class Node:
    """One element: `kind` picks the template's branch, everything else is already safe to print there."""

    kind: str
    html: Markup = NOTHING
    text: str = ""
    css: str = ""
    children: tuple["Node", ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Card:
    """A whole card. `template` is a colour name or empty, `tags` are the pills beside the title, `streaming`: its
    text is still being written.
    """

    title: Markup = NOTHING
    subtitle: Markup = NOTHING
    template: str = ""
    tags: tuple[Node, ...] = ()
    elements: tuple[Node, ...] = ()
    link: str = ""
    css: str = ""
    streaming: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """Where an element stands: the card's version, how ids get names, the language, and what contains it."""

    naming: Naming
    locale: str
    version: int = 1
    in_form: bool = False
    depth: int = 0


def as_map(value: object) -> Json:
    return cast("Json", value) if isinstance(value, Mapping) else {}


def as_list(value: object) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else ()


def text_of(value: object, locale: str) -> str:
    """The words of a text object (`plain_text`, `lark_md`, or a bare string) in the reader's language."""
    if isinstance(value, str):
        return clean(value)
    text = as_map(value)
    for field_name in ("i18n_content", "i18n"):
        localised = as_map(text.get(field_name)).get(locale)
        if isinstance(localised, str):
            return clean(localised)
    return clean(text.get("content"))


def text_html(value: object, context: Context) -> Markup:
    """A text object as HTML: markdown where its tag says so, else plain."""
    words = text_of(value, context.locale)
    if as_map(value).get("tag") in ("lark_md", "markdown"):
        return markdown(words, context.naming, version=context.version)
    return Markup('<span class="plain">{}</span>').format(plain(words)) if words else Markup("")


def text_css(element: Json) -> str:
    """Classes for alignment, size and colour of a text element."""
    found = [f"align-{element['text_align']}"] if element.get("text_align") in ("center", "right") else []
    size = clean(element.get("text_size"))
    if size.startswith(("heading", "xxxx", "xxx", "xx", "x-large")):
        found.append("size-heading")
    elif size in ("notation", "small", "x-small"):
        found.append("size-small")
    if shade := colour(element.get("text_color")):
        found.append(f"ink-{shade}")
    return " ".join(found)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a click does: call the app back with `value`, open `url`, or both."""

    callback: bool
    value: Any
    url: str


def behaviour(element: Json) -> Behaviour:
    """Read 2.0's `behaviors` and 1.0's `value`, `url`, `multi_url` (Feishu "配置卡片交互").

    An interactive element that names neither behaviour nor link calls back, as Feishu's do by default.
    """
    value = element.get("value")
    links = [element.get("url"), *_targets(as_map(element.get("multi_url")))]
    callback = False
    listed = [as_map(one) for one in as_list(element.get("behaviors"))]
    for one in listed:
        if one.get("type") == "callback":
            callback, value = True, one.get("value", value)
        elif one.get("type") == "open_url":
            links += [one.get("default_url"), *_targets(one)]
    named = any(isinstance(link, str) and link for link in links)
    url = next((safe for link in links if (safe := safe_url(link))), "")
    return Behaviour(callback or (not listed and (value is not None or not named)), value, url)


def _targets(holder: Json) -> tuple[object, ...]:
    return tuple(holder.get(name) for name in ("url", "pc_url", "android_url", "ios_url"))


def confirmation(element: Json, locale: str) -> dict[str, str]:
    """The question asked before an action, or nothing."""
    confirm = as_map(element.get("confirm"))
    if not confirm:
        return {}
    return {
        "confirm_title": text_of(confirm.get("title"), locale),
        "confirm_text": text_of(confirm.get("text"), locale),
    }
