"""What a person reads is what runs."""

import json
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from nonebot_plugin_feishu_ws.butler import Tool, ToolRegistry
from nonebot_plugin_feishu_ws.butler.approvals import Changed, NotExact, canonical, hash_of, restored


class Step(BaseModel):
    name: str
    at: date | None = None


def tool() -> Tool:
    registry = ToolRegistry()

    @registry.tool("deploy", requires_approval=True)
    async def deploy(
        service: str,
        stage: Literal["dev", "prod"] = "dev",
        count: int = 1,
        share: float = 0.5,
        price: Decimal = Decimal("1.10"),
        steps: list[Step] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None: ...

    found = registry.get("deploy")
    assert found is not None
    return found


def test_every_parameter_is_shown_defaults_too_sorted_and_close_together() -> None:
    assert canonical(tool(), {"service": "web", "count": 2}) == (
        '{"count":2,"extra":null,"price":"1.10","service":"web","share":0.5,"stage":"dev","steps":null}'
    )


@given(
    st.fixed_dictionaries(
        {"service": st.text()},
        optional={
            "stage": st.sampled_from(["dev", "prod"]),
            "count": st.integers(),
            "share": st.floats(allow_nan=False, allow_infinity=False),
            "steps": st.lists(st.builds(Step, name=st.text(), at=st.none() | st.dates()), max_size=3),
            "extra": st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=3),
        },
    )
)
def test_it_comes_back_as_it_was(values: dict[str, Any]) -> None:
    known = tool()
    text = canonical(known, values)
    again = restored(known, text, hash_of("deploy", text))
    assert {name: again[name] for name in values} == values
    assert canonical(known, again) == text
    for char in text:
        assert char == " " or unicodedata.category(char)[0] not in "CZ", f"{char!r} does not show"


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u00a0", "\u3164", "\u2066", "\n", "\x00", "\ufeff"])
def test_what_does_not_show_is_written_out(hidden: str) -> None:
    """Two calls that look alike are alike: direction marks, invisible and unusual spaces cannot hide anything."""
    text = canonical(tool(), {"service": f"web{hidden}prod"})
    assert hidden not in text
    assert json.loads(text)["service"] == f"web{hidden}prod"


def test_markup_stays_text() -> None:
    assert '"<at id=all></at>**x**"' in canonical(tool(), {"service": "<at id=all></at>**x**"})


@pytest.mark.parametrize(
    ("parameter", "value"), [("share", float("nan")), ("share", float("inf")), ("service", "\ud800")]
)
def test_what_json_does_not_know(parameter: str, value: Any) -> None:
    with pytest.raises(NotExact) as error:
        canonical(tool(), {"service": "web", parameter: value})
    assert error.value.parameter == parameter


def test_a_secret_cannot_be_shown_and_so_not_approved() -> None:
    registry = ToolRegistry()

    @registry.tool("login", requires_approval=True)
    async def login(password: SecretStr) -> None: ...

    known = registry.get("login")
    assert known is not None
    with pytest.raises(NotExact) as error:
        canonical(known, {"password": SecretStr("canary-7f3a")})
    assert "canary" not in repr(error.value)


def test_what_changed_is_refused() -> None:
    known = tool()
    text = canonical(known, {"service": "web"})
    digest = hash_of("deploy", text)
    with pytest.raises(Changed, match="hash"):
        restored(known, text.replace("web", "wob"), digest)
    with pytest.raises(Changed, match="hash"):
        restored(known, text, hash_of("other", text))
    less = '{"service":"web"}'
    with pytest.raises(Changed, match="tool"):
        restored(known, less, hash_of("deploy", less))
    wrong = text.replace('"dev"', '"test"')
    with pytest.raises(Changed, match="arguments"):
        restored(known, wrong, hash_of("deploy", wrong))
