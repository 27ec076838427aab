"""The tools of a process, by name."""

import asyncio
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, get_args, overload

from ..texts import Locale
from .defining import define, people
from .tool import (
    ABSENT,
    ANYONE,
    RESERVED,
    Allow,
    Contract,
    Parameter,
    Terms,
    Tool,
    ToolDefinitionError,
    ToolError,
    ToolFunction,
)

__all__ = [
    "ABSENT",
    "ANYONE",
    "RESERVED",
    "Allow",
    "Contract",
    "Parameter",
    "Source",
    "Terms",
    "Tool",
    "ToolDefinitionError",
    "ToolError",
    "ToolFunction",
    "ToolRegistry",
]


class Source(Protocol):
    """Tools that somebody else defines, and that come and go."""

    @property
    def prefix(self) -> str:
        """What their names begin with, and no other source's."""
        ...

    def offered(self) -> Iterable[Tool]:
        """Those that can be called now."""
        ...

    def find(self, name: str) -> Tool | None:
        """One of them, as it was last known."""
        ...

    async def ready(self) -> None:
        """Wait until it has had the time to find out what there is. It does not take for ever."""
        ...


class ToolRegistry:
    """The tools by name, in order of registration; the Butler's own come behind, others' last.

    Names are taken in that order, too: nothing that somebody else defines takes the place of what is defined here.
    """

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._own: dict[str, Tool] = {}
        self._sources: list[Source] = []

    def __iter__(self) -> Iterator[Tool]:
        ours = {**self._tools, **self._own} | self._tools
        others = {tool.name: tool for source in self._sources for tool in source.offered()}
        return iter((ours | {name: tool for name, tool in others.items() if name not in ours}).values())

    def get(self, name: str) -> Tool | None:
        found = self._tools.get(name) or self._own.get(name)
        return found or next((tool for source in self._sources if (tool := source.find(name))), None)

    def join(self, source: Source) -> None:
        """Take in what somebody else defines."""
        self._sources.append(source)

    def part(self, source: Source) -> None:
        """Its tools are gone."""
        self._sources.remove(source)

    async def ready(self, name: str | None = None) -> None:
        """Wait until those who bring tools have had the time to: who may have the one of a name, or all."""
        sources = [source for source in self._sources if name is None or name.startswith(source.prefix)]
        await asyncio.gather(*(source.ready() for source in sources))

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
        translated = {locale: define(function, name, terms, doc(locale)) for locale in locales}
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
        terms = Terms(requires_approval, people(approvers, requires_approval), idempotent, allow)

        def register(function: ToolFunction) -> ToolFunction:
            return self._add(function, name, terms)

        return register

    def _add(self, function: ToolFunction, name: str | None, terms: Terms) -> ToolFunction:
        tool = define(function, name, terms, inspect.getdoc(function) or "")
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
