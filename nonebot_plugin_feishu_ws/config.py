"""Settings, read from `.env`, the environment or `nonebot.init()`.

They live in NoneBot's scoped form (`FEISHU_WS__URL=…`); the two oldest names also work flat (`FEISHU_WS_URL`,
`FEISHU_WS_ENABLED`). A setting that does not exist is an error that names those that do: a typo must never
silently mean "default".
"""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Self, cast
from urllib.parse import urlsplit

import nonebot
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .connectors import ConnectorSpec
from .gateway import normalise_base_url
from .mcp_servers import McpServer, check_names

MOST_CONNECTIONS = 50
"""Of one app, over all processes (feishu-facts.md, Platform rules)."""


SHORTEST_KEY = 32
"""Bytes of what opens the REST interface: as many as HS256's hash has (RFC 7518, 3.2)."""

_FEWEST_CHARACTERS = 8  # different ones in a key; 32 random hexadecimal digits have fewer once in a billion
_SAMPLES = (
    "changeme",
    "change-me",
    "change_me",
    "your-256-bit",
    "a-string-secret",
    "0123456789abcdef",
    "example",
)
_MAKE_ONE = "openssl rand -hex 32"
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # what a header can carry (RFC 6750, 2.1)

LARGEST_PROMPT = 64 * 1024
"""Bytes of a system prompt from a file."""


class SettingsError(RuntimeError):
    """A setting has a value that cannot be used. The message names the setting; it never shows a value."""


