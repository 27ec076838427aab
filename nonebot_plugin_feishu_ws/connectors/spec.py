"""One connector: which Feishu app it is, how it is reached, and what it lets through."""

import re
from typing import Literal

from pydantic import ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from yarl import URL

from ..filters import Policy
from ..gateway import normalise_base_url

_NAME = re.compile(r"[a-z0-9-]{1,32}")
_APP_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PERSON = re.compile(r"[^\s,]{1,64}")
_LONGEST_SECRET = 512


class ConnectorSpec(Policy):
    """A Feishu app to be connected. The policy fields (whom it answers) are those of `Policy`.

    Secrets are `SecretStr`: neither `repr` nor an error shows them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str = Field(description="1 to 32 of a-z, 0-9 and -; unique")
    app_id: str = Field(description="App ID from Feishu's developer console (cli_…); unique")
    app_secret: SecretStr = Field(description="App Secret from the same page")
    verification_token: SecretStr | None = Field(
        default=None, description="checked against every event when set"
    )
    encrypt_key: SecretStr | None = Field(
        default=None, description="what a webhook's requests are signed and encrypted with"
    )
    domain: str | None = Field(default=None, description="feishu, lark or a URL; default: FEISHU_WS__URL")
    transport: Literal["ws", "webhook"] = Field(
        default="ws", description="ws: the long connection; webhook: Feishu calls us"
    )
    enabled: bool = Field(default=True, description="connect at start-up")
    owner: str | None = Field(default=None, description="open_id of the person who may manage it")
    approvers: tuple[str, ...] = Field(
        default=(), description="open_ids who may approve; * = anyone in the chat"
    )
    proxy: SecretStr | None = Field(default=None, description="HTTP(S) proxy URL for this connector alone")

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not _NAME.fullmatch(value):
            raise ValueError("use 1 to 32 of the characters a-z, 0-9 and -")
        return value

    @field_validator("app_id")
    @classmethod
    def _app_id(cls, value: str) -> str:
        if not _APP_ID.fullmatch(value):
            raise ValueError("use the App ID from Feishu's developer console, like cli_a1b2c3d4e5f6a7b8")
        return value

    @field_validator("app_secret", "verification_token", "encrypt_key", "proxy")
    @classmethod
    def _pasted(cls, value: SecretStr | None) -> SecretStr | None:
        """Copied from a web page: what clings to its ends is not part of it."""
        if value is None:
            return None
        pasted = SecretStr(value.get_secret_value().strip())
        if not pasted:
            raise ValueError("must not be empty; copy it from Feishu's developer console")
        if len(pasted) > _LONGEST_SECRET or not pasted.get_secret_value().isprintable():
            raise ValueError(f"use 1 to {_LONGEST_SECRET} printable characters")
        return pasted

    @field_validator("transport")
    @classmethod
    def _checkable(cls, value: str, info: ValidationInfo) -> str:
        """Whoever finds the address of a webhook can post to it: there must be something to tell Feishu by."""
        keys = [info.data.get(name) for name in ("encrypt_key", "verification_token")]
        if value == "webhook" and not any(keys):
            raise ValueError(
                "webhook needs encrypt_key (better) or verification_token: without one anybody could post"
            )
        return value

    @field_validator("owner")
    @classmethod
    def _owner(cls, value: str | None) -> str | None:
        if value is not None and not (_PERSON.fullmatch(value) and value.isprintable()):
            raise ValueError("use the open_id (ou_…) of one person")
        return value

    @field_validator("approvers", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        """Chat and shell give a list as `a,b`."""
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )

    @field_validator("approvers")
    @classmethod
    def _approvers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_PERSON.fullmatch(person) and person.isprintable() for person in value):
            raise ValueError("use a list of open_ids (ou_…), or * for anyone in the chat")
        return tuple(dict.fromkeys(value))

    @field_validator("domain")
    @classmethod
    def _domain(cls, value: str | None) -> str | None:
        return None if value is None else normalise_base_url(value)

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _is_proxy(value):
            raise ValueError("use a proxy URL like http://proxy.example:3128")
        return value


def _is_proxy(value: SecretStr) -> bool:
    try:
        url = URL(value.get_secret_value())
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.host) and " " not in str(url.host)
