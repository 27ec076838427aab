"""From an async function to a tool: its parameters and docstring are its interface."""

import inspect
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from .tool import RESERVED, Parameter, Terms, Tool, ToolDefinitionError, ToolFunction
from .turn import Turn

_PERSON = re.compile(r"\*|ou_\w{1,61}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_ARGS_HEADING = re.compile(r"^\s*(Args|Arguments|Parameters|参数)\s*[:：]\s*$", re.MULTILINE)
_ARG_LINE = re.compile(r"^\s+(\w+)(?:\s*\([^)]*\))?\s*[:：]\s*(.+)$")


def people(approvers: Sequence[str] | None, requires_approval: bool) -> tuple[str, ...] | None:
    """Who may approve a tool, as its author has given them.

    Raises:
        ToolDefinitionError: They do not fit.
    """
    if approvers is None:
        return None
    named = (approvers,) if isinstance(approvers, str) else tuple(dict.fromkeys(approvers))
    if not requires_approval:
        raise ToolDefinitionError("approvers are for a tool with requires_approval=True")
    if not named or not all(_PERSON.fullmatch(person) for person in named):
        raise ToolDefinitionError('approvers: use a list of open_ids (ou_…), or "*" for anyone in the chat')
    return named


def define(function: ToolFunction, name: str | None, terms: Terms, doc: str) -> Tool:
    """The tool a function is.

    Args:
        function: async, its parameters typed.
        name: None: the function's.
        terms: On what terms it is used.
        doc: Its docstring.

    Raises:
        ToolDefinitionError: It cannot be one.
    """
    chosen = name if name is not None else function.__name__.replace("_", "-").lower()
    if not _NAME.fullmatch(chosen):
        raise ToolDefinitionError(
            f"tool name {chosen!r}: use a letter a-z, then up to 31 of a-z, 0-9, _ and -"
        )
    if chosen in RESERVED:
        raise ToolDefinitionError(
            f"tool name {chosen!r} is taken; the Butler itself answers {', '.join(sorted(RESERVED))}"
        )
    if not inspect.iscoroutinefunction(function):
        raise ToolDefinitionError(f"tool {chosen!r}: write it as `async def`")
    description, abouts = _parse_docstring(doc)
    hints = get_type_hints(function)
    parameters: list[Parameter] = []
    turn_parameter: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        where = f"tool {chosen!r}, parameter {parameter.name!r}"
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolDefinitionError(f"{where}: use plain named parameters; the last may be a list")
        if parameter.name not in hints:
            raise ToolDefinitionError(f"{where}: give it a type, so that what users type can be checked")
        annotation = hints[parameter.name]
        if annotation is Turn:
            turn_parameter = parameter.name
            continue
        try:
            adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=_config(annotation))
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise ToolDefinitionError(f"{where}: {annotation!r} cannot be read from text") from error
        parameters.append(
            Parameter(
                name=parameter.name,
                adapter=adapter,
                kind=_kind(annotation),
                required=parameter.default is parameter.empty,
                many=_is_list(annotation),
                about=abouts.get(parameter.name, ""),
                default=None if parameter.default is parameter.empty else parameter.default,
            )
        )
    summary = description.split("\n", 1)[0].strip()
    return Tool(chosen, function, summary, description, tuple(parameters), turn_parameter, terms)


def _is_list(annotation: Any) -> bool:
    return annotation is list or get_origin(annotation) is list


def _config(annotation: Any) -> ConfigDict | None:
    """Errors never quote a value. Models carry their own configuration, and pydantic refuses a second one."""
    own = hasattr(annotation, "__pydantic_core_schema__") or hasattr(annotation, "__pydantic_config__")
    return None if own else ConfigDict(hide_input_in_errors=True)


def _kind(annotation: Any) -> str:
    """A type as a person reads it: `int`, `on | off`, `list[str]`."""
    if get_origin(annotation) is Literal:
        return " | ".join(str(value) for value in get_args(annotation))
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    return str(annotation).replace("typing.", "")


def _parse_docstring(doc: str) -> tuple[str, dict[str, str]]:
    """The text before the `Args:` section, and each argument's line in it."""
    heading = _ARGS_HEADING.search(doc)
    if heading is None:
        return doc.strip(), {}
    abouts: dict[str, str] = {}
    last = ""
    for line in doc[heading.end() :].strip("\n").split("\n"):
        if line and not line[0].isspace():
            break
        if match := _ARG_LINE.match(line):
            last = match[1]
            abouts[last] = match[2].strip()
        elif last and line.strip():
            abouts[last] += " " + line.strip()
    return doc[: heading.start()].strip(), abouts
