"""Which MCP servers bring tools: a part of the settings."""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final, Self, cast
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")  # RFC 9110, 5.6.2
_PERSON = re.compile(r"\*|ou_\w{1,61}", re.ASCII)
_TRANSPORT: Final = frozenset(
    {"accept", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)


class McpServer(BaseModel):
    """One server: at a `url`, or a `command` that is run."""

    # An error names the field and what is expected, never what was given: it may hold a key.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    url: str = Field(default="", repr=False)
    """Streamable HTTP: `https://…`; `http://…` on this machine only."""
    headers: dict[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """For each request to it."""
    command: str = ""
    """A program that speaks MCP over its standard input and output."""
    args: tuple[str, ...] = Field(default=(), repr=False)
    """Its arguments."""
    env: dict[str, SecretStr] = Field(default_factory=dict[str, SecretStr])
    """What its environment has besides PATH, HOME and the like."""
    allow: tuple[str, ...] | None = None
    """Its tools that are offered, by the names it gives them; all by default."""
    read_only: tuple[str, ...] | None = None
    """Its tools that need no approval; by default those it marks as read-only itself."""
    approvers: tuple[str, ...] | None = None
    """Who may approve calls, instead of the connector's approvers."""
    timeout: float = Field(default=30, ge=1, le=300)
    """Seconds for connecting and for each call."""

    @property
    def loopback(self) -> bool:
        """Whether it is on this machine."""
        return _is_loopback(urlsplit(self.url).hostname or "")

    @field_validator("url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (
            parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment
        ):
            raise ValueError("use an https URL without a user name; http only to this machine")
        if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
            raise ValueError("use https: plain http is for this machine only (127.0.0.1, ::1, localhost)")
        return value

    @field_validator("headers")
    @classmethod
    def _sendable(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, secret in value.items():
            if not _HEADER.fullmatch(name) or name.lower() in _TRANSPORT or name.lower().startswith("mcp-"):
                raise ValueError(f"{name[:64]!r} is no header that can be set here")
            text = secret.get_secret_value()
            if not (text.isascii() and text.isprintable()):
                raise ValueError(f"the value of {name} must be printable ASCII on one line")
        return value

    @field_validator("approvers")
    @classmethod
    def _people(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is not None and not (value and all(_PERSON.fullmatch(one) for one in value)):
            raise ValueError('use a list of open_ids (ou_…), or ["*"] for anyone in the chat')
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.url) == bool(self.command):
            raise ValueError("give either url or command")
        if self.url and (self.args or self.env):
            raise ValueError("args and env are for a command")
        if self.command and self.headers:
            raise ValueError("headers are for a url")
        if "\0" in self.command or any("\0" in one for one in self.args):
            raise ValueError("a command cannot contain NUL")
        return self


def check_names(value: Any) -> Any:
    """Look at the names of servers; a server's tool is called `name_tool`, so no `_` is in a name.

    Raises:
        ValueError: One does not fit.
    """
    if not isinstance(value, Mapping):
        return value
    for name in cast("Mapping[object, object]", value):
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise ValueError(
                f"server name {str(name)[:32]!r}: use a letter a-z, then up to 23 of a-z, 0-9 and -"
            )
    return cast("Mapping[object, object]", value)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
