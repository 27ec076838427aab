"""A tool: what a Butler can do, and on what terms."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter

from ..telemetry import span
from ..texts import Locale
from .turn import Turn

ToolFunction = Callable[..., Awaitable[object]]
Allow = Callable[[Turn], bool | Awaitable[bool]]
"""Whether whoever asks may use a tool at all."""

ANYONE: Final = "*"
"""Among approvers: anyone in the chat."""

RESERVED: Final = frozenset({"help", "status", "whoami", "stop", "new"})
"""Words the Butler answers itself; a tool cannot take their place."""


class ToolDefinitionError(TypeError):
    """A function cannot be a tool. The message says what to change."""


class ToolError(Exception):
    """A tool did not do what was asked of it, and says why.

    Attributes:
        reason: A word of `texts.approvals`.
        said: What it says itself, for whoever asked.
        unknown: Nobody knows how far it came.
    """

    def __init__(self, reason: str, said: str = "", *, unknown: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.said = said
        self.unknown = unknown


class Absent:
    """The default of a parameter that is left out where it is not given."""


ABSENT: Final = Absent()


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
        default: Its value where it is not given and not required; `ABSENT`: it has none.
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
class Contract:
    """How somebody else defines a tool: what its parameters alone do not say.

    Attributes:
        schema: JSON Schema of its arguments.
        problems: What is wrong with arguments, taken together.
        digest: Of the whole definition. What is approved is a call of the tool that has it.
    """

    schema: Mapping[str, object]
    problems: Callable[[Mapping[str, object]], Sequence[str]]
    digest: str


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
    contract: Contract | None = field(default=None, compare=False, repr=False)
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
        operation = "execute_tool"
        with span(
            f"{operation} {self.name}", gen_ai__operation__name=operation, gen_ai__tool__name=self.name
        ):
            return await self.function(**arguments, **own)
