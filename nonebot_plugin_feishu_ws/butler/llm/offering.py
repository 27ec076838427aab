"""Our tools as a model sees them. It names one and gives arguments; whether anything is run is decided here."""

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_ai import CallDeferred, FunctionToolset, UsageLimitExceeded
from pydantic_ai import Tool as ModelTool
from pydantic_core import SchemaValidator, core_schema

from ...texts.approvals import ApprovalTexts
from ..tools import Tool, ToolError, ToolRegistry
from ..turn import Turn

logger = logging.getLogger("nonebot_plugin_feishu_ws.butler")

_LONGEST_RESULT = 20_000  # characters
_READY_WITHIN = 5.0  # seconds: who brings tools later is waited for no longer
_RETRIES = 2  # where what the model writes is no JSON object; what is in the object is looked at here
_OBJECT = SchemaValidator(core_schema.dict_schema(core_schema.str_schema()))
MOST_ASKED = 5
"""Approvals a model may ask for before people have decided on them: a flood of cards is an attack, too."""


class Misfit(ValueError):  # noqa: N818 - it says what is the case
    """Arguments a tool does not take. The message tells the model what is wrong; it quotes no value."""


class Toolbox:
    """The tools of one turn: those whoever asks may use.

    Args:
        turn: Whose question the model answers. Tools are used with this person's rights, whatever the model says.
        registry: Where tools are.
        most_calls: How many may be called.
    """

    def __init__(self, turn: Turn, registry: ToolRegistry, most_calls: int) -> None:
        self._turn = turn
        self._registry = registry
        self._left = most_calls
        self._asked = 0

    async def offered(self) -> FunctionToolset[None]:
        """What the model may call."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READY_WITHIN):
                await self._registry.ready()
        locale = self._turn.texts.locale
        tools = [tool.spoken(locale) for tool in self._registry if await tool.permits(self._turn)]
        return FunctionToolset([self._model_tool(tool) for tool in tools], max_retries=_RETRIES)

    def decided(self) -> None:
        """What was asked for so far is over."""
        self._asked = 0

    def _model_tool(self, tool: Tool) -> ModelTool[None]:
        made = ModelTool[None].from_schema(
            self._caller(tool.name), tool.name, described(tool), schema_of(tool)
        )
        made.function_schema.validator = _OBJECT
        return made

    def _caller(self, name: str) -> Callable[..., Awaitable[str]]:
        async def call(**arguments: Any) -> str:
            return await self._call(name, arguments)

        return call

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Run a tool, or put the call off until somebody has approved it.

        Raises:
            CallDeferred: It needs approval, which is asked for once the call is stored.
            UsageLimitExceeded: The model has called too many.
        """
        if self._left <= 0:
            raise UsageLimitExceeded("tool calls of one message")
        self._left -= 1
        tool = self._registry.get(name)
        if tool is None or not await tool.permits(self._turn):
            return "Refused: whoever asks may not use this tool."
        try:
            values = read(tool, arguments)
        except Misfit as error:
            return f"Not run: {error}"
        if tool.terms.requires_approval:
            if self._asked >= MOST_ASKED:
                return "Not asked: too many approvals at once. Wait for people to decide."
            self._asked += 1
            raise CallDeferred
        try:
            result = await tool.run(self._turn, values)
        except ToolError as error:
            return shortened(f"Failed: {ApprovalTexts('en_US').error(error.reason)}\n{error.said}".strip())
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s: the tool %s failed (%s)", self._turn.connector, name, reference)
            return f"Failed. An administrator finds the reason in the log under {reference}."
        return shortened("Done." if result is None else str(result))


def described(tool: Tool) -> str:
    """What the model is told a tool does."""
    if not tool.terms.requires_approval:
        return tool.description or tool.name
    return f"{tool.description or tool.name}\nIt is run after a person has approved exactly these arguments."


def schema_of(tool: Tool) -> dict[str, Any]:
    """A tool's parameters as JSON Schema."""
    if tool.contract is not None:
        return dict(tool.contract.schema)
    found, shared = TypeAdapter.json_schemas([(p.name, "validation", p.adapter) for p in tool.parameters])
    properties: dict[str, Any] = {}
    for parameter in tool.parameters:
        schema = dict(found[parameter.name, "validation"])
        if parameter.about:
            schema["description"] = parameter.about
        properties[parameter.name] = schema
    required = [parameter.name for parameter in tool.parameters if parameter.required]
    whole = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {**whole, "$defs": shared["$defs"]} if "$defs" in shared else whole


def read(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, object]:
    """Validate what the model gave.

    Raises:
        Misfit: It does not fit.
    """
    values: dict[str, object] = {}
    problems: list[str] = []
    names = [parameter.name for parameter in tool.parameters]
    if unknown := sorted(set(arguments) - set(names)):
        problems.append(
            f"there is no argument {', '.join(unknown)}; valid names: {', '.join(names) or 'none'}"
        )
    for parameter in tool.parameters:
        if parameter.name not in arguments:
            if parameter.required:
                problems.append(f"the argument {parameter.name} is missing")
            continue
        try:
            values[parameter.name] = parameter.adapter.validate_json(json.dumps(arguments[parameter.name]))
        except ValidationError as error:
            expected = "; ".join(e["msg"] for e in error.errors(include_url=False, include_input=False))
            problems.append(f"{parameter.name} must be {parameter.kind}: {expected}")
    if tool.contract is not None and not problems:
        problems += tool.contract.problems(values)
    if problems:
        raise Misfit("; ".join(problems))
    return values


def shortened(text: str) -> str:
    """A result as long as a model is given it."""
    if len(text) <= _LONGEST_RESULT:
        return text
    return f"{text[:_LONGEST_RESULT]}\n[{len(text) - _LONGEST_RESULT} more characters are left out]"
