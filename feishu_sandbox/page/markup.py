"""Message text and Feishu's markdown as inert HTML.

Two dialects: cards of JSON 1.0 know neither headings, quotes, tables nor inline code; 2.0 and `md` in rich
text do (Feishu "富文本（Markdown）组件", card-components/content-components/rich-text). HTML in the source is
never passed on; the few tags Feishu defines (`font`, `at`, `text_tag`, `br`, `a`, `link` …) are parsed here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup, escape

from .emoji import GLYPHS, glyph

__all__ = [
    "MEDIA",
    "Naming",
    "clean",
    "colour",
    "image_html",
    "link_html",
    "markdown",
    "mention_html",
    "plain",
    "safe_url",
]

MEDIA = "/sandbox/page/media/"
"""Where this page serves images and files of the sandbox's store, by key."""

COLOURS = frozenset(
    {
        "default",
        "neutral",
        "grey",
        "blue",
        "wathet",
        "turquoise",
        "lime",
        "green",
        "yellow",
        "orange",
        "red",
        "carmine",
        "violet",
        "purple",
        "indigo",
    }
)
"""Colour names of cards (Feishu "颜色枚举值"); shades such as `blue-500` count as their base colour."""

_KEY = re.compile(r"[A-Za-z0-9_\-]{1,128}\Z")
_SCHEME = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20<>\"'`]+\Z", re.IGNORECASE)
_STOPS = r"\s<>\"'，。；！？、（）【】《》"
_URL = re.compile(
    r"\[([^\[\]\n]{1,500})\]\(((?:https?://|mailto:)[^\s()]+)\)"
    rf"|(https?://[^{_STOPS}]*[^{_STOPS}.,;:!?)])",
    re.IGNORECASE,
)
_TAG = re.compile(
    r"<(?P<name>font|at|text_tag|number_tag|a|link|person)(?P<attrs>(?:\s+[a-z_]+\s*=\s*(?:'[^'<>]*'|\"[^\"<>]*\"|[^\s'\"<>]*))*)"
    r"\s*(?:/>|>(?P<inner>.*?)</(?P=name)>)",
    re.DOTALL | re.IGNORECASE,
)
_ATTR = re.compile(r"([a-z_]+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^\s'\"<>/]*))", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_EMOJI = re.compile(r":([A-Za-z0-9_]{2,32}):")


@dataclass(frozen=True, slots=True)
class Naming:
    """How ids become names: `name_of(id)` is the display name or None, `everyone` the word for @all."""

    name_of: Callable[[str], str | None]
    everyone: str
    me: frozenset[str] = frozenset()
    """Ids of the reader, whose mentions are highlighted more strongly."""


def clean(value: object) -> str:
    """Any scalar as text that can be encoded: lone surrogates (legal in JSON) become `?`, NUL is dropped."""
    if isinstance(value, bool) or value is None:
        return ""
    if not isinstance(value, str | int | float):
        return ""
    return str(value).encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def safe_url(value: object) -> str:
    """The URL if a click on it is harmless (http, https, mailto), else the empty string."""
    url = clean(value).strip()
    return url if _SCHEME.match(url) else ""


def colour(value: object) -> str:
    """The base colour name of a card colour, or the empty string for anything else."""
    base = clean(value).partition("-")[0].lower()
    return base if base in COLOURS else ""


def mention_html(ident: str, name: str, naming: Naming) -> Markup:
    """An @mention; the reader's own are marked. `ident` may be `all`."""
    if ident == "all":
        name = naming.everyone
    mine = " mention-me" if ident == "all" or ident in naming.me else ""
    shown = name or naming.name_of(ident) or ident
    return Markup('<span class="mention{}">@{}</span>').format(mine, shown)


def image_html(key: object, alt: str, classes: str = "picture") -> Markup:
    """An image of the sandbox's store by its key; a key that cannot be one shows only its description."""
    ident = clean(key)
    if not _KEY.match(ident):
        return Markup('<span class="missing">{}</span>').format(alt or ident)
    return Markup('<img class="{}" src="{}{}" alt="{}" loading="lazy">').format(classes, MEDIA, ident, alt)


def link_html(url: str, label: str | Markup) -> Markup:
    href = safe_url(url)
    if not href:
        return Markup("{}").format(label)
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>').format(
        href, label
    )


def plain(text: object, keys: Mapping[str, Markup] | None = None) -> Markup:
    """Plain text: line breaks by CSS, URLs clickable, each key of `keys` (`@_user_1`) replaced by HTML."""
    source = clean(text)
    if keys:
        pattern = re.compile("|".join(re.escape(key) for key in sorted(keys, key=len, reverse=True)))
        parts: list[Markup] = []
        at = 0
        for hit in pattern.finditer(source):
            parts += (_linked(source[at : hit.start()]), keys[hit.group()])
            at = hit.end()
        return Markup("").join((*parts, _linked(source[at:])))
    return _linked(source)


