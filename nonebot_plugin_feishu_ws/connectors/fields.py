"""What people may set of a connector, and what they are told when it does not fit."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import SecretStr, ValidationError

from .errors import InvalidFields
from .record import SECRETS
from .spec import ConnectorSpec

SETTABLE = frozenset(ConnectorSpec.model_fields) - {"enabled"}
"""Fields `create` and `update` take; enabling is a verb of its own, because it asks for a verification first."""

_REMOVABLE = frozenset({"verification_token", "encrypt_key", "proxy", "domain", "owner"})
_EXPLAINED = frozenset({"value_error", "policy_value"})  # messages of our own: they say what is valid


def concealed(values: Mapping[str, object]) -> dict[str, object]:
    """The same values, secrets wrapped: no traceback that prints locals shows them from here on."""
    return {field: _wrapped(value) if field in SECRETS else value for field, value in values.items()}


def _wrapped(value: object) -> object:
    if value is None or isinstance(value, SecretStr):
        return value
    return SecretStr(value) if isinstance(value, str) else type(value)  # which is refused, and tells nothing


def shown(spec: ConnectorSpec, fields: Iterable[str]) -> dict[str, object]:
    """Fields as they may be shown: of a secret only whether it is set."""
    return {
        field: bool(getattr(spec, field)) if field in SECRETS else getattr(spec, field) for field in fields
    }


def validated(name: str, values: Mapping[str, object], *, given: Iterable[str]) -> ConnectorSpec:
    """A connector made of values.

    Args:
        name: What to call it in errors.
        values: All of them. An empty word removes what may be missing: `set NAME proxy=`.
        given: The fields that somebody asked to set.

    Raises:
        InvalidFields: It names each field and what it accepts; never the value of a secret.
    """
    unknown = sorted(set(given) - SETTABLE)
    known: dict[str, Any] = {
        field: None if field in _REMOVABLE and _empty(value) else value
        for field, value in values.items()
        if field not in unknown
    }
    try:
        spec = ConnectorSpec.model_validate(known)
    except ValidationError as error:
        problems: dict[str, str] = {}
        for problem in error.errors(include_url=False, include_input=False, include_context=False):
            field = str(problem["loc"][0])
            text = problem["msg"].removeprefix("Value error, ")
            if problem["type"] not in _EXPLAINED:
                text = f"{text} ({ConnectorSpec.model_fields[field].description})"
            problems.setdefault(field, text)
        raise InvalidFields(name, problems, unknown) from None
    if unknown:
        raise InvalidFields(name, {}, unknown)
    return spec


def _empty(value: object) -> bool:
    return not (value.get_secret_value() if isinstance(value, SecretStr) else value)
