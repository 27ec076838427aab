"""The templates, and what they use."""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .logs import facts
from .visit import ROOT

_LINK = re.compile(r"https?://[^\s<>\"']+")


def templates() -> Environment:
    """Everything is escaped, and a name that is not there is a defect."""
    environment = Environment(
        loader=PackageLoader(__package__ or ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = environment.filters
    filters |= {"facts": facts, "inside": _inside, "linked": linked}
    return environment


def linked(text: str) -> Markup:
    """A text with its web addresses as links and its lines as lines; all else in it is plain."""
    parts, end = [Markup()], 0
    for found in _LINK.finditer(text):
        parts.append(Markup("{}").format(text[end : found.start()]))
        parts.append(
            Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(found[0])
        )
        end = found.end()
    parts.append(Markup("{}").format(text[end:]))
    return Markup().join(parts).replace("\n", Markup("<br>"))


def _inside(address: str) -> str:
    """An address of the console, as `next` takes it."""
    return address.removeprefix(ROOT) or "/"