def _linked(text: str) -> Markup:
    parts: list[Markup] = []
    at = 0
    for hit in _URL.finditer(text):
        label, target, bare = hit.groups()
        parts += (escape(text[at : hit.start()]), link_html(bare or target, bare or label))
        at = hit.end()
    return Markup("").join((*parts, escape(text[at:])))


def markdown(text: object, naming: Naming, *, version: int = 2, inline: bool = False) -> Markup:
    """Feishu markdown of card version 1 or 2 as HTML; `inline` leaves the paragraphs out."""
    source = _BREAK.sub("\n", clean(text))
    engine = _engine(version)
    env: dict[str, Any] = {"naming": naming}
    return Markup(engine.renderInline(source, env) if inline else engine.render(source, env))  # noqa: S704 - escaped by the engine, raw HTML off


@lru_cache
def _engine(version: int) -> MarkdownIt:
    engine = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": 12})
    engine.enable(["strikethrough"])
    if version >= 2:
        engine.enable("table")
    else:
        engine.disable(["heading", "lheading", "blockquote", "backticks"])
    engine.disable(["html_block", "html_inline", "code"])
    engine.validateLink = _can_be_link
    engine.inline.ruler.before("autolink", "feishu_tag", _feishu_tag)
    engine.inline.ruler.before("feishu_tag", "feishu_emoji", _feishu_emoji)
    for name, rule in _RULES.items():
        engine.add_render_rule(name, rule)
    return engine


def _can_be_link(url: str) -> bool:
    return bool(safe_url(url) or _KEY.match(url))


def _feishu_emoji(state: StateInline, silent: bool) -> bool:
    hit = _EMOJI.match(state.src, state.pos, state.posMax) if state.src[state.pos] == ":" else None
    if hit is None or hit.group(1) not in GLYPHS:
        return False
    if not silent:
        state.push("feishu_emoji", "", 0).content = glyph(hit.group(1))
    state.pos = hit.end()
    return True


def _feishu_tag(state: StateInline, silent: bool) -> bool:
    hit = _TAG.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "<" else None
    if hit is None:
        return False
    name = hit.group("name").lower()
    attrs = {m[0].lower(): m[1] or m[2] or m[3] for m in _ATTR.findall(hit.group("attrs"))}
    if not silent:
        if name in ("at", "person"):
            token = state.push("feishu_at", "", 0)
            token.content = (hit.group("inner") or "").strip()
            token.meta = {"id": attrs.get("id") or attrs.get("user_id") or attrs.get("ids", "").split(",")[0]}
        else:
            _push_wrapped(state, hit, name, attrs)
    state.pos = hit.end()
    return True


def _push_wrapped(state: StateInline, hit: re.Match[str], name: str, attrs: Mapping[str, str]) -> None:
    kind = "feishu_link" if name in ("a", "link") else "feishu_span"
    state.push(f"{kind}_open", "", 1).meta = {"name": name, **attrs}
    end = state.posMax
    if hit.group("inner") is not None:
        state.pos, state.posMax = hit.start("inner"), hit.end("inner")
        state.md.inline.tokenize(state)
    state.posMax = end
    state.push(f"{kind}_close", "", -1)


Rule = Callable[[RendererHTML, Sequence[Token], int, OptionsDict, EnvType], str]


def _render_at(_: RendererHTML, tokens: Sequence[Token], index: int, __: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    return mention_html(str(token.meta["id"]), token.content, env["naming"])


def _render_emoji(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return escape(tokens[index].content)


def _render_span(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    meta = tokens[index].meta
    shade = colour(meta.get("color") or meta.get("background_color"))
    if meta["name"] == "font":
        return Markup('<span class="ink-{}">').format(shade or "default")
    return Markup('<span class="pill pill-{}">').format(shade or "blue")


def _render_feishu_link(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    meta = tokens[index].meta
    return _anchor(meta.get("href") or meta.get("url") or meta.get("pc_url"))


def _render_link(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    return _anchor(tokens[index].attrGet("href"))


def _anchor(target: object) -> str:
    href = safe_url(target)
    if not href:
        return "<a>"  # an anchor without href does nothing; it only pairs with the closing tag
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">').format(href)


def _render_image(_: RendererHTML, tokens: Sequence[Token], index: int, *__: Any) -> str:
    token = tokens[index]
    source, alt = clean(token.attrGet("src")), clean(token.content)
    return link_html(source, alt or source) if safe_url(source) else image_html(source, alt)


def _render_span_close(*_: Any) -> str:
    return "</span>"


def _render_link_close(*_: Any) -> str:
    return "</a>"


_RULES: Mapping[str, Rule] = {
    "feishu_at": _render_at,
    "feishu_emoji": _render_emoji,
    "feishu_span_open": _render_span,
    "feishu_span_close": _render_span_close,
    "feishu_link_open": _render_feishu_link,
    "feishu_link_close": _render_link_close,
    "link_open": _render_link,
    "image": _render_image,
}
