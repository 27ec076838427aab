"""A function becomes a tool, or its author is told why not."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from nonebot_plugin_feishu_ws.butler import Tool, ToolDefinitionError, ToolRegistry, Turn
from nonebot_plugin_feishu_ws.butler.tools import Terms
from nonebot_plugin_feishu_ws.texts import Locale


def only(registry: ToolRegistry) -> Tool:
    (tool,) = registry
    return tool


def test_signature_and_docstring_are_the_interface() -> None:
    registry = ToolRegistry()

    @registry.tool
    async def set_light(
        turn: Turn, room: str, state: Literal["on", "off"] = "on", colors: list[str] | None = None
    ) -> str:
        """Switch a light.

        Takes effect at once.

        Args:
            room: Which room,
                by its English name.
            state (str): What it shall be.
        """
        return room

    tool = only(registry)
    assert tool.name == "set-light"
    assert tool.summary == "Switch a light."
    assert tool.description == "Switch a light.\n\nTakes effect at once."
    assert tool.usage == "set-light <room> [state] [colors]"
    assert [(p.name, p.kind, p.required, p.about) for p in tool.parameters] == [
        ("room", "str", True, "Which room, by its English name."),
        ("state", "on | off", False, "What it shall be."),
        ("colors", "list[str] | None", False, ""),
    ]
    assert tool.turn_parameter == "turn"


def test_a_docstring_in_chinese() -> None:
    registry = ToolRegistry()

    @registry.tool
    async def light(room: str) -> str:
        """开关灯。

        参数：
            room：哪个房间
        """
        return room

    tool = only(registry)
    assert tool.description == "开关灯。"
    assert tool.parameters[0].about == "哪个房间"


def test_name_is_chosen_and_words_may_be_many() -> None:
    registry = ToolRegistry()

    @registry.tool("say")
    async def echo(words: list[str]) -> str:
        return " ".join(words)

    assert only(registry).usage == "say <words…>"


async def test_the_turn_reaches_whoever_asks_for_it() -> None:
    registry = ToolRegistry()
    marker: Any = object()

    @registry.tool
    async def where(word: str, turn: Turn) -> object:
        return (word, turn)

    assert await only(registry).run(marker, {"word": "x"}) == ("x", marker)


@dataclass
class Unreadable:
    handle: "type[Any]"


class Opaque:
    pass


def test_what_cannot_be_a_tool() -> None:
    registry = ToolRegistry()

    def plain(word: str) -> str:
        return word

    async def untyped(word) -> str:  # type: ignore[no-untyped-def]
        return word

    async def keywords(**words: str) -> str:
        return ""

    async def opaque(thing: Opaque) -> str:
        return ""

    async def fine(word: str) -> str:
        return word

    for function, name, said in [
        (plain, None, "async def"),
        (untyped, None, "'word': give it a type"),
        (keywords, None, "plain named parameters"),
        (opaque, None, "cannot be read from text"),
        (fine, "No Spaces", "use a letter a-z"),
        (fine, "help", "taken"),
    ]:
        with pytest.raises(ToolDefinitionError, match=said):
            registry.tool(name)(function)  # pyright: ignore
    assert list(registry) == []


def test_a_name_is_taken_once_but_a_reload_replaces() -> None:
    registry = ToolRegistry()

    def load(result: str):
        @registry.tool("ping")
        async def ping() -> str:
            return result

        return ping

    first, second = load("a"), load("b")
    assert first is not second
    assert only(registry).function is second

    async def other() -> str:
        return ""

    with pytest.raises(ToolDefinitionError, match="exists already"):
        registry.tool("ping")(other)
    registry.remove("ping")
    registry.remove("ping")
    assert list(registry) == []


def test_the_butlers_own_gives_way_and_comes_back() -> None:
    registry = ToolRegistry()

    async def own(word: str) -> str:
        return word

    async def mine() -> str:
        return ""

    def doc(locale: Locale) -> str:
        return "说\n\n参数:\n    word: 词" if locale == "zh_CN" else "Say it.\n\nArgs:\n    word: what"

    registry.built_in("say", own, Terms(idempotent=True), doc)
    registry.tool("first")(mine)
    tool = registry.get("say")
    assert tool is not None
    assert (tool.summary, tool.spoken("en_US").parameters[0].about) == ("Say it.", "what")
    assert (tool.spoken("zh_CN").summary, tool.spoken("zh_CN").parameters[0].about) == ("说", "词")
    assert tool.spoken("zh_CN").terms == Terms(idempotent=True)
    assert [known.name for known in registry] == ["first", "say"]

    registry.tool("say")(mine)
    registry.built_in("say", own, Terms(), doc)
    assert [(known.name, known.function) for known in registry] == [("first", mine), ("say", mine)]
    registry.remove("say")
    assert [known.function for known in registry] == [mine, own]
    registry.remove("say")
    assert registry.get("say") is not None


def test_any_other_tool_speaks_one_language() -> None:
    registry = ToolRegistry()

    @registry.tool
    async def hum() -> str:
        """Hum."""
        return ""

    assert only(registry).spoken("zh_CN") is only(registry)
