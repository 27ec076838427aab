"""What a diagnosis is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..openapi import (
    ApiError,
    AppUnavailable,
    BadCredentials,
    FeishuError,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    ServerError,
    TransportError,
)

Fact = str | int | float | bool | Sequence[str] | None
"""Plain JSON values; durations in seconds."""


class CheckName(StrEnum):
    """What is checked, in the order in which it is told."""

    CREDENTIALS = "credentials"
    BOT = "bot"
    BOOTSTRAP = "bootstrap"
    CONNECTION = "connection"
    STRANGERS = "strangers"
    SCOPES = "scopes"
    EVENTS = "events"
    CLOCK = "clock"
    PROXY = "proxy"


class CheckOutcome(StrEnum):
    """How it turned out."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Which.
        outcome: How it turned out.
        facts: What was found, without secrets. `reason` says why the outcome is not `ok`; `DoctorTexts` has the words.
    """

    name: CheckName
    outcome: CheckOutcome
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])


Finding = tuple[CheckOutcome, dict[str, Fact]]
"""What examining found: a check without its name."""

_REASONS: tuple[tuple[type[FeishuError], str], ...] = (
    (RequestTimeout, "timeout"),
    (TransportError, "unreachable"),
    (BadCredentials, "bad_credentials"),
    (AppUnavailable, "app_unavailable"),
    (PermissionDenied, "permission"),
    (RateLimited, "rate_limited"),
    (ServerError, "platform"),
)


def facts_of(error: FeishuError) -> dict[str, Fact]:
    """What is known of a refused or lost call: `reason`, `msg`, and where Feishu answered `code`, `log_id`, `link`."""
    reason = next((reason for kind, reason in _REASONS if isinstance(error, kind)), "refused")
    if not isinstance(error, ApiError):
        return {"reason": reason, "msg": str(error)}
    found: dict[str, Fact] = {
        "reason": reason,
        "msg": error.msg,
        "code": error.code,
        "status": error.status,
        "log_id": error.log_id,
        "link": error.help_url,
    }
    return {name: value for name, value in found.items() if value is not None}
