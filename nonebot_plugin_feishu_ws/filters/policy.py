"""Whom a connector listens to: the one definition of these fields, their defaults and what they accept."""

import re
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError, ValidationError

_CHAT_ID = re.compile(r"oc_[A-Za-z0-9_-]{1,64}")
_IDENTITY = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_MAX_PER_MINUTE = 1000
_MAX_PREFIX = 32


def _split(value: object) -> object:
    """Chat and shell give a list as `a,b`; empty parts and repetitions are dropped, order is kept."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return parts
    items: list[object] = list(parts)  # pyright: ignore[reportUnknownArgumentType]
    if not all(isinstance(item, str) for item in items):
        return items
    return tuple(dict.fromkeys(text for item in items if (text := str(item).strip())))


def _each(pattern: re.Pattern[str], hint: str) -> WrapValidator:
    """Every item of a list must fit, and the error says which one did not."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> tuple[str, ...]:
        try:
            items: tuple[str, ...] = handler(value)
        except ValidationError:
            raise PydanticCustomError("policy_value", "use a list of {hint}", {"hint": hint}) from None
        for item in items:
            if not pattern.fullmatch(item):
                raise PydanticCustomError(
                    "policy_value",
                    "'{item}' is not valid; use a list of {hint}",
                    {"item": item, "hint": hint},
                )
        return items

    return WrapValidator(check)


def _use(hint: str) -> WrapValidator:
    """Replace the library's explanation by one that names the valid values."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError("policy_value", "use {hint}", {"hint": hint}) from None

    return WrapValidator(check)


def _strip(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


_Flag = Annotated[bool, _use("true or false")]
_ChatIds = Annotated[tuple[str, ...], _each(_CHAT_ID, "chat ids (oc_…)"), BeforeValidator(_split)]
_Identities = Annotated[
    tuple[str, ...],
    _each(_IDENTITY, "open_ids (ou_…), union_ids (on_…) or user_ids"),
    BeforeValidator(_split),
]
_Prefix = Annotated[
    str,
    Field(max_length=_MAX_PREFIX),
    _use(f"a text of at most {_MAX_PREFIX} characters; empty for no prefix"),
    BeforeValidator(_strip),
]
_PerMinute = Annotated[
    int,
    Field(ge=0, le=_MAX_PER_MINUTE),
    _use(f"a whole number from 0 (no limit) to {_MAX_PER_MINUTE}"),
]


class Policy(BaseModel):
    """The policy fields of a connector. Frozen: a change is a new policy.

    Raises:
        pydantic.ValidationError: its `errors()` name each field and say what it accepts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    allow_dm: _Flag = Field(default=True, description="accept direct messages")
    allow_group_mention: _Flag = Field(default=True, description="accept messages from groups")
    mention_required: _Flag = Field(default=True, description="in groups, the bot must be mentioned by name")
    allowed_chat_ids: _ChatIds = Field(
        default=(),
        description="the only chats to listen and send to; empty = all; the first is the default target",
    )
    user_whitelist: _Identities = Field(
        default=(), description="the only senders to listen to (open_id, user_id or union_id); empty = all"
    )
    prefix_command: _Prefix = Field(
        default="", description="text that messages to the Butler must begin with"
    )
    ignore_bot_messages: _Flag = Field(default=True, description="ignore messages of other bots")
    rate_limit_per_minute: _PerMinute = Field(
        default=0, description="messages per minute and sender; 0 = no limit"
    )

    # Looked up for every message; the fields stay tuples because the order of chats has a meaning.
    @cached_property
    def chat_set(self) -> frozenset[str]:
        """`allowed_chat_ids` for membership tests."""
        return frozenset(self.allowed_chat_ids)

    @cached_property
    def user_set(self) -> frozenset[str]:
        """`user_whitelist` for membership tests."""
        return frozenset(self.user_whitelist)
