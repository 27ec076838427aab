"""What a message holds, by type: its HTML, and its one-line preview for chat lists and quotes.

Contents by type: Feishu "接收消息内容结构" (im-v1/message/events/message_content), and "发送消息内容结构"
for a `post` as it is sent.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from ..world import Message, Resource
from .emoji import glyph
from .markup import MEDIA, Naming, clean, image_html, link_html, markdown, mention_html, plain
from .nodes import Json, as_list, as_map
from .texts import Texts

__all__ = ["body_html", "preview"]

STYLES = ("bold", "italic", "underline", "lineThrough")
PREVIEW = 120


def body_html(message: Message, naming: Naming, texts: Texts, resources: Mapping[str, Resource]) -> Markup:
    """The message's content (any type but a card) as inert HTML; an unknown type shows its JSON."""
    content = as_map(message.content)
    key = clean(content.get("file_key") or content.get("image_key"))
    match message.msg_type:
        case "text":
            return Markup('<div class="plain">{}</div>').format(
                plain(content.get("text"), _keys(message, naming))
            )
        case "post":
            return _post(content, message, naming, texts)
        case "image":
            return image_html(key, texts.image)
        case "file" | "folder" | "audio" | "media":
            return _file(key, content, texts, resources, _LABELS[message.msg_type](texts))
        case _:
            label = preview(message, texts)
            shown = json.dumps(content, ensure_ascii=True, indent=2)
            return Markup('<details class="other"><summary>{}</summary><pre>{}</pre></details>').format(
                label, shown
            )


def _keys(message: Message, naming: Naming) -> dict[str, Markup]:
    everyone = mention_html("all", "", naming)
    named = {one.key: mention_html(_ident(one.who), clean(one.who.name), naming) for one in message.mentions}
    return {"@_all": everyone, **named}


def _ident(who: Any) -> str:
    return getattr(who, "union_id", "") or getattr(who, "app_id", "")


def _file(key: str, content: Json, texts: Texts, resources: Mapping[str, Resource], label: str) -> Markup:
    resource = resources.get(key)
    name = clean(content.get("file_name")) or (clean(resource.name) if resource else label)
    if resource is None:
        return Markup('<div class="file"><b>{}</b><small>{}</small></div>').format(name, texts.missing_file)
    return Markup('<a class="file" href="{}{}" download="{}"><b>{}</b><small>{} · {}</small></a>').format(
        MEDIA, key, name, name, _size(len(resource.data)), texts.download
    )


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} B"
    return f"{count / 1024:.1f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"


# Rich text


def _post_of(content: Json, texts: Texts) -> Json:
    """The one language to show: contents are sent with a locale map and received without."""
    if "content" in content:
        return content
    preferred = as_map(content.get(texts.locale))
    others = (as_map(one) for one in content.values())
    return preferred or next((one for one in others if one.get("content")), as_map(None))


def _post(content: Json, message: Message, naming: Naming, texts: Texts) -> Markup:
    post = _post_of(content, texts)
    keys = _keys(message, naming)
    parts = (
        [Markup('<h3 class="post-title">{}</h3>').format(title)]
        if (title := clean(post.get("title")))
        else []
    )
    for paragraph in as_list(post.get("content"))[:500]:
        inline = [_inline(as_map(one), naming, keys) for one in as_list(paragraph)[:500]]
        parts.append(Markup('<div class="paragraph">{}</div>').format(Markup("").join(inline)))
    return Markup('<div class="post">{}</div>').format(Markup("").join(parts))


def _inline(element: Json, naming: Naming, keys: Mapping[str, Markup]) -> Markup:
    block = _BLOCKS.get(clean(element.get("tag")))
    if block is not None:
        return block(element, naming)
    match element.get("tag"):
        case "text":
            html = plain(element.get("text"))
        case "a":
            html = link_html(clean(element.get("href")), clean(element.get("text") or element.get("href")))
        case "at":
            html = _at(element, naming, keys)
        case "emotion":
            html = Markup("{}").format(glyph(clean(element.get("emoji_type"))))
        case tag:
            return Markup('<span class="unsupported">&lt;{}&gt;</span>').format(clean(tag) or "?")
    styles = [name for name in as_list(element.get("style")) if name in STYLES]
    if not styles:
        return html
    return Markup('<span class="{}">{}</span>').format(" ".join(f"style-{name}" for name in styles), html)


def _at(element: Json, naming: Naming, keys: Mapping[str, Markup]) -> Markup:
    ident = clean(element.get("user_id"))
    return keys.get(ident) or mention_html(ident, clean(element.get("user_name")), naming)


def _code(element: Json, _: Naming) -> Markup:
    language, code = clean(element.get("language")).lower(), clean(element.get("text"))
    return Markup('<pre data-language="{}"><code>{}</code></pre>').format(language, code)


def _md(element: Json, naming: Naming) -> Markup:
    return Markup('<div class="prose">{}</div>').format(markdown(element.get("text"), naming))


def _rule(_: Json, __: Naming) -> Markup:
    return Markup("<hr>")


def _picture(element: Json, _: Naming) -> Markup:
    return image_html(element.get("image_key"), clean(element.get("file_key")))


_BLOCKS: Mapping[str, Callable[[Json, Naming], Markup]] = MappingProxyType(
    {"md": _md, "code_block": _code, "hr": _rule, "img": _picture, "media": _picture}
)


# One line


def preview(message: Message, texts: Texts) -> str:
    """The message in one line of plain text."""
    if message.recalled:
        return texts.withdrawn
    return " ".join(_words(message, texts).split())[:PREVIEW]


def _words(message: Message, texts: Texts) -> str:
    content = as_map(message.content)
    match message.msg_type:
        case "text":
            return clean(message.text)
        case "post":
            return _post_words(_post_of(content, texts)) or texts.post
        case "interactive":
            # Feishu "流式更新卡片": the configured summary, else that it is being written.
            config = as_map(content.get("config"))
            if summary := clean(as_map(config.get("summary")).get("content")):
                return summary
            if config.get("streaming_mode") is True:
                return texts.generating
            title = as_map(as_map(content.get("header")).get("title")).get("content") or content.get("title")
            return f"{texts.card} {clean(title)}"
        case "file" | "folder" | "media":
            return f"{_LABELS[message.msg_type](texts)} {clean(content.get('file_name'))}"
        case kind:
            label = _LABELS.get(kind)
            return label(texts) if label else texts.unknown_message(clean(kind))


def _post_words(post: Json) -> str:
    words = [clean(post.get("title"))]
    for paragraph in as_list(post.get("content"))[:20]:
        for one in map(as_map, as_list(paragraph)[:50]):
            name = f"@{clean(one.get('user_name'))}" if one.get("tag") == "at" else ""
            words.append(name or clean(one.get("text")))
    return " ".join(filter(None, words))


_LABELS: Mapping[str, Callable[[Texts], str]] = MappingProxyType(
    {
        "image": lambda texts: texts.image,
        "file": lambda texts: texts.file,
        "folder": lambda texts: texts.file,
        "audio": lambda texts: texts.audio,
        "media": lambda texts: texts.video,
        "sticker": lambda texts: texts.sticker,
        "location": lambda texts: texts.location,
        "share_chat": lambda texts: texts.shared_chat,
        "share_user": lambda texts: texts.shared_user,
        "merge_forward": lambda texts: texts.forwarded,
    }
)
