"""The fields of a connector's forms: how each of them is shown, and how what was typed is read."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from pydantic import SecretStr

from ...connectors import OF_SUPERUSERS, SECRETS, ConnectorSpec, values_of
from ...filters import Policy
from ...texts.console import ConsoleTexts
from .forms import Form

Kind = Literal["text", "secret", "flag", "number", "list", "choice"]

POLICY: Sequence[str] = tuple(Policy.model_fields)
_APPLICATION = ("name", "app_id", "domain", "transport")
_SECRETS = ("app_secret", "verification_token", "encrypt_key")
_PEOPLE = ("owner", "approvers")
_NETWORK = ("proxy",)
GROUPS: Mapping[str, Sequence[str]] = {
    "application": _APPLICATION,
    "secrets": _SECRETS,
    "people": _PEOPLE,
    "network": _NETWORK,
}
"""The form of a connector without its policy."""

_REQUIRED = frozenset({"name", "app_id", "app_secret"})
_SEPARATOR = "\n"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Attributes:
        value: What is shown in it; of a secret nothing.
        set: Of a secret, whether there is one.
        removable: Of a secret, whether it can be done without.
        problem: What is wrong with what was typed.
    """

    name: str
    kind: Kind
    label: str
    hint: str
    value: str = ""
    ticked: bool = False
    set: bool = False
    required: bool = False
    removable: bool = False
    choices: Sequence[str] = ()
    problem: str = ""


def offered(names: Sequence[str], *, superuser: bool) -> list[str]:
    """The fields somebody may fill in."""
    return [name for name in names if superuser or name not in OF_SUPERUSERS]


def kind_of(name: str) -> Kind:
    """How a field is filled in."""
    if name in SECRETS:
        return "secret"
    kind = ConnectorSpec.model_fields[name].annotation
    default: Any = ConnectorSpec.model_fields[name].default
    if get_args(kind) and all(isinstance(choice, str) for choice in get_args(kind)):
        return "choice"
    if isinstance(default, bool):
        return "flag"
    if isinstance(default, tuple):
        return "list"
    return "number" if isinstance(default, int) else "text"


def fields_of(
    texts: ConsoleTexts,
    names: Sequence[str],
    spec: ConnectorSpec | None,
    form: Form | None = None,
    problems: Mapping[str, str] | None = None,
) -> list[Field]:
    """Fields with what is stored in them, or with what was typed.

    Args:
        texts: In the reader's language.
        names: Which.
        spec: What is stored; None: nothing is yet.
        form: What was typed, of a form that is shown once more.
        problems: What is wrong with it, in the reader's language.
    """
    stored = {} if spec is None else values_of(spec)
    return [_field(texts, name, stored, form, (problems or {}).get(name, "")) for name in names]


def _field(
    texts: ConsoleTexts, name: str, stored: Mapping[str, Any], form: Form | None, problem: str
) -> Field:
    kind = kind_of(name)
    default = None if kind == "secret" else ConnectorSpec.model_fields[name].get_default()
    value = stored.get(name, default if name not in _REQUIRED else None)
    is_set = kind == "secret" and bool(stored.get(name))
    return Field(
        name=name,
        kind=kind,
        label=texts.label(name),
        hint=texts.explained(name),
        value="" if kind == "secret" else (form.get(name) if form else _shown(value)),
        ticked=form.has(name) if form else value is True,
        set=is_set,
        required=name in _REQUIRED and not is_set,
        removable=is_set and name not in _REQUIRED,
        choices=get_args(ConnectorSpec.model_fields[name].annotation) if kind == "choice" else (),
        problem=problem,
    )


def _shown(value: Any) -> str:
    if isinstance(value, tuple | list):
        return _SEPARATOR.join(map(str, cast("Sequence[object]", value)))
    return "" if value is None else str(value)


def typed(names: Sequence[str], form: Form) -> dict[str, object]:
    """What was typed, as `ConnectorService` takes it. A secret that was left empty is not among it."""
    values: dict[str, object] = {}
    for name in names:
        match kind_of(name):
            case "secret":
                secret = form.secret(name)
                if secret.get_secret_value().strip():
                    values[name] = secret
                elif form.has(f"remove_{name}"):
                    values[name] = SecretStr("")
            case "flag":
                values[name] = "true" if form.has(name) else "false"
            case "list":
                parts = form.get(name).replace(",", _SEPARATOR).split(_SEPARATOR)
                values[name] = ",".join(part for each in parts if (part := each.strip()))
            case _:
                values[name] = form.get(name).strip()
    return values


def seen(names: Sequence[str], spec: ConnectorSpec) -> str:
    """Stands for what a form shows: another one if somebody has changed it since."""
    values = values_of(spec)
    shown = json.dumps({name: values[name] for name in names}, sort_keys=True, default=str)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]
