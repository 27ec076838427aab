"""What can be typed, and what is said of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonebot_plugin_feishu_ws.commands.grammar import VERBS, MisuseError, parse


@pytest.mark.parametrize(
    ("line", "verb", "arguments"),
    [
        ("", "help", {}),
        ("--help", "help", {}),
        ("help set", "help", {"verb": "set"}),
        ("set --help", "help", {"verb": "set"}),
        ("list", "list", {}),
        ("LIST", "list", {}),
        ("show butler", "show", {"name": "butler"}),
        ("status", "status", {}),
        ("status butler", "status", {"name": "butler"}),
        ("logs butler", "logs", {"name": "butler", "count": 20}),
        ("logs butler 5", "logs", {"name": "butler", "count": 5}),
        ("add butler app_id=cli_a", "add", {"name": "butler", "words": ("app_id=cli_a",)}),
        ('set butler prefix_command="a b"', "set", {"name": "butler", "words": ("prefix_command=a b",)}),
        ('test butler "hello world"', "test", {"name": "butler", "words": ("hello world",)}),
    ],
)
def test_understood(line: str, verb: str, arguments: dict[str, object]) -> None:
    call = parse(line)
    assert call.verb.name == verb
    assert dict(call.arguments) == arguments


@pytest.mark.parametrize("line", ["show", "show a b", "logs a x", "test a", "list a", "set"])
def test_wrong_arguments_name_the_verb(line: str) -> None:
    with pytest.raises(MisuseError) as caught:
        parse(line)
    assert caught.value.verb is VERBS[line.split()[0]]


def test_an_unknown_verb_has_neighbours() -> None:
    with pytest.raises(MisuseError) as caught:
        parse("enabel butler")
    assert caught.value.verb is None
    assert "enable" in caught.value.similar


@given(st.text(max_size=60))
def test_any_line_is_a_call_or_a_misuse(line: str) -> None:
    try:
        assert parse(line).verb.name in VERBS
    except MisuseError as error:
        assert error.verb is None or error.verb.name in VERBS


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_every_example_is_understood(verb) -> None:
    assert parse(verb.example).verb is verb
