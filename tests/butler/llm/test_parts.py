"""The parts around a model: markdown, memory, schemas, shares of a day."""

import asyncio
import json
import re
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import BaseModel
from pydantic_ai import ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.usage import RunUsage

from nonebot_plugin_feishu_ws.butler import ToolRegistry
from nonebot_plugin_feishu_ws.butler.llm.markdown import tame
from nonebot_plugin_feishu_ws.butler.llm.memory import exchange, kept_of, messages_of, window
from nonebot_plugin_feishu_ws.butler.llm.offering import Misfit, read, schema_of
from nonebot_plugin_feishu_ws.butler.llm.spending import Spending
from nonebot_plugin_feishu_ws.config import ButlerLimits
from nonebot_plugin_feishu_ws.storage import Database

MARKUP = st.lists(
    st.sampled_from(
        ["!", "[", "]", "(", ")", ":", "<", ">", "`", "```", "~~~", "\n", " ", "\\", "a", "at", "https://e.x"]
    ),
    max_size=40,
).map("".join)


@given(MARKUP)
def test_no_markup_makes_a_link_or_a_picture(text: str) -> None:
    """As another parser of markdown reads it: nothing but addresses in full."""
    rendered = MarkdownIt("commonmark", {"html": True}).render(tame(text))
    outside = re.sub(r"<(code|pre)\b.*?</\1>", "", rendered, flags=re.DOTALL)
    assert not re.search(r"<(img|a|at)\b", outside)


@given(MARKUP, MARKUP)
def test_a_text_that_grows_is_rarely_rewritten(text: str, more: str) -> None:
    """Whole lines never change with what comes after them."""
    lines = tame(text).split("\n")
    assert tame(text + more).split("\n")[: len(lines) - 1] == lines[:-1]
    assert tame(tame(text)) == tame(text)


def test_what_is_kept_of_a_text() -> None:
    text = "a < b, `x < y`, **bold**\n```html\n<b>\n```\n| a |\n|---|\nhttps://e.x/?q=1"
    assert tame(text) == text.replace("a < b", "a &lt; b")


def test_a_window_begins_with_a_question() -> None:
    call, result = ToolCallPart("look", "{}", "c"), ToolReturnPart("look", "x" * 300, "c")
    turns = [
        [
            ModelRequest(parts=[UserPromptPart(f"question {number}")]),
            ModelResponse(parts=[call]),
            ModelRequest(parts=[result]),
            ModelResponse(parts=[TextPart("answer")]),
        ]
        for number in range(5)
    ]
    kept = kept_of([message for turn in turns for message in turn])
    assert window(kept, 10**6) == kept
    size = len(json.dumps(kept[:4]))
    for most in range(0, 6 * size, 97):
        part = window(kept, most)
        assert len(part) % 4 == 0
        assert part == kept[len(kept) - len(part) :]
        assert sum(len(json.dumps(one)) for one in part) <= most
    assert window(kept, 3 * size)
    assert messages_of(kept) == [message for turn in turns for message in turn]
    assert messages_of([{"kind": "from another version"}]) == []


def test_the_system_prompt_is_not_kept() -> None:
    assert "be good" not in json.dumps(kept_of([ModelRequest(parts=[], instructions="be good")]))
    assert len(kept_of(exchange("a", ""))) == 2


class Where(BaseModel):
    street: str
    number: int = 1


@pytest.fixture
def tool() -> Any:
    registry = ToolRegistry()

    @registry.tool
    async def go(where: list[Where], speed: Literal["slow", "fast"] = "slow") -> None:
        """Go.

        Args:
            where: stop by stop
        """

    return registry.get("go")


def test_a_tool_as_json_schema(tool: Any) -> None:
    schema = schema_of(tool)
    assert schema["required"] == ["where"]
    assert schema["properties"]["where"] == {
        "type": "array",
        "items": {"$ref": "#/$defs/Where"},
        "description": "stop by stop",
    }
    assert schema["properties"]["speed"]["enum"] == ["slow", "fast"]
    assert schema["$defs"]["Where"]["required"] == ["street"]


def test_arguments_are_read_as_json(tool: Any) -> None:
    assert read(tool, {"where": [{"street": "a"}]}) == {"where": [Where(street="a")]}
    with pytest.raises(
        Misfit, match="no argument wher; valid names: where, speed; the argument where is miss"
    ):
        read(tool, {"wher": []})
    with pytest.raises(Misfit, match="speed must be") as error:
        read(tool, {"where": [], "speed": "canary"})
    assert "canary" not in str(error.value)


async def test_shares_of_a_day(database_url: str) -> None:
    """Counted once each, however many ask at once; another person's are another's."""
    database = Database(database_url)
    await database.start()
    spending = Spending(database, ButlerLimits(daily_turns=3, daily_tokens=1000))
    allowed = await asyncio.gather(*(spending.begin("cli_a", "ou_a") for _ in range(8)))
    assert allowed.count(True) == 3
    assert await spending.begin("cli_a", "ou_b")
    await spending.add("cli_a", "ou_b", RunUsage(input_tokens=990, output_tokens=9))
    assert await spending.begin("cli_a", "ou_b")
    await spending.add("cli_a", "ou_b", RunUsage(output_tokens=1))
    assert not await spending.begin("cli_a", "ou_b")
    assert await spending.begin("cli_b", "ou_b")
    await spending.prune()
    assert not await spending.begin("cli_a", "ou_b")
    use = spending.use
    assert (use.turns["spent"], use.tokens["input"], use.tokens["output"]) == (7, 990, 10)
    await database.close()
