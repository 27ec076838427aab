"""How a shell is given secrets: typed where nobody sees it, or through standard input. Never as an argument."""

import getpass
import json
import sys
import warnings
from collections.abc import Sequence
from typing import cast

from pydantic import SecretStr

from ..connectors import SECRETS
from ..texts.shell import ShellTexts

_MOST = 64 * 1024  # characters read from standard input: far more than all secrets together


class SecretsError(ValueError):
    """The secrets were not given in a way that can be used. The message is for people and shows no value."""


def ask(fields: Sequence[str], texts: ShellTexts) -> dict[str, SecretStr]:
    """Ask for each field on the terminal, without showing what is typed.

    Raises:
        SecretsError: There is no terminal, or it cannot hide what is typed.
    """
    if not sys.stdin.isatty():
        raise SecretsError(texts.no_terminal())
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return {field: SecretStr(getpass.getpass(texts.ask(field)).strip()) for field in fields}
        except (getpass.GetPassWarning, EOFError):
            raise SecretsError(texts.echoing_terminal()) from None


def read(texts: ShellTexts) -> dict[str, SecretStr]:
    """Read standard input to its end: `field=value` lines, or a JSON object.

    Raises:
        SecretsError: It is neither, has a field that is no secret, or is a terminal, which would show them.
    """
    if sys.stdin.isatty():
        raise SecretsError(texts.stdin_shows())
    try:
        text = sys.stdin.buffer.read(_MOST).decode("utf-8-sig").strip()
        values = _from_json(text, texts) if text.startswith("{") else _from_lines(text, texts)
    except UnicodeDecodeError:
        raise SecretsError(texts.bad_secrets()) from None
    if not values.keys() <= set(SECRETS):  # what stands there may be part of a secret: it is not shown
        raise SecretsError(texts.no_secret_field(SECRETS))
    return {field: SecretStr(value) for field, value in values.items()}


def _from_lines(text: str, texts: ShellTexts) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        field, equals, value = line.partition("=")
        if line.strip():
            if not equals:
                raise SecretsError(texts.bad_secret_line(number))
            values[field.strip()] = value.strip()
    return values


def _from_json(text: str, texts: ShellTexts) -> dict[str, str]:
    try:
        loaded = cast("dict[str, object]", json.loads(text))
    except ValueError:
        raise SecretsError(texts.bad_secrets()) from None
    values: dict[str, str] = {}
    for field, value in loaded.items():
        if not isinstance(value, str):
            raise SecretsError(texts.bad_secrets())
        values[field] = value.strip()
    return values
