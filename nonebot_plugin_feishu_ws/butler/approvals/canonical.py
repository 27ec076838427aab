"""A call written down exactly: what a person is shown, what is hashed, and what is carried out are one text.

Canonical JSON: every parameter with its value (defaults too), keys sorted, no white space between, and whatever does
not show as itself (control characters, direction marks, invisible or unusual spaces) escaped, so that two calls that
look alike are alike.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from ..tools import ABSENT, Tool
from .errors import Changed, NotExact

# Printable to Unicode, and yet nothing to be seen.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def canonical(tool: Tool, values: Mapping[str, object]) -> str:
    """Validated arguments as canonical JSON.

    Raises:
        NotExact: A value does not come back from JSON as what it is (a secret, an open file, NaN).
    """
    plain: dict[str, object] = {}
    for parameter in tool.parameters:
        value = values.get(parameter.name, parameter.default)
        if value is ABSENT:
            continue
        try:
            dumped = parameter.adapter.dump_python(value, mode="json", warnings="error")
            again = parameter.adapter.validate_json(json.dumps(dumped, allow_nan=False))
        except (PydanticSerializationError, ValidationError, ValueError, TypeError, RecursionError):
            raise NotExact(parameter.name) from None
        if again != value:
            raise NotExact(parameter.name)
        plain[parameter.name] = dumped
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return "".join(char if _shows(char) else json.dumps(char)[1:-1] for char in text)


def hash_of(tool: str, arguments: str, definition: str = "") -> str:
    """SHA-256 of a tool's name and canonical arguments, in hexadecimal; of somebody else's, of its definition, too."""
    text = "\n".join(part for part in (tool, arguments, definition) if part)
    return hashlib.sha256(text.encode()).hexdigest()


def called_for(tool: Tool, arguments: str) -> str:
    """The hash of a call: what is approved is this call, of the tool as it is defined now."""
    return hash_of(tool.name, arguments, "" if tool.contract is None else tool.contract.digest)


def restored(tool: Tool, arguments: str, expected_hash: str) -> dict[str, object]:
    """The validated arguments of a call that was written down.

    Raises:
        Changed: The text is not the one that was hashed, or the tool is not, or its parameters no longer take it.
    """
    if not hmac.compare_digest(called_for(tool, arguments), expected_hash):
        raise Changed("hash" if tool.contract is None else "tool")
    plain = json.loads(arguments)
    names = {parameter.name for parameter in tool.parameters}
    needed = {parameter.name for parameter in tool.parameters if parameter.default is not ABSENT}
    if not needed <= plain.keys() <= names:
        raise Changed("tool")
    try:
        return {
            parameter.name: parameter.adapter.validate_json(json.dumps(plain[parameter.name]))
            for parameter in tool.parameters
            if parameter.name in plain
        }
    except ValidationError:
        raise Changed("arguments") from None


def _shows(char: str) -> bool:
    # Inside JSON only strings hold anything beyond ASCII, and in a string an escape means the same.
    return char.isprintable() and char not in _BLANK
