"""Arguments checked against a schema that a server has written: in bounded time, and with no way out of it.

Left out are what has a cost nobody can tell beforehand (`unevaluatedProperties`, `$dynamicRef`), and `format`: the
server looks itself. Patterns are matched in linear time, those that cannot be are left to the server, too.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, cast

from jsonschema import Draft7Validator, Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.validators import create  # pyright: ignore[reportUnknownVariableType]
from pydantic_core import SchemaError as PatternError
from pydantic_core import SchemaValidator, core_schema
from pydantic_core import ValidationError as Mismatch
from referencing import Registry
from referencing.exceptions import Unresolvable

_KEYWORDS: Final = (
    "additionalItems", "additionalProperties", "allOf", "anyOf", "const", "contains", "dependentRequired",
    "dependentSchemas", "enum", "exclusiveMaximum", "exclusiveMinimum", "if", "items", "maxItems", "maxLength",
    "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum", "multipleOf", "not", "oneOf",
    "prefixItems", "properties", "propertyNames", "required", "type", "uniqueItems",
)  # fmt: skip
_MOST_REFERENCES = (
    1000  # followed for one call: a schema of a few lines can ask for more than there are atoms
)
_MOST_PROBLEMS = 5
_SHOWN = 80  # characters of what is expected
_left: ContextVar[int] = ContextVar("references left")


class BadSchema(ValueError):  # noqa: N818 - it says what is the case
    """Arguments cannot be checked against it. The message says why."""


class _TooMuchError(Exception):
    pass


class Shape:
    """Checks values.

    Args:
        document: JSON Schema, draft 7 if it says so, else 2020-12.

    Raises:
        BadSchema: See there.
    """

    def __init__(self, document: Mapping[str, object]) -> None:
        old = "draft-07" in str(document.get("$schema"))
        draft: Any = Draft7Validator if old else Draft202012Validator
        try:
            draft.check_schema(document)
        except SchemaError as error:
            raise BadSchema(f"{'/'.join(map(str, error.absolute_path))[:_SHOWN]}: not valid") from None
        except RecursionError:
            raise BadSchema("nested too deeply") from None
        # Empty: nothing is fetched, a reference leads to a place in the same document or nowhere.
        registry: Registry[Any] = Registry()
        self._validator: Any = (_Old if old else _New)(document, registry=registry)

    def problems(self, value: object) -> list[str]:
        """What is wrong, in words that quote no value."""
        token = _left.set(_MOST_REFERENCES)
        try:
            errors = self._validator.iter_errors(value)
            return [_words(error) for error, _ in zip(errors, range(_MOST_PROBLEMS), strict=False)]
        except (_TooMuchError, RecursionError, Unresolvable):
            return ["they cannot be checked"]
        finally:
            _left.reset(token)


def _words(error: ValidationError) -> str:
    path = ".".join(str(part) for part in error.absolute_path)[:_SHOWN]
    expected = json.dumps(error.validator_value, ensure_ascii=False, default=str)
    if len(expected) > _SHOWN:
        expected = f"{expected[:_SHOWN]}…"
    return f"{path or 'arguments'}: {error.validator} {expected}"


def _reference(validator: Any, value: Any, instance: Any, schema: Any) -> Generator[Any]:
    left = _left.get() - 1
    if left < 0:
        raise _TooMuchError
    _left.set(left)
    yield from cast("dict[str, Any]", Draft202012Validator.VALIDATORS)["$ref"](
        validator, value, instance, schema
    )


def _pattern(_: Any, value: str, instance: Any, __: Any) -> Generator[ValidationError]:
    if isinstance(instance, str):
        try:
            # Rust's regular expressions are matched in linear time.
            SchemaValidator(core_schema.str_schema(pattern=value)).validate_python(instance)
        except PatternError:
            pass
        except Mismatch:
            yield ValidationError("does not match")


def _limited(draft: Any) -> Any:
    known: Mapping[str, Any] = draft.VALIDATORS
    keywords = {name: known[name] for name in _KEYWORDS if name in known}
    keywords |= {"$ref": _reference, "pattern": _pattern}
    return create(
        meta_schema=draft.META_SCHEMA, validators=keywords, type_checker=draft.TYPE_CHECKER, id_of=draft.ID_OF
    )


_Old: Final = _limited(Draft7Validator)
_New: Final = _limited(Draft202012Validator)


def refused(problems: Sequence[str]) -> None:
    """Raise ValueError with what is wrong, if anything is."""
    if problems:
        raise ValueError("; ".join(problems))
