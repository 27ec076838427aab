"""The parts of cards that take something in: forms and their fields. As `parts`, with the same sources."""

from collections.abc import Mapping
from datetime import date as Date  # noqa: N812 (`date` is a component here)
from typing import Annotated, Literal

from pydantic import BeforeValidator

from .parts import Json, Kind, Value, button, plain, walk, without

InputKind = Literal["text", "multiline_text", "password"]

Day = Annotated[Date, BeforeValidator(lambda day: day[:10] if isinstance(day, str) else day)]
"""A model's type for what a `date` brings."""

LONGEST_INPUT = 1000
"""Characters an input can take (…/interactive-components/input: max_length 1 to 1,000)."""
LONGEST_PLACEHOLDER = 100
"""Characters of a placeholder (the same page)."""


def submit(
    label: str,
    value: Value,
    kind: Kind = "primary",
    *,
    name: str = "submit",
    confirm: tuple[str, str] | None = None,
) -> Json:
    """The button that sends the form it is in; the click carries `value` and all the fields.

    Parameters:
        name: a form's buttons need one; of its own where there are several.
    """
    return {**button(label, value, kind, confirm=confirm), "name": name, "form_action_type": "submit"}


def form(name: str, *elements: Json) -> Json:
    """Fields that are sent together, with a `submit` among them. Only at the top of a card.

    Raises:
        ValueError: there is no `submit`, or a table or a form inside.
    """
    without(elements, "form", "table")
    if not any(part.get("form_action_type") == "submit" for part in walk(elements)):
        raise ValueError("a form needs a submit button")
    return {"tag": "form", "name": name, "elements": list(elements)}


def field(
    name: str,
    label: str,
    *,
    kind: InputKind = "text",
    placeholder: str = "",
    default: str = "",
    required: bool = False,
    max_length: int = LONGEST_INPUT,
) -> Json:
    """A line, several lines or a password to be typed, inside a form.

    There is no kind for numbers: declare `int` or `float` in the model that reads the form.

    Parameters:
        name: the key in the form's values.
        default: filled in already. Never a secret: whoever sees the card can read it.
        required: the client does not send the form while it is empty.
        max_length: characters, 1,000 at most.
    """
    made = {
        "tag": "input",
        "name": name,
        "label": plain(label),
        "placeholder": plain(placeholder[:LONGEST_PLACEHOLDER]),
        "input_type": kind,
        "default_value": default[:max_length],
        "required": required,
        "width": "fill",
    }
    return made if max_length == LONGEST_INPUT else {**made, "max_length": max_length}


def select(
    name: str,
    placeholder: str,
    options: Mapping[str, str],
    *,
    default: str | None = None,
    required: bool = False,
) -> Json:
    """A list to choose one from, inside a form.

    Parameters:
        options: values, and what is shown for them.
        default: the value that is chosen already.
    """
    made: Json = {
        "tag": "select_static",
        "name": name,
        "placeholder": plain(placeholder),
        "options": [{"text": plain(shown), "value": value} for value, shown in options.items()],
        "required": required,
        "width": "fill",
    }
    return made if default is None else {**made, "initial_option": default}


def date(name: str, placeholder: str, *, default: Date | None = None, required: bool = False) -> Json:
    """A day, inside a form. It comes back with the user's time zone, `2026-01-31 +0800`, which the type `Day` reads."""
    made: Json = {
        "tag": "date_picker",
        "name": name,
        "placeholder": plain(placeholder),
        "required": required,
        "width": "fill",
    }
    return made if default is None else {**made, "initial_date": default.isoformat()}
