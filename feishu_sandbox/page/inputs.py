"""The interactive elements of a card, each with the `action` its callback will carry.

Shapes of `action` by tag: Feishu "卡片回传交互回调" (feishu-cards/card-callback-communication). Inside a
form an element only holds a value; the button that submits sends them all as `form_value`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from .markup import clean
from .nodes import Context, Json, Node, as_list, as_map, behaviour, confirmation, text_html, text_of

__all__ = ["READERS"]

BUTTON_TYPES = frozenset(
    {
        "default",
        "primary",
        "danger",
        "text",
        "primary_text",
        "danger_text",
        "primary_filled",
        "danger_filled",
        "laser",
    }
)
SIZES = frozenset({"tiny", "small", "medium", "large"})
MAX_OPTIONS = 200


def _action(tag: str, element: Json, value: object) -> dict[str, Any]:
    action: dict[str, Any] = {"tag": tag}
    if value is not None:
        action["value"] = value
    if name := clean(element.get("name")):
        action["name"] = name
    return action


def _common(tag: str, element: Json, context: Context) -> dict[str, Any]:
    return {
        "action": None if context.in_form else _action(tag, element, behaviour(element).value),
        "name": clean(element.get("name")),
        "disabled": bool(element.get("disabled")),
        "required": bool(element.get("required")) and context.in_form,
        "label": text_of(element.get("label"), context.locale),
        "placeholder": text_of(element.get("placeholder"), context.locale),
        **confirmation(element, context.locale),
    }


def _button(element: Json, context: Context) -> Node:
    does = behaviour(element)
    kind, size = clean(element.get("type")), clean(element.get("size"))
    form = clean(element.get("form_action_type") or element.get("action_type"))
    role = {"submit": "submit", "form_submit": "submit", "reset": "reset", "form_reset": "reset"}.get(
        form, ""
    )
    css = [
        f"kind-{kind if kind in BUTTON_TYPES else 'default'}",
        f"size-{size if size in SIZES else 'medium'}",
    ]
    if element.get("width") == "fill":
        css.append("wide")
    data = _common("button", element, context) | {
        "action": _action("button", element, does.value) if does.callback or role == "submit" else None,
        "url": does.url,
        "form": role if context.in_form else "",
        "tip": text_of(element.get("hover_tips"), context.locale),
    }
    return Node("button", text=text_of(element.get("text"), context.locale), css=" ".join(css), data=data)


def _options(element: Json, context: Context) -> tuple[Node, ...]:
    chosen = {clean(element.get("initial_option")), *map(clean, as_list(element.get("selected_values")))} - {
        ""
    }
    first = element.get("initial_index")
    found: list[Node] = []
    for index, option in enumerate(map(as_map, as_list(element.get("options"))[:MAX_OPTIONS]), 1):
        value = clean(option.get("value"))
        name = text_of(option.get("text"), context.locale) or context.naming.name_of(value) or value
        does = behaviour({**option, "value": None})
        on = value in chosen or (isinstance(first, int) and index == first)
        found.append(Node("option", text=name, data={"value": value, "selected": on, "url": does.url}))
    return tuple(found)


def _select(element: Json, context: Context) -> Node:
    tag = clean(element.get("tag"))
    data = _common(tag, element, context) | {"multiple": tag.startswith("multi_")}
    return Node("select", children=_options(element, context), data=data)


def _overflow(element: Json, context: Context) -> Node:
    return Node("overflow", children=_options(element, context), data=_common("overflow", element, context))


def _input(element: Json, context: Context) -> Node:
    kind = clean(element.get("input_type"))
    limit = element.get("max_length")
    data = _common("input", element, context) | {
        "value": clean(element.get("default_value")),
        "multiline": kind == "multiline_text",
        "type": "password" if kind == "password" else "text",
        "limit": limit if isinstance(limit, int) and 0 < limit <= 1000 else 1000,
    }
    return Node("input", data=data)


_PICKERS = {
    "date_picker": ("date", "initial_date"),
    "picker_time": ("time", "initial_time"),
    "picker_datetime": ("datetime-local", "initial_datetime"),
}


def _picker(element: Json, context: Context) -> Node:
    tag = clean(element.get("tag"))
    kind, initial = _PICKERS[tag]
    value = clean(element.get(initial)).replace(" ", "T")
    return Node("picker", data=_common(tag, element, context) | {"type": kind, "value": value})


def _checker(element: Json, context: Context) -> Node:
    data = _common("checker", element, context) | {"checked": bool(element.get("checked"))}
    return Node("checker", text_html(element.get("text"), context), data=data)


READERS: Mapping[str, Callable[[Json, Context], Node]] = MappingProxyType(
    {
        "button": _button,
        "select_static": _select,
        "multi_select_static": _select,
        "select_person": _select,
        "multi_select_person": _select,
        "overflow": _overflow,
        "input": _input,
        **dict.fromkeys(_PICKERS, _picker),
        "checker": _checker,
    }
)
