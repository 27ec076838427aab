"""From what a server says of a tool to a tool of ours: nothing of it is believed, all of it is bounded."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, cast, get_args

from mcp import types
from pydantic import AfterValidator, ConfigDict, JsonValue, TypeAdapter

from ...mcp_servers import McpServer
from ...texts import Locale
from ...texts.mcp import McpTexts
from ..tool import ABSENT, Contract, Parameter, Terms, Tool
from .cleaning import clean, is_clean, line
from .schema import BadSchema, Shape, refused

Call = Callable[[types.Tool, str, bool, Mapping[str, object]], Awaitable[str]]
"""Calls a tool: as it was defined, the digest of that, whether it was approved, and its arguments."""

_LONGEST_NAME = 64  # characters; what OpenAI's API takes
_LONGEST_SCHEMA = 16_000  # characters of JSON
_DEEPEST = 24  # levels of a schema
_MOST_PARAMETERS = 40
_DESCRIPTION, _SUMMARY, _ABOUT = 1000, 200, 300  # characters
_WORDS: Final = frozenset({"title", "description"})  # of a schema: for reading only
_LEFT_OUT: Final = frozenset({"$comment", "$id", "$anchor", "examples"})
_CHECKED_ELSEWHERE: Final = frozenset({"patternProperties", "$dynamicRef", "$recursiveRef"})
_HIDDEN: Final = ConfigDict(hide_input_in_errors=True)
_LOCALES: Final[tuple[Locale, ...]] = get_args(Locale)


class Unusable(ValueError):  # noqa: N818 - it says what is the case
    """A tool cannot be offered. The message says why, and quotes nothing of it."""


def tool_of(server: str, settings: McpServer, offered: types.Tool, digest: str, call: Call) -> Tool:
    """A tool of ours that calls a server's.

    Args:
        server: Its name in the settings.
        settings: Its own.
        offered: As the server describes it.
        digest: Of that, see `digest_of`.
        call: Calls it.

    Raises:
        Unusable: See there.
    """
    name = f"{server}_{re.sub(r'[^a-z0-9_-]', '_', offered.name.lower())}"
    if len(name) > _LONGEST_NAME or not is_clean(offered.name):
        raise Unusable(f"its name is not one of at most {_LONGEST_NAME - len(server) - 1} plain characters")
    schema = _schema(offered.input_schema)
    shape = _shape(schema)
    terms = _terms(settings, offered)

    async def run(**arguments: object) -> str:
        return await call(offered, digest, terms.requires_approval, arguments)

    parameters = _parameters(schema)
    contract = Contract(schema, shape.problems, digest)
    words = (offered.description or "").strip()

    def spoken(locale: Locale) -> Tool:
        texts = McpTexts(locale)
        summary = texts.summary(server, offered.name, line(words, _SUMMARY))
        description = texts.summary(server, offered.name, clean(words, _DESCRIPTION))
        return Tool(name, run, summary, description, parameters, None, terms, contract)

    return replace(spoken("en_US"), translated={locale: spoken(locale) for locale in _LOCALES})


def _terms(settings: McpServer, offered: types.Tool) -> Terms:
    if settings.read_only is not None:
        harmless = offered.name in settings.read_only
    else:
        harmless = offered.annotations is not None and offered.annotations.read_only_hint is True
    return Terms() if harmless else Terms(requires_approval=True, approvers=settings.approvers)


def digest_of(server: str, settings: McpServer, offered: types.Tool) -> str:
    """Of all the server says of a tool, and of who says it: under the same name it may be another one tomorrow."""
    said = offered.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"meta", "icons"})
    whole = [server, settings.url, settings.command, settings.args, said]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


# --- the schema ---------------------------------------------------------------------------------------------------


def _schema(document: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as the model is shown it, and arguments are checked against it."""
    try:
        size = len(json.dumps(document))
    except (RecursionError, ValueError):
        raise Unusable("its schema is nested too deeply") from None
    if size > _LONGEST_SCHEMA:
        raise Unusable(f"its schema has {size} characters, {_LONGEST_SCHEMA} at most")
    cleaned = cast("dict[str, Any]", _cleaned(document, 0))
    properties = cleaned.get("properties", {})
    if cleaned.get("type", "object") != "object" or not isinstance(properties, dict):
        raise Unusable("its arguments are no object")
    if len(cast("dict[str, Any]", properties)) > _MOST_PARAMETERS:
        raise Unusable(f"it has more than {_MOST_PARAMETERS} arguments")
    for reference in _references(cleaned):
        if not isinstance(reference, str) or not _leads_somewhere(cleaned, reference):
            raise Unusable("its schema refers to what is not in it")
    return {**cleaned, "type": "object", "properties": properties, "additionalProperties": False}