class ButlerLimits(BaseModel):
    """What a model may use. Where a limit is reached, the answer ends with a sentence that says so."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    requests: int = Field(default=20, ge=1, le=200)
    """To the model, for one message."""
    tool_calls: int = Field(default=30, ge=0, le=500)
    """For one message."""
    tokens: int = Field(default=200_000, ge=1000)
    """In and out, for one message."""
    seconds: int = Field(default=300, ge=5, le=540)
    """For one message; Feishu ends a streaming card after 600."""
    daily_turns: int = Field(default=200, ge=1)
    """Messages of one person on one day (UTC)."""
    daily_tokens: int = Field(default=2_000_000, ge=1000)
    """Of one person on one day."""


class Settings(BaseModel):
    """Everything an operator can set, under the prefix `FEISHU_WS__`."""

    # Values may be secrets: an error names the setting and what is expected, never what was given.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    enabled: bool = True
    """Open long connections at start-up."""
    url: str = "https://open.feishu.cn"
    """Open platform: `feishu`, `lark`, an http(s) base URL, or a ws(s) URL whose host is taken."""
    connectors: tuple[ConnectorSpec, ...] = ()
    """Connectors declared in configuration (a JSON list)."""
    database_url: SecretStr | None = None
    """Any SQLAlchemy async URL; by default an SQLite file in the plugin's data directory."""
    secret_key: SecretStr | None = None
    """One or more keys for stored secrets, comma-separated; by default a key file beside the database."""
    sandbox: bool = False
    """Run the local Feishu inside the process and use it."""
    butler: Literal["commands", "llm", "off"] = "commands"
    """Who answers messages that are addressed to the bot."""
    butler_base_url: str | None = None
    """Of an OpenAI-compatible server, such as `https://api.example.com/v1`."""
    butler_api_token: SecretStr | None = None
    """For that server."""
    butler_model: str | None = None
    """The model's name on that server; without one, any model of pydantic-ai, as `provider:model`."""
    butler_prompt: str = ""
    """What the model is told to be: a text, or `file:/path` to one."""
    butler_limits: ButlerLimits = Field(default_factory=ButlerLimits)
    """A JSON object."""
    butler_mcp: dict[str, McpServer] = Field(default_factory=dict[str, McpServer])
    """MCP servers that bring tools: a JSON object, by name."""
    butler_merge: float = Field(default=0, ge=0, le=10, allow_inf_nan=False)
    """Seconds within which one person's next message becomes part of the same turn of the model; 0: none does."""
    connections: int = Field(default=1, ge=1, le=MOST_CONNECTIONS)
    """Long connections per connector and process; Feishu allows an app 50 in all."""
    reconnect_max_attempts: int = Field(default=0, ge=0)
    """Give up after so many failed attempts in a row and become `blocked`; 0 = never."""
    approval_ttl: int = Field(default=3600, ge=10, le=86_400)
    """Seconds until a pending approval expires; a day at most, because the message that asked is kept for two."""
    keep_events: int = Field(default=2, ge=2, le=3650)
    """Days for which finished events, and what was said to them, are kept. Feishu pushes an event again for 7 h, and
    must find it known; and an approval that waits for a day goes back to the message that asked."""
    keep_logs: int = Field(default=30, ge=2, le=3650)
    """Days for which rows of the log, and events that were given up, are kept."""
    keep_conversations: int = Field(default=90, ge=2, le=3650)
    """Days without a word after which a model forgets a conversation."""
    console: bool = True
    """REST and web console, where the driver is FastAPI."""
    console_url: str | None = None
    """What people open, such as `https://bot.example.com`: links in chats begin with it."""
    api_token: SecretStr | None = None
    """A bearer token that may do everything over REST."""
    jwt_secret: SecretStr | None = None
    """One or more secrets, comma-separated: JWTs signed with any of them (HS256) are bearer tokens."""
    locale: Literal["auto", "zh_CN", "en_US"] = "auto"
    """Language of the texts; `auto` is English on Lark and Chinese on Feishu."""

    @field_validator("url")
    @classmethod
    def _base_url(cls, value: str) -> str:
        return normalise_base_url(value)

    @field_validator("butler_base_url")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username):
            raise ValueError("use an http(s) URL without a user name, such as https://api.example.com/v1")
        return value or None

    @field_validator("console_url")
    @classmethod
    def _opened(cls, value: str | None) -> str | None:
        parts = urlsplit((value or "").strip())
        if value and (
            parts.scheme not in ("http", "https")
            or not parts.netloc
            or parts.username
            or parts.path.strip("/")
            or parts.query
            or parts.fragment
        ):
            raise ValueError("use the beginning of a URL, such as https://bot.example.com; no path behind it")
        return f"{parts.scheme}://{parts.netloc}" if value else None

    @field_validator("api_token", "jwt_secret")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        keys = [key.strip() for key in (value.get_secret_value() if value else "").split(",")]
        if keys == [""]:
            return None  # `FEISHU_WS__API_TOKEN=` is how a setting is left out in a file
        if info.field_name == "api_token" and not _TOKEN.fullmatch(",".join(keys)):
            raise ValueError("use letters, digits and -._~+/ alone")
        for key in keys:
            if len(key.encode()) < SHORTEST_KEY:
                raise ValueError(f"use {SHORTEST_KEY} bytes or more: {_MAKE_ONE}")
            if len(set(key)) < _FEWEST_CHARACTERS or any(word in key.lower() for word in _SAMPLES):
                raise ValueError(f"this is easily guessed; make one that is random: {_MAKE_ONE}")
        return SecretStr(",".join(keys))

    @field_validator("butler_mcp", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return check_names(value)

    @field_validator("butler_prompt")
    @classmethod
    def _prompt(cls, value: str) -> str:
        if not value.startswith("file:"):
            return value
        path = Path(value.removeprefix("file:"))
        try:
            content = path.read_bytes()
            text = content.decode()
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"{path} is not UTF-8 text") from None
        if len(content) > LARGEST_PROMPT:
            raise ValueError(f"{path} is larger than {LARGEST_PROMPT} bytes")
        return text

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.butler_api_token and not self.butler_base_url:
            raise ValueError(
                "FEISHU_WS__BUTLER_API_TOKEN is for the server of FEISHU_WS__BUTLER_BASE_URL, which is not set; "
                "a provider:model takes its key from the provider's own environment variable"
            )
        if self.butler == "llm" and not self.butler_model:
            raise ValueError(
                "FEISHU_WS__BUTLER=llm needs FEISHU_WS__BUTLER_MODEL: the model's name on the server of "
                "FEISHU_WS__BUTLER_BASE_URL, or provider:model"
            )
        return self

    @field_validator("keep_events", "keep_logs", "keep_conversations", mode="wrap")
    @classmethod
    def _long_enough(cls, value: Any, check: Callable[[Any], int]) -> int:
        try:
            return check(value)
        except ValidationError:
            raise ValueError(
                "use a whole number of days from 2 to 3650: for less than two Feishu may push an event again, and an "
                "approval may wait for the message that asked"
            ) from None

    @field_validator("connections", mode="wrap")
    @classmethod
    def _within_the_limit(cls, value: Any, check: Callable[[Any], int]) -> int:
        try:
            return check(value)
        except ValidationError:
            raise ValueError(
                f"use a whole number from 1 to {MOST_CONNECTIONS}, which is what Feishu allows one app"
            ) from None

    @field_validator("connectors")
    @classmethod
    def _unique(cls, specs: tuple[ConnectorSpec, ...]) -> tuple[ConnectorSpec, ...]:
        for field in ("name", "app_id"):
            values = [str(getattr(spec, field)) for spec in specs]
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"{field} must be unique, but {', '.join(twice)} appears twice")
        return specs


