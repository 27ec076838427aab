"""What people type becomes a tool's arguments, or an explanation."""

from datetime import date
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from nonebot_plugin_feishu_ws.butler import ToolRegistry, UnbalancedQuotes, UsageError, bind, split_words
from nonebot_plugin_feishu_ws.texts import Texts

EN, ZH = Texts("en_US"), Texts("zh_CN")


class Point(BaseModel):
    x: int
    y: int = 0


registry = ToolRegistry()


@registry.tool
async def deploy(
    service: str, replicas: int = 1, stage: Literal["dev", "prod"] = "dev", fast: bool = False
) -> str:
    return service


@registry.tool
async def tag(when: date, words: list[str]) -> str:
    return ""


@registry.tool
async def move(point: Point) -> str:
    return ""


def arguments(line: str, texts: Texts = EN) -> dict[str, object]:
    name, *words = split_words(line)
    tool = registry.get(name)
    assert tool is not None
    return bind(tool, words, texts)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("deploy web", {"service": "web"}),
        ("deploy web 3 prod", {"service": "web", "replicas": 3, "stage": "prod"}),
        ("deploy replicas=3 web", {"service": "web", "replicas": 3}),
        ("deploy web fast=yes", {"service": "web", "fast": True}),
        ("deploy 'two words'", {"service": "two words"}),
        ("deploy “two words”", {"service": "two words"}),
        ('deploy service="a b"', {"service": "a b"}),
        (r"deploy C:\new", {"service": r"C:\new"}),
        ("deploy ''", {"service": ""}),
        ("deploy https://x/?q=1", {"service": "https://x/?q=1"}),
        ("deploy q=1", {"service": "q=1"}),
        ("tag 2026-01-02 a b c", {"when": date(2026, 1, 2), "words": ["a", "b", "c"]}),
        ("tag 2026-01-02 words=a words=b", {"when": date(2026, 1, 2), "words": ["a", "b"]}),
        ('tag 2026-01-02 \'["a", "b"]\'', {"when": date(2026, 1, 2), "words": ["a", "b"]}),
        ("tag 2026-01-02 [x", {"when": date(2026, 1, 2), "words": ["[x"]}),
        ("move '{\"x\": 1}'", {"point": Point(x=1)}),
    ],
)
def test_fits(line: str, values: dict[str, object]) -> None:
    assert arguments(line) == values


@pytest.mark.parametrize(
    ("line", "texts", "said"),
    [
        ("deploy", EN, ["The argument service is missing."]),
        ("deploy", ZH, ["缺少参数 service。"]),
        ("deploy web many", EN, ["“many” is not valid for replicas: int"]),
        ("deploy web stage=test", EN, ["stage: dev | prod"]),
        ("deploy web 1 dev no surplus", EN, ["“surplus” is one argument too many."]),
        (
            "deploy web 1 dev no size=4",
            EN,
            ["There is no argument size; valid names: service, replicas, stage, fast."],
        ),
        ("deploy service=a service=b", EN, ["The argument service is given twice."]),
        ("deploy replicas=x fast=maybe", EN, ["service is missing", "valid for replicas", "valid for fast"]),
    ],
)
def test_does_not_fit(line: str, texts: Texts, said: list[str]) -> None:
    """Every problem is named, in the user's language, in one go."""
    with pytest.raises(UsageError) as caught:
        arguments(line, texts)
    for words in said:
        assert any(words in problem for problem in caught.value.problems), caught.value.problems


@given(st.text(max_size=60))
def test_any_line_is_words_or_a_usage_error(line: str) -> None:
    try:
        words = split_words(line)
    except UnbalancedQuotes:
        return
    tool = registry.get("deploy")
    assert tool is not None
    try:
        bind(tool, words, EN)
    except UsageError as error:
        assert error.problems


def test_a_quote_that_is_never_closed() -> None:
    with pytest.raises(UnbalancedQuotes):
        split_words("deploy 'web")