def _cleaned(node: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise Unusable("its schema is nested too deeply")
    if isinstance(node, str) and not is_clean(node):
        raise Unusable("its schema has characters that do not show")
    if isinstance(node, list):
        return [_cleaned(one, depth + 1) for one in cast("list[Any]", node)]
    if isinstance(node, dict):
        found = cast("dict[str, Any]", node)
        return {
            _key(key): clean(value, _ABOUT)
            if key in _WORDS and isinstance(value, str)
            else _cleaned(value, depth + 1)
            for key, value in found.items()
            if key not in _LEFT_OUT or isinstance(value, dict)  # an argument of that name, that is
        }
    return node


def _key(key: str) -> str:
    if key in _CHECKED_ELSEWHERE:
        raise Unusable(f"its schema has {key}")
    if not is_clean(key):
        raise Unusable("its schema has characters that do not show")
    return key


def _references(node: Any) -> Iterator[object]:
    if isinstance(node, dict):
        found = cast("dict[str, Any]", node)
        if "$ref" in found:
            yield found["$ref"]
        node = list(found.values())
    if isinstance(node, list):
        for one in cast("list[Any]", node):
            yield from _references(one)


def _leads_somewhere(document: Mapping[str, Any], reference: str) -> bool:
    """Whether it names one of the document's own definitions: everybody who reads schemas understands that."""
    match reference.split("/"):
        case ["#", ("$defs" | "definitions") as where, name]:
            return isinstance(document.get(where), dict) and name in document[where]
        case _:
            return False


def _shape(schema: Mapping[str, Any]) -> Shape:
    try:
        return Shape(schema)
    except BadSchema as error:
        raise Unusable(f"its schema is none: {error}") from None


def _parameters(schema: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Required ones first: they are what one types first."""
    properties: Mapping[str, Any] = schema["properties"]
    required: Sequence[str] = schema.get("required", [])
    names = sorted(properties, key=lambda name: name not in required)
    whole = {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}
    return tuple(
        _parameter(name, properties[name], whole, name in required, last=name == names[-1]) for name in names
    )


def _parameter(name: str, schema: Any, whole: Mapping[str, Any], required: bool, *, last: bool) -> Parameter:
    if not isinstance(schema, dict):
        raise Unusable("an argument of it has no type")
    about = cast("dict[str, Any]", schema)
    shape = _shape({**whole, "properties": {name: about}})

    def fits(value: JsonValue) -> JsonValue:
        refused(shape.problems({name: value}))
        return value

    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[JsonValue, AfterValidator(fits)], config=_HIDDEN)
    kind = _kind(about)
    return Parameter(
        name,
        adapter,
        kind,
        required,
        many=last and kind == "array",
        about=line(str(about.get("description", "")), _ABOUT),
        default=None if required else ABSENT,
    )


def _kind(schema: Mapping[str, Any]) -> str:
    if isinstance(schema.get("enum"), list):
        return " | ".join(str(one) for one in schema["enum"])[:_SUMMARY]
    found = schema.get("type", "JSON")
    return " | ".join(map(str, cast("list[Any]", found))) if isinstance(found, list) else str(found)
