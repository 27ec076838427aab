"""The parts cards are made of: each function gives one component of card JSON 2.0, ready to be sent.

Text is plain unless a function says markdown, so what people or models wrote cannot become links, mentions or pictures.
JSON 2.0 refuses fields it does not know, so only documented ones are written.

Sources: open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-json-v2-structure, and the pages of the
components under …/card-json-v2-components/ (content-components, interactive-components, containers).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

Json = dict[str, Any]
Colour = Literal[
    "blue",
    "wathet",
    "turquoise",
    "green",
    "yellow",
    "orange",
    "red",
    "carmine",
    "violet",
    "purple",
    "indigo",
    "grey",
    "default",
]
Kind = Literal[
    "default",
    "primary",
    "danger",
    "text",
    "primary_text",
    "danger_text",
    "primary_filled",
    "danger_filled",
    "laser",
]
Value = Mapping[str, Any]


def card(title: str, *elements: Json, colour: Colour = "blue", subtitle: str = "") -> Json:
    """A whole card.

    Parameters:
        title: of the card, in the coloured bar; also what notifications show.
        elements: from top to bottom.
        colour: of the bar.
        subtitle: below the title.

    Raises:
        ValueError: two of its forms, fields or submit buttons have one name.
    """
    names = [part["name"] for part in walk(elements) if "tag" in part and "name" in part]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"forms, fields and submit buttons of one card need different names: {', '.join(twice)}"
        )
    header: Json = {"template": colour, "title": plain(title)}
    if subtitle:
        header["subtitle"] = plain(subtitle)
    return {
        "schema": "2.0",
        "config": {"update_multi": True},  # without it a card cannot be updated; 2.0 takes no other value
        "header": header,
        "body": {"elements": list(elements)},
    }


def text(content: str) -> Json:
    """Plain text; nothing in it is markup."""
    return {"tag": "div", "text": plain(content)}


def note(content: str) -> Json:
    """Plain text, small and grey (JSON 2.0 has no `note` component any more)."""
    return {"tag": "div", "text": {**plain(content), "text_size": "notation", "text_color": "grey"}}


def markdown(content: str) -> Json:
    """Feishu's markdown. Put what others wrote through `escape` first, or use `text` or `code`."""
    return {"tag": "markdown", "content": content}


def escape(content: str) -> str:
    """Text for use inside `markdown`: shown as it is, whatever it holds.

    Punctuation becomes character references (…/content-components/rich-text, "特殊字符转义"), all of it, because a
    URL or `:smile:` is markup, too.
    """
    content = re.sub(r"[!-/:-@\[-`{-~]", lambda found: f"&#{ord(found[0])};", content)
    return re.sub(r"^[ \t]+", lambda found: "&nbsp;" * len(found[0]), content, flags=re.MULTILINE)


def code(content: str, language: str = "") -> Json:
    """A code block. A fence inside it is broken with zero-width spaces, so that nothing in it gets out.

    Parameters:
        language: such as `json`, for colours.
    """
    inside = content.replace("```", "`\u200b`\u200b`").replace("~~~", "~\u200b~\u200b~")
    return markdown(f"```{re.sub(r'[^A-Za-z0-9+#.-]', '', language)}\n{inside}\n```")


def divider() -> Json:
    """A line across the card."""
    return {"tag": "hr"}


def image(image_key: str, alt: str) -> Json:
    """A picture.

    Parameters:
        image_key: what `upload_image` gave.
        alt: shown when the mouse is over it.
    """
    return {"tag": "img", "img_key": image_key, "alt": plain(alt)}


def person(open_id: str) -> Json:
    """Somebody's picture and name, without telling them (…/content-components/user-profile)."""
    return {"tag": "person", "user_id": open_id, "show_name": True, "style": "capsule"}


def button(
    label: str,
    value: Value,
    kind: Kind = "default",
    *,
    confirm: tuple[str, str] | None = None,
    disabled: bool = False,
) -> Json:
    """A button whose click comes back as an event.

    Parameters:
        value: what the click carries: `{"action": …, …}`, as `on_card_action` wants it. Anybody who can see the card
            can send it, and can change it: it names things, it proves nothing.
        confirm: title and text of a question the client asks first.
    """
    made: Json = {"tag": "button", "text": plain(label), "type": kind, "behaviors": [_callback(value)]}
    if confirm is not None:
        made["confirm"] = {"title": plain(confirm[0]), "text": plain(confirm[1])}
    if disabled:
        made["disabled"] = True
    return made


def link(label: str, url: str, kind: Kind = "default") -> Json:
    """A button that opens a page."""
    opens = {"type": "open_url", "default_url": url}
    return {"tag": "button", "text": plain(label), "type": kind, "behaviors": [opens]}


def row(elements: Iterable[Json]) -> Json:
    """Side by side, each as wide as it needs, on several lines where they do not fit: buttons, mostly."""
    return _columns("flow", [{"tag": "column", "width": "auto", "elements": [each]} for each in elements])


def columns(*parts: Sequence[Json], weights: Sequence[int] = ()) -> Json:
    """Columns of elements.

    Parameters:
        weights: how wide each is, 1 to 5; all alike if not given.
    """
    widths = weights or [1] * len(parts)
    return _columns(
        "none",
        [
            {"tag": "column", "width": "weighted", "weight": weight, "elements": list(elements)}
            for weight, elements in zip(widths, parts, strict=True)
        ],
    )


def panel(title: str, *elements: Json, expanded: bool = False) -> Json:
    """Elements below a heading that opens and closes them.

    Raises:
        ValueError: a table or a form inside.
    """
    without(elements, "form", "table")
    return {
        "tag": "collapsible_panel",
        "expanded": expanded,
        "header": {"title": plain(title)},
        "elements": list(elements),
    }


def table(headings: Mapping[str, str], rows: Iterable[Mapping[str, object]], *, page_size: int = 10) -> Json:
    """A table of plain text, at the top of a card only.

    Parameters:
        headings: each column's key in the rows, and its heading.
        rows: cells by key; what is missing stays empty.
        page_size: rows shown at once, 1 to 10.
    """
    kept = [{key: _cell(row.get(key)) for key in headings} for row in rows]
    shown = [{"name": key, "display_name": heading, "data_type": "text"} for key, heading in headings.items()]
    return {"tag": "table", "page_size": page_size, "columns": shown, "rows": kept}


def plain(content: str) -> Json:
    """The innermost part of most components: a plain text."""
    return {"tag": "plain_text", "content": content}


def walk(part: object) -> Iterable[Json]:
    """Every JSON object in a part of a card, from the outside in; callbacks' values are nobody's parts."""
    if isinstance(part, Mapping):
        if part.get("type") == "callback":  # pyright: ignore[reportUnknownMemberType]
            return
        yield part  # pyright: ignore[reportReturnType, reportUnknownVariableType]
        part = tuple(part.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(part, list | tuple):
        for inner in part:  # pyright: ignore[reportUnknownVariableType]
            yield from walk(inner)  # pyright: ignore[reportUnknownArgumentType]


def _callback(value: Value) -> Json:
    return {"type": "callback", "value": dict(value)}


def _columns(mode: str, parts: list[Json]) -> Json:
    without(parts, "form", "table")
    return {"tag": "column_set", "flex_mode": mode, "columns": parts}


def without(elements: Iterable[Json], *tags: str) -> None:
    """See that these are not inside.

    Raises:
        ValueError: one of them is.
    """
    for part in walk(tuple(elements)):
        if part.get("tag") in tags:
            raise ValueError(f"a {part['tag']} stands at the top of a card only")


def _cell(value: object) -> str:
    return "" if value is None else str(value)
