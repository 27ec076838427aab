"""From what a person typed to a tool's validated arguments: `NAME arg1 arg2 key=value`, with shell quoting."""

import re
import shlex
from collections.abc import Sequence

from pydantic import ValidationError

from ..texts import Texts
from .tools import Parameter, Tool

_KEY = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'"})


class UsageError(ValueError):
    """What was typed does not fit the tool. `problems` says everything that is wrong, in the user's language."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class UnbalancedQuotes(ValueError):  # noqa: N818 - it says what is the case
    """A quote is never closed."""


def split_words(line: str) -> list[str]:
    """Split as a shell does; typographic quotes count as quotes, and a backslash is only a backslash.

    Raises:
        UnbalancedQuotes: A quote is never closed.
    """
    lexer = shlex.shlex(line.translate(_QUOTES), posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    try:
        return list(lexer)
    except ValueError:
        raise UnbalancedQuotes(line) from None


def bind(tool: Tool, words: Sequence[str], texts: Texts) -> dict[str, object]:
    """Give the words to the tool's parameters, in order or by `name=value`, and convert them.

    A last parameter that is a list takes all remaining words. A word like `a=b` whose name is no parameter is an
    ordinary word if there is still a place for it (a URL with a query, say).

    Raises:
        UsageError: Listing every argument that is missing, unknown, given twice, superfluous or invalid.
    """
    given, problems = _assign(tool, words, texts)
    values: dict[str, object] = {}
    for parameter in tool.parameters:
        typed = given.get(parameter.name)
        if typed is None:
            if parameter.required:
                problems.append(texts.missing_argument(parameter.name))
            continue
        try:
            values[parameter.name] = _convert(parameter, typed)
        except ValidationError as error:
            expected = "; ".join(
                found["msg"] for found in error.errors(include_url=False, include_input=False)
            )
            kind = f"{parameter.kind} — {expected}"
            problems.append(texts.invalid_argument(parameter.name, " ".join(typed), kind))
    if tool.contract is not None and not problems:
        problems += tool.contract.problems(values)
    if problems:
        raise UsageError(problems)
    return values


def _assign(tool: Tool, words: Sequence[str], texts: Texts) -> tuple[dict[str, list[str]], list[str]]:
    """Which words go to which parameter, and what is wrong with the rest."""
    parameters = {parameter.name: parameter for parameter in tool.parameters}
    given: dict[str, list[str]] = {}
    problems: list[str] = []
    loose: list[str] = []
    for word in words:
        match = _KEY.fullmatch(word)
        if match is None or match[1] not in parameters:
            loose.append(word)
        elif match[1] in given and not parameters[match[1]].many:
            problems.append(texts.repeated_argument(match[1]))
        else:
            given.setdefault(match[1], []).append(match[2])

    places = [parameter for parameter in tool.parameters if parameter.name not in given]
    for word in loose:
        if places:
            given.setdefault(places[0].name, []).append(word)
            if len(places) > 1 or not places[0].many:
                places.pop(0)
        elif match := _KEY.fullmatch(word):
            problems.append(texts.unknown_argument(match[1], tuple(parameters)))
        else:
            problems.append(texts.surplus_argument(word))
    return given, problems


def _convert(parameter: Parameter, typed: list[str]) -> object:
    """Text to the parameter's type; what is written as JSON may also be read as JSON (`{"a": 1}`, `[1, 2]`)."""
    if parameter.many:
        if len(typed) == 1 and typed[0].startswith("["):
            try:
                return parameter.adapter.validate_json(typed[0])
            except ValidationError:
                pass
        return parameter.adapter.validate_python(typed)
    try:
        return parameter.adapter.validate_python(typed[0])
    except ValidationError as error:
        try:
            return parameter.adapter.validate_json(typed[0])
        except ValidationError:
            raise error from None