class Config(BaseModel):
    """The part of NoneBot's configuration that is ours."""

    model_config = ConfigDict(hide_input_in_errors=True)

    feishu_ws: Settings = Field(default_factory=Settings)
    feishu_ws_enabled: bool | None = None
    feishu_ws_url: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _flat_names(cls, data: Any) -> Any:
        """`FEISHU_WS_URL` stands for `FEISHU_WS__URL`; where both are given the scoped name wins."""
        if not isinstance(data, dict):
            return data
        values = cast("dict[str, Any]", data)
        scoped: Any = values.get("feishu_ws") or {}
        if not isinstance(scoped, dict):
            return values
        flat = {name: values.get(f"feishu_ws_{name}") for name in ("enabled", "url")}
        given = {name: value for name, value in flat.items() if value is not None}
        return {**values, "feishu_ws": {**given, **cast("dict[str, Any]", scoped)}}


def load_settings() -> Settings:
    """Read and check the settings.

    Raises:
        SettingsError: naming every setting that is wrong, and the valid names or values.
    """
    _refuse_unknown_flat_names()
    try:
        return nonebot.get_plugin_config(Config).feishu_ws
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except ValueError as error:  # NoneBot could not parse a JSON value
        names = (
            "FEISHU_WS__CONNECTORS takes a JSON list of objects, FEISHU_WS__BUTLER_LIMITS and "
            "FEISHU_WS__BUTLER_MCP an object"
        )
        raise SettingsError(f"{error}: {names}") from None


def _refuse_unknown_flat_names() -> None:
    """`FEISHU_WS_CONNECTORS`, with one underscore too few, would be ignored without a word."""
    given = {name.lower() for name in (*os.environ, *(nonebot.get_driver().config.model_extra or {}))}
    for name in sorted(given):
        if (
            name.startswith("feishu_ws_")
            and not name.startswith("feishu_ws__")
            and name not in Config.model_fields
        ):
            setting = name.removeprefix("feishu_ws_")
            meant = (
                f"; did you mean FEISHU_WS__{setting.upper()}?" if setting in Settings.model_fields else ""
            )
            raise SettingsError(f"there is no setting {name.upper()}{meant}")


def _explain(error: ValidationError) -> str:
    lines = ["nonebot-plugin-feishu-ws cannot start with these settings:"]
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        path = [str(part) for part in problem["loc"]]
        if path[:1] == ["feishu_ws"]:
            path = path[1:]
        name = "FEISHU_WS__" + path[0].upper() if path else "FEISHU_WS"
        where = name + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in path[1:])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            known = {"butler_limits": ButlerLimits, "butler_mcp": McpServer}.get(path[0], ConnectorSpec)
            fields = Settings.model_fields if len(path) == 1 else known.model_fields
            names = ", ".join(sorted(name.upper() if len(path) == 1 else name for name in fields))
            message = f"there is no such setting; valid names: {names}"
        elif problem["type"] in ("tuple_type", "list_type"):
            message = "use a JSON list"
        lines.append(f"  {where}: {message}")
    return "\n".join(lines)
