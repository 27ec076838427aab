"""One exchange with Feishu's registration endpoint (feishu-facts.md, "Registration")."""

from dataclasses import dataclass, field
from typing import Any

import aiohttp
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from yarl import URL

from ..gateway import proxy_for
from .registration_errors import (
    RegistrationDenied,
    RegistrationError,
    RegistrationExpired,
    RegistrationRefused,
    RegistrationUnreachable,
)

_PATH = "/oauth/v1/app/registration"
_MAX_BODY = 64 * 1024
_MAX_WORDS = 200


class _Person(BaseModel):
    open_id: str | None = None
    tenant_brand: str | None = None


class Answer(BaseModel):
    """Everything the endpoint answers, by whichever action. Null is as good as absent."""

    model_config = ConfigDict(hide_input_in_errors=True, allow_inf_nan=False)

    error: str = ""
    error_description: str = Field(default="", repr=False)
    supported_auth_methods: tuple[str, ...] = ()
    device_code: SecretStr = SecretStr("")
    verification_uri_complete: str = Field(default="", repr=False)
    interval: float = Field(default=5.0, gt=0)
    expires_in: float = Field(default=600.0, gt=0, validation_alias=AliasChoices("expires_in", "expire_in"))
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    user_info: _Person = _Person()

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: one for key, one in value.items() if one is not None}  # pyright: ignore[reportUnknownVariableType] - JSON

    def refusal(self, code: SecretStr | None = None) -> RegistrationError | None:
        """What `error` means, None if it means to go on. Feishu's words may quote the device code, ours do not."""
        match self.error:
            case "" | "authorization_pending" | "slow_down":
                return None
            case "access_denied":
                return RegistrationDenied("the person declined")
            case "expired_token" | "invalid_grant":
                return RegistrationExpired("the link is no longer valid")
            case error:
                words = " ".join(self.error_description.split())
                if code is not None:
                    words = words.replace(code.get_secret_value(), "***")
                return RegistrationRefused(error[:_MAX_WORDS], words[:_MAX_WORDS])


@dataclass(frozen=True, slots=True)
class Desk:
    """Asks the endpoint."""

    session: aiohttp.ClientSession
    proxy: str | None = field(repr=False)
    timeout: float

    async def ask(self, accounts: str, action: str, code: SecretStr | None = None, **form: str) -> Answer:
        try:
            async with self.session.post(
                accounts + _PATH,
                data={"action": action, **form, **({"device_code": code.get_secret_value()} if code else {})},
                proxy=proxy_for(accounts, self.proxy),
                timeout=aiohttp.ClientTimeout(total=self.timeout),
                allow_redirects=False,
            ) as response:
                answer = await _read(response)
            reason = f"HTTP {response.status} without a usable answer"
        except TimeoutError:
            answer, reason = None, f"no answer after {self.timeout:g} s"
        except (aiohttp.ClientError, OSError) as error:
            words = error.strerror if isinstance(error, OSError) else None  # other texts may quote a proxy
            answer, reason = None, f"{type(error).__name__}: {words}" if words else type(error).__name__
        if answer is None:
            raise RegistrationUnreachable(URL(accounts).host or "", reason)
        return answer


async def _read(response: aiohttp.ClientResponse) -> Answer | None:
    """The answer, also of a 4xx; None for what says nothing about the registration."""
    if response.status >= 500 or response.status == 429:
        return None
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _MAX_BODY:
            response.close()
            return None
    try:
        return Answer.model_validate_json(body)
    except ValidationError:
        return None
