"""Tools: what a Butler can do. A tool is an async function; its parameters and docstring are its interface."""

import inspect
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints, overload

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from ..texts import Locale
from .turn import Turn

ToolFunction = Callable[..., Awaitable[object]]
Allow = Callable[[Turn], bool | Awaitable[bool]]
"""Whether whoever asks may use a tool at all."""

ANYONE = "*"
"""Among approvers: anyone in the chat."""

RESERVED = frozenset({"help", "status", "whoami", "stop", "new"})
"""Words the Butler answers itself; a tool cannot take their place."""

_PERSON = re.compile(r"\*|ou_\w{1,61}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_ARGS_HEADING = re.compile(r"^\s*(Args|Arguments|Parameters|参数)\s*[:：]\s*$", re.MULTILINE)
_ARG_LINE = re.compile(r"^\s+(\w+)(?:\s*\([^)]*\))?\s*[:：]\s*(.+)$")


class ToolDefinitionError(TypeError):
    """A function cannot be a tool. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a tool.

    Attributes:
        name: As in the function.
        adapter: Validates and converts a value.
        kind: The type as a person reads it.
        required: Whether it must be given.
        many: Whether it takes all remaining words (the last parameter, a list).
        about: Its line in the docstring.
        default: Its value where it is not given and not required.
    """

    name: str
    adapter: TypeAdapter[Any]
    kind: str
    required: bool
    many: bool
    about: str
    default: object = None


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a tool is used; see `ToolRegistry.tool`."""

    requires_approval: bool = False
    approvers: tuple[str, ...] | None = None
    idempotent: bool = False
    allow: Allow | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A registered tool."""

    name: str
    function: ToolFunction
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    turn_parameter: str | None
    terms: Terms = Terms()
    translated: "Mapping[Locale, Tool]" = field(
        default_factory=dict[Locale, "Tool"], compare=False, repr=False
    )

    @property
    def usage(self) -> str:
        """The tool as one types it: required arguments bare, optional ones in brackets."""
        words = [self.name]
        for parameter in self.parameters:
            word = f"{parameter.name}…" if parameter.many else parameter.name
            words.append(f"<{word}>" if parameter.required else f"[{word}]")
        return " ".join(words)

    def spoken(self, locale: Locale) -> "Tool":
        """The same tool, described in a language if it is in that."""
        return self.translated.get(locale, self)

    async def permits(self, turn: Turn) -> bool:
        """Whether whoever asks may use it: looked at before anything else, and again before an approved call."""
        if self.terms.allow is None:
            return True
        verdict = self.terms.allow(turn)
        return (await verdict if inspect.isawaitable(verdict) else verdict) is True

    async def run(self, turn: Turn, arguments: Mapping[str, object]) -> object:
        """Call the function with validated arguments; the turn goes to the parameter annotated `Turn`, if any."""
        own = {} if self.turn_parameter is None else {self.turn_parameter: turn}
        return await self.function(**arguments, **own)


class ToolRegistry:
    """The tools by name, in order of registration; the Butler's own come last."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._own: dict[str, Tool] = {}

    def __iter__(self) -> Iterator[Tool]:
        return iter(({**self._tools, **self._own} | self._tools).values())

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name) or self._own.get(name)

    def built_in(self, name: str, function: ToolFunction, terms: Terms, doc: Callable[[Locale], str]) -> None:
        """Register a tool of the Butler's own. One that a plugin registers under its name takes its place.

        Args:
            name: See `tool`.
            function: See `tool`.
            terms: On what terms it is used.
            doc: Its docstring in a language.

        Raises:
            ToolDefinitionError: See `tool`.
        """
        locales: tuple[Locale, ...] = get_args(Locale)
        translated = {locale: _define(function, name, terms, doc(locale)) for locale in locales}
        self._own[name] = replace(translated["en_US"], translated=translated)

    @overload
    def tool(self, name: ToolFunction, /) -> ToolFunction: ...
    @overload
    def tool(
        self,
        name: str | None = None,
        *,
        requires_approval: bool = False,
        approvers: Sequence[str] | None = None,
        idempotent: bool = False,
        allow: Allow | None = None,
    ) -> Callable[[ToolFunction], ToolFunction]: ...
    def tool(
        self,
        name: str | ToolFunction | None = None,
        *,
        requires_approval: bool = False,
        approvers: Sequence[str] | None = None,
        idempotent: bool = False,
        allow: Allow | None = None,
    ) -> Any:
        """Make an async function a tool of the Butler.

        Its typed parameters become arguments (a parameter annotated `Turn` receives who asked and where), the first
        line of its docstring the summary, a Google-style `Args:` section the help on each argument. What it returns
        is the answer.

        Args:
            name: The word users type; by default the function's name with `_` as `-`.
            requires_approval: It runs only after somebody has approved exactly these arguments, and then once.
            approvers: Who may approve it, instead of the connector's `approvers`: open_ids, or `*` for anyone in the
                chat. Never whoever asks.
            idempotent: It may be run again by itself after the process died in the middle of it.
            allow: Whether whoever asks may use it; anybody by default.

        Raises:
            ToolDefinitionError: The function is not async, a parameter has no usable type, the name is taken, or the
                approvers do not fit.
        """
        if callable(name):
            return self._add(name, None, Terms())
        terms = Terms(requires_approval, _people(approvers, requires_approval), idempotent, allow)

        def register(function: ToolFunction) -> ToolFunction:
            return self._add(function, name, terms)

        return register

    def _add(self, function: ToolFunction, name: str | None, terms: Terms) -> ToolFunction:
        tool = _define(function, name, terms, inspect.getdoc(function) or "")
        known = self._tools.get(tool.name)
        if known is not None and _origin(known.function) != _origin(function):
            raise ToolDefinitionError(
                f"tool {tool.name!r} exists already, defined by {'.'.join(_origin(known.function))}"
            )
        self._tools[tool.name] = tool
        return function

    def remove(self, name: str) -> None:
        """Forget a tool, e.g. when a plugin is unloaded. Unknown names are ignored, and the Butler's own stay."""
        self._tools.pop(name, None)


def _origin(function: ToolFunction) -> tuple[str, str]:
    return function.__module__, function.__qualname__


def _people(approvers: Sequence[str] | None, requires_approval: bool) -> tuple[str, ...] | None:
    if approvers is None:
        return None
    people = (approvers,) if isinstance(approvers, str) else tuple(dict.fromkeys(approvers))
    if not requires_approval:
        raise ToolDefinitionError("approvers are for a tool with requires_approval=True")
    if not people or not all(_PERSON.fullmatch(person) for person in people):
        raise ToolDefinitionError('approvers: use a list of open_ids (ou_…), or "*" for anyone in the chat')
    return people


def _define(function: ToolFunction, name: str | None, terms: Terms, doc: str) -> Tool:
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
